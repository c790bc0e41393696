"""What clients saw, and whether it keeps the promises; the checker is pure.

A client notes each answer with the time at which it had it. What an answer that was lost would have
said is unknown, and nothing is held against it.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

ENDED = frozenset({"successful", "failed", "dismissed"})

FORGIVEN = frozenset({"process-crashed", "disk-full", "unavailable"})
"""Why a job may fail while its process is killed, or the disk is full."""


class Kind(StrEnum):
    """What a client saw."""

    ACCEPTED = "accepted"
    STATUS = "status"
    RESULT = "result"
    FAILURE = "failure"
    DISMISSED = "dismissed"
    REFUSED = "refused"
    LOST = "lost"
    GONE = "gone"
    WRONG = "wrong"


@dataclass(frozen=True)
class Seen:
    """An answer about a job; `value` is a status, a result's digest, or words. `at` in seconds."""

    kind: Kind
    job: str
    value: str = ""
    at: float = 0.0


@dataclass
class History:
    """All that was seen, and what each job was to give; filled by many threads."""

    seen: list[Seen] = field(default_factory=list)
    expected: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: Kind, job: str = "", value: str = "") -> None:
        """Note an answer, now."""
        with self._lock:
            self.seen.append(Seen(kind, job, value, time.monotonic()))

    def expect(self, job: str, result: str) -> None:
        """Note what a job is to give; known before its first result is read."""
        with self._lock:
            self.expected[job] = result

    def jobs(self) -> dict[str, list[Seen]]:
        """What was seen of each job, in order."""
        found: dict[str, list[Seen]] = {}
        with self._lock:
            for one in self.seen:
                if one.job:
                    found.setdefault(one.job, []).append(one)
        return found

    def counts(self) -> Counter[str]:
        """How many answers of each kind there were."""
        with self._lock:
            return Counter(str(one.kind) for one in self.seen)


def violations(history: History) -> list[str]:
    """Every promise that was broken, in words; none is what we want."""
    found = [f"wrong answer: {one.value}" for one in history.seen if one.kind is Kind.WRONG]
    for job, seen in history.jobs().items():
        expected = history.expected.get(job, "")
        for rule in RULES:
            found += [f"job {job}: {words}" for words in rule(seen, expected)]
    return found


def _never_lost(seen: Sequence[Seen], _expected: str) -> Iterator[str]:
    """An accepted job is there for ever."""
    if any(one.kind is Kind.GONE for one in seen):
        yield "it was accepted, and then it was not there"


def _ends(seen: Sequence[Seen], _expected: str) -> Iterator[str]:
    """A job ends; the last look is after everything was healed."""
    statuses = _statuses(seen)
    if statuses and statuses[-1] not in ENDED:
        yield f"it has not ended: {statuses[-1]}"


def _once(seen: Sequence[Seen], _expected: str) -> Iterator[str]:
    """A terminal state never changes, and there is only one."""
    ends = list(dict.fromkeys(status for status in _statuses(seen) if status in ENDED))
    if len(ends) > 1:
        yield f"it ended more than once: {', '.join(ends)}"
    statuses = _statuses(seen)
    first = next((at for at, status in enumerate(statuses) if status in ENDED), len(statuses))
    if any(status not in ENDED for status in statuses[first:]):
        yield "it was alive again after its end"


def _never_waits_again(seen: Sequence[Seen], _expected: str) -> Iterator[str]:
    """A job that has run is not waiting again."""
    statuses = _statuses(seen)
    if "running" in statuses and "accepted" in statuses[statuses.index("running") :]:
        yield "it was accepted again after it had run"


def _dismissed_stays(seen: Sequence[Seen], _expected: str) -> Iterator[str]:
    """Who was told that a job is dismissed never sees its result."""
    told = next((at for at, one in enumerate(seen) if one.kind is Kind.DISMISSED), None)
    if told is not None and any(one.kind is Kind.RESULT for one in seen):
        yield "it was dismissed, and has a result"
    if told is not None and any(s != "dismissed" for s in _statuses(seen[told:])):
        yield "it was dismissed, and then it was not"


def _result_is_right(seen: Sequence[Seen], expected: str) -> Iterator[str]:
    """A result is what was asked for, at each reading."""
    wrong = {one.value for one in seen if one.kind is Kind.RESULT and one.value != expected}
    if wrong:
        yield f"its result is wrong: {', '.join(sorted(wrong))[:200]}"


def _fails_for_a_reason(seen: Sequence[Seen], _expected: str) -> Iterator[str]:
    """A job whose process was not harmed does not fail."""
    for one in seen:
        if one.kind is Kind.FAILURE and one.value.partition(":")[0] not in FORGIVEN:
            yield f"it failed: {one.value}"
            return


RULES: tuple[Callable[[Sequence[Seen], str], Iterator[str]], ...] = (
    _never_lost,
    _ends,
    _once,
    _never_waits_again,
    _dismissed_stays,
    _result_is_right,
    _fails_for_a_reason,
)


def _statuses(seen: Sequence[Seen]) -> list[str]:
    return [one.value for one in seen if one.kind is Kind.STATUS]
