"""One message, one outcome: claim, folder, inputs, child, limits, storage, record."""

import logging
import shutil
import signal
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from opentelemetry.trace import SpanKind

from qanat_common.errors import (
    InputNotFetched,
    Internal,
    ProcessCrashed,
    QanatError,
    Unavailable,
    WorkerLost,
)
from qanat_common.logs import job_context
from qanat_common.ogc import JobStatus
from qanat_common.protocol import INPUTS, Failed, Inputs, RunJob, Succeeded
from qanat_common.storage import Storage
from qanat_common.store import Claimed, Store
from qanat_common.tracing import span, waited
from qanat_worker import sandbox
from qanat_worker.attending import INTERNAL, attend
from qanat_worker.child import EXIT_MEMORY, words_for
from qanat_worker.children import Children
from qanat_worker.fetch import Fetcher, Stopped
from qanat_worker.keep import Keeper
from qanat_worker.limits import Watch, disk_error
from qanat_worker.pipe import Garbled, Order
from qanat_worker.port import Produced, Task
from qanat_worker.pulse import Pulse, Report, Stop
from qanat_worker.settings import LimitSettings
from qanat_worker.tally import Tally
from qanat_worker.warm import Child

logger = logging.getLogger(__name__)

T = TypeVar("T")

LONGEST_PAUSE = 10.0
"""The longest pause before the store is called again while it is away."""

STORAGE_SECONDS = 60.0
"""How long the storage may be away before the job fails for it."""

CONSOLE_TAIL = 2000
OUT_OF_MEMORY = ("bad_alloc", "MemoryError", "Cannot allocate memory")


class GivenBack(Exception):
    """The worker stops before the job has ended: another is to run it."""


class ParentLost(ProcessCrashed):
    """The warm parent was lost, and the job's child with it: not the job's fault."""


@dataclass(frozen=True)
class Attempt:
    """A claimed job: what is told of it, its folder, and what is to be done when it has ended."""

    job: RunJob
    report: Report
    root: Path
    afterwards: ExitStack

    def stopped(self) -> bool:
        """Whether the job is to be stopped."""
        return self.report.stop is not None

    def check_stop(self) -> None:
        """Raises Stopped when it is."""
        if self.stopped():
            raise Stopped


def _at_once(call: Callable[[], None]) -> None:
    call()


