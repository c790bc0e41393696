"""Clients that submit, wait, look, read and dismiss without end, and note all they see."""

import hashlib
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2
from tests.faults.engine import content
from tests.faults.history import ENDED, History, Kind

TIMEOUT = 30.0
OPEN_MOST = 5
"""How many unfinished jobs one client has at a time."""

SIZES = (0, 100, 3_000, 100_000)
LOST = (httpx2.TransportError, httpx2.StreamError)


@dataclass
class Client:
    """One client; `run` ends soon after `ending` is set."""

    url: str
    number: int
    seed: int
    history: History
    ending: threading.Event
    jobs: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    serial: int = 0

    def run(self) -> None:
        """Do what clients do, at random."""
        chance = random.Random(f"{self.seed}-{self.number}")  # noqa: S311  # no secret is made of it
        with httpx2.Client(base_url=self.url, timeout=TIMEOUT) as self.http:
            while not self.ending.is_set():
                self.act(chance)
                self.ending.wait(chance.uniform(0.0, 0.15))

    def act(self, chance: random.Random) -> None:
        """One of the things that clients do."""
        actions: list[Callable[[random.Random], None]] = [
            *[self.submit] * 4,
            *[self.wait] * 2,
            *[self.look] * 5,
            self.dismiss,
        ]
        chance.choice(actions)(chance)

    def submit(self, chance: random.Random) -> None:
        """An asynchronous job."""
        if len(self.unfinished) >= OPEN_MOST:
            self.look(chance)
            return
        answer, expected = self._execute(chance, {"Prefer": "respond-async"})
        if answer is None or self._refused(answer):
            return
        if answer.status_code != 201:
            self._wrong(answer, "an asynchronous execution")
            return
        job = str(answer.json()["jobID"])
        self.history.expect(job, expected)
        self.history.note(Kind.ACCEPTED, job)
        self.jobs.append(job)
        self.unfinished.append(job)

    def wait(self, chance: random.Random) -> None:
        """A synchronous job."""
        answer, expected = self._execute(chance, {})
        if answer is None or self._refused(answer) or answer.status_code == 504:
            return
        job = answer.headers.get("Link", "").partition(">")[0].rpartition("/")[2]
        if not job:
            self._wrong(answer, "a synchronous execution")
            return
        self.history.expect(job, expected)
        self.jobs.append(job)
        self._note_result(job, answer)

    def look(self, chance: random.Random) -> None:
        """The status of a job, and its results if it has some."""
        if self.jobs:
            recent = self.unfinished or self.jobs[-20:]
            self.look_at(chance.choice(recent if chance.random() < 0.8 else self.jobs))

    def look_at(self, job: str) -> str | None:
        """The status of a job as it is now; None when it cannot be had."""
        answer = self._ask("GET", f"/jobs/{job}")
        if answer is None or self._refused(answer):
            return None
        if answer.status_code in (404, 410):
            self.history.note(Kind.GONE, job)
            return None
        if answer.status_code != 200:
            self._wrong(answer, "a status")
            return None
        status = str(answer.json()["status"])
        self.history.note(Kind.STATUS, job, status)
        if status in ENDED:
            self.unfinished = [one for one in self.unfinished if one != job]
            self._read(job, status)
        return status

    def _read(self, job: str, status: str) -> None:
        answer = self._ask("GET", f"/jobs/{job}/results")
        if answer is None or self._refused(answer):
            return
        if status == "dismissed":
            if answer.status_code != 410:
                self._wrong(answer, "the results of a dismissed job")
            return
        self._note_result(job, answer)

    def dismiss(self, chance: random.Random) -> None:
        """Cancel one of the jobs that have not ended, as far as is known."""
        if not self.unfinished:
            return
        job = chance.choice(self.unfinished)
        if self.look_at(job) in ENDED | {None}:
            return
        # DELETE takes away a job that has ended meanwhile: the form's button only cancels.
        answer = self._ask("POST", f"/jobs/{job}/cancel", headers={"Origin": self.url})
        if answer is None or self._refused(answer):
            return
        if answer.status_code != 303:
            self._wrong(answer, "a cancellation")
            return
        if self.look_at(job) == "dismissed":
            self.history.note(Kind.DISMISSED, job)

    def _execute(
        self, chance: random.Random, headers: dict[str, str]
    ) -> tuple[httpx2.Response | None, str]:
        self.serial += 1
        text, size = f"{self.number}-{self.serial}", chance.choice(SIZES)
        seconds = round(chance.choice([0.0, 0.0, 0.1, 0.5, 2.0]), 1)
        expected = hashlib.sha256(content(text, size)).hexdigest()
        body = {
            "inputs": {"text": text, "seconds": seconds, "size": size},
            "outputs": {"file": {}},
        }
        path = "/processes/faults:work/execution"
        return self._ask("POST", path, json=body, headers=headers), expected

    def _ask(self, method: str, path: str, **more: object) -> httpx2.Response | None:
        try:
            return self.http.request(method, path, **more)  # type: ignore[arg-type]  # as they are named
        except LOST as error:
            self.history.note(Kind.LOST, value=type(error).__name__)
            self.ending.wait(0.2)
            return None

    def _refused(self, answer: httpx2.Response) -> bool:
        """Whether the service was not available; it must say when to come again."""
        if answer.status_code != 503:
            return False
        self.history.note(Kind.REFUSED)
        if "Retry-After" not in answer.headers:
            self.history.note(Kind.WRONG, value="503 without Retry-After")
        self.ending.wait(0.2)
        return True

    def _note_result(self, job: str, answer: httpx2.Response) -> None:
        if answer.status_code == 200:
            self.history.note(Kind.RESULT, job, hashlib.sha256(answer.content).hexdigest())
            return
        document = answer.json()
        code = str(document["type"]).rpartition(":")[2].rpartition("/")[2]
        self.history.note(Kind.FAILURE, job, f"{code}: {document.get('detail')}")

    def _wrong(self, answer: httpx2.Response, asked: str) -> None:
        words = f"{answer.status_code} for {asked}: {answer.text[:300]}"
        self.history.note(Kind.WRONG, value=words)

    def settle(self, seconds: float) -> None:
        """After all was healed: look at each job until it has ended."""
        end = time.monotonic() + seconds
        with httpx2.Client(base_url=self.url, timeout=TIMEOUT) as self.http:
            left = list(self.jobs)
            while left and time.monotonic() < end:
                left = [job for job in left if self.look_at(job) not in ENDED]
                time.sleep(0.2)