class Runner:
    """Runs jobs, each in the thread that calls; never raises but GivenBack."""

    def __init__(
        self,
        boot: str,
        folder: Path,
        limits: LimitSettings,
        max_attempts: int,
        children: Children,
        fetcher: Fetcher,
        pulse: Pulse,
        store: Store,
        storage: Storage,
        tally: Tally | None = None,
        later: Callable[[Callable[[], None]], None] = _at_once,
        picture: int = 0,
    ) -> None:
        """`folder` is this worker's own, for the folders of its jobs; `picture` as in Order.

        `later` clears away what a job has left, when its outcome was told: somebody may be waiting for it.
        """
        self._boot = boot
        self._folder = folder
        self._limits = limits
        self._max_attempts = max_attempts
        self._children = children
        self._fetcher = fetcher
        self._pulse = pulse
        self._store = store
        self._storage = storage
        self._tally = tally or Tally()
        self._later = later
        self._picture = picture
        self._giving_back = threading.Event()

    def give_back(self) -> None:
        """Stop all running jobs at once, and have them given back."""
        self._giving_back.set()
        self._pulse.stop_all(Stop.GIVE_BACK)

    def run(self, job: RunJob) -> None:
        """Run a job to its outcome; when this returns, its message may be acknowledged."""
        with job_context(job.job_id):
            try:
                self._run(job)
            except GivenBack:
                raise
            except Exception:
                logger.exception("%s: failed inside the worker", job.process_id)
                failure = Failed(code=Internal.code, message=INTERNAL)
                self._patiently(lambda: self._store.give_up(job.job_id, failure))

    def _run(self, job: RunJob) -> None:
        if not self._children.offers(job.process_id, job.project):
            self._pass_on(job)
            return
        report = Report(job.job_id, uuid.uuid4().hex)
        if self._claim(job, report):
            with span("job", job.trace, SpanKind.CONSUMER, **_told(job)):
                waited("wait in the queue", job.created)
                self._run_claimed(job, report)

    def _pass_on(self, job: RunJob) -> None:
        """Leave a job to those who offer its process: it came here while that was changing."""
        logger.warning("%s: not offered here, passed on", job.process_id)
        self._tally.passed_on()
        self._patiently(lambda: self._store.mark_unpublished(job.job_id))

    def _claim(self, job: RunJob, report: Report) -> bool:
        result, attempt = self._patiently(lambda: self._try_claim(job, report.token))
        match result:
            case Claimed.CLAIMED:
                logger.info("%s: attempt %d begins", job.process_id, attempt)
                self._tally.begun(job, attempt)
                return True
            case Claimed.EXHAUSTED:
                logger.error("%s: given up after %d attempts", job.process_id, attempt)
                words = f"The worker was lost while it ran the job, {attempt} times."
                failure = Failed(code=WorkerLost.code, message=words)
                self._patiently(lambda: self._store.give_up(job.job_id, failure))
                self._tally.lost(job)
            case _:
                logger.info("%s: not run, it is %s", job.process_id, result)
        return False

    def _try_claim(self, job: RunJob, token: str) -> tuple[Claimed, int]:
        claim = self._store.claim(job, token, self._boot, self._max_attempts)
        if claim.result is Claimed.BUSY:
            # The answer to a claim that was granted may have been lost, and the claim repeated.
            record = self._store.get(job.job_id)
            if record is not None and record.token == token:
                return Claimed.CLAIMED, record.attempt
        return claim.result, claim.attempt

    def _run_claimed(self, job: RunJob, report: Report) -> None:
        began = time.monotonic()
        with ExitStack() as afterwards:
            attempt = Attempt(job, report, self._folder / report.token, afterwards)
            afterwards.callback(shutil.rmtree, attempt.root, ignore_errors=True)
            outcome = self._outcome(attempt)
            if outcome is not None:
                self._finish(job, report, outcome)
                self._later(afterwards.pop_all().close)
        seconds = time.monotonic() - began
        if outcome is None and report.stop is Stop.GIVE_BACK:
            self._tally.given_back(job, seconds)
            logger.info("%s: given back", job.process_id)
            raise GivenBack(job.job_id)
        self._tally.ended(job, outcome, seconds)
        if outcome is None:
            logger.info("%s: stopped: %s", job.process_id, report.stop)
            return
        logger.info("%s: %s after %.3f s", job.process_id, outcome.status, seconds)

    def _finish(self, job: RunJob, report: Report, outcome: Succeeded | Failed) -> None:
        self._patiently(lambda: report.flush(self._store))
        if self._patiently(lambda: self._store.finish(job.job_id, report.token, outcome)):
            return
        logger.info("%s: its outcome is dropped, it has ended before", job.process_id)
        record = self._patiently(lambda: self._store.get(job.job_id))
        if record is None or record.status is JobStatus.DISMISSED:
            self._forget_files(job)

    def _forget_files(self, job: RunJob) -> None:
        try:
            self._storage.remove_job(job.job_id)
        except Unavailable as error:
            logger.warning("files of a dismissed job stay in the storage: %s", error)

    def _outcome(self, attempt: Attempt) -> Succeeded | Failed | None:
        """How the job ended; None when it was stopped."""
        job, report = attempt.job, attempt.report
        self._pulse.watch(report)
        if self._giving_back.is_set():
            report.stop = Stop.GIVE_BACK
        try:
            return self._work_twice(attempt)
        except (Stopped, GivenBack):
            return None
        except QanatError as error:
            logger.info("%s: %s: %s", job.process_id, error.code, error.detail)
            return _failed(error)
        except Exception as error:
            logger.exception("%s: failed inside the worker", job.process_id)
            told = disk_error(error) if isinstance(error, OSError) else None
            return _failed(told or Internal(INTERNAL))
        finally:
            self._pulse.forget(report)

    def _work_twice(self, attempt: Attempt) -> Succeeded:
        try:
            return self._work(attempt)
        except ParentLost:
            name = attempt.job.process_id
            logger.warning("%s: its process was lost with the warm parent: again", name)
        shutil.rmtree(attempt.root)
        return self._work(attempt)

    def _work(self, attempt: Attempt) -> Succeeded:
        job, root = attempt.job, attempt.root
        folder = sandbox.make_folders(root)
        with span("fetch inputs"):
            inputs = self._fetcher.resolve(self._inputs(job), folder, attempt.stopped)
        task = Task(
            process_id=job.process_id,
            inputs=inputs,
            outputs=job.outputs,
            folder=str(folder),
            project=job.project,
        )
        with span("run in a process of its own"):
            order = Order(task=task, limits=self._limits, root=str(root), picture=self._picture)
            produced = self._execute(order, attempt)
        keeper = Keeper(job.job_id, root, lambda call: self._patiently(call, STORAGE_SECONDS))
        with span("keep results"):
            return Succeeded(outputs=keeper.keep(produced, self._storage))

    def _inputs(self, job: RunJob) -> Inputs:
        key = job.inputs_key
        if key is None:
            return job.inputs
        try:
            data = self._patiently(lambda: self._storage.get(key), STORAGE_SECONDS)
        except FileNotFoundError:
            raise InputNotFetched(
                "The inputs of the job are not in the storage any more."
            ) from None
        return INPUTS.validate_json(data)

    def _execute(self, order: Order, attempt: Attempt) -> dict[str, Produced]:
        """Have a child run the job. When this returns, none of its processes does anything more."""
        child = self._children.take(attempt.stopped)
        if child is None:
            raise Stopped
        attempt.afterwards.callback(child.end)
        watch = Watch(order.limits, child.pid, Path(order.root))
        try:
            child.order(order)
            return attend(child, watch, attempt.report, attempt.check_stop)
        except EOFError:
            raise self._crash(child, watch, Path(order.root)) from None
        except Garbled as error:
            logger.warning("the job's process said what is no message: %s", error)
            raise ProcessCrashed("The job's process broke the rules of its talk.") from None
        finally:
            child.halt()

    def _crash(self, child: Child, watch: Watch, root: Path) -> QanatError:
        """What a child that fell silent died of."""
        code = child.code()
        if code is None:
            return ParentLost("The process of the engine was lost, and the job's with it.")
        reasons: dict[int, Callable[[], QanatError]] = {
            EXIT_MEMORY: watch.memory_error,
            -signal.SIGXFSZ: watch.output_error,
            -signal.SIGXCPU: watch.processor_error,
        }
        if code in reasons:
            return reasons[code]()
        watch.check_output()
        console = _tail(root / "console")
        if any(word in console for word in OUT_OF_MEMORY):
            return watch.memory_error()
        logger.warning("the job's process crashed (%d); its last words: %r", code, console)
        return ProcessCrashed(f"The job's process crashed. {words_for(code)}")

    def _patiently(self, call: Callable[[], T], patience: float = float("inf")) -> T:
        """Call the store or the storage until it is there; a job that has run is not lost for it.

        Raises Unavailable after `patience` seconds, GivenBack when the worker stops meanwhile.
        """
        pause, end = 0.05, time.monotonic() + patience
        while True:
            try:
                return call()
            except Unavailable:
                if time.monotonic() > end:
                    raise
                if self._giving_back.wait(pause):
                    raise GivenBack from None
                pause = min(pause * 2, LONGEST_PAUSE)


def _failed(error: QanatError) -> Failed:
    pointer = error.faults[0].pointer if error.faults else None
    return Failed(code=error.code, message=error.detail or error.title, pointer=pointer)


def _told(job: RunJob) -> dict[str, str | int]:
    """What a trace tells of a job: no value of a client."""
    return {
        "qanat__job": job.job_id,
        "qanat__process": job.process_id,
        "qanat__service": job.service,
    }


def _tail(console: Path) -> str:
    try:
        with console.open("rb") as file:
            file.seek(max(0, console.stat().st_size - CONSOLE_TAIL))
            return file.read(CONSOLE_TAIL).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
