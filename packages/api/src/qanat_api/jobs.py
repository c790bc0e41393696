"""Jobs: submit, wait, status, results, dismiss, list."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from qanat_api import body as bodies
from qanat_api import local, lookup, uploads
from qanat_api.catalog import Offered, Snapshot
from qanat_api.executed import execute_request
from qanat_api.inputs import parse_execute, parse_inputs, requested, returned
from qanat_api.negotiation import Mode, Preferences, mode
from qanat_api.ports import Broker, Guard, Storage, Store, Watch, Watches
from qanat_api.projects import check_parts
from qanat_api.subscribers import Subscribers
from qanat_api.uploads import Upload
from qanat_common.bounds import UNBOUNDED, Bounds
from qanat_common.errors import (
    JobDismissed,
    JobGone,
    NoSuchJob,
    NotFound,
    QueueFull,
    SyncLimit,
    TooManyJobs,
    Unavailable,
)
from qanat_common.jobs import JobRecord
from qanat_common.listing import JobFilter, JobPage
from qanat_common.logs import job_context
from qanat_common.ogc import JobControl, JobStatus, Response
from qanat_common.protocol import INPUTS, LogEntry, RunJob, queue_name
from qanat_common.signing import Seal
from qanat_common.storage import job_key
from qanat_common.tracing import carried

logger = logging.getLogger(__name__)

AT_ONCE = 64 * 1024
"""Bodies up to this size are parsed in the event loop, larger ones in a thread."""

INPUTS_FILE = "inputs.json"
"""The name of a job's file of inputs that are too large for the broker."""


Gone = Callable[[], Awaitable[None]]
"""Returns when the client that asked is gone."""


@dataclass(frozen=True)
class Limits:
    """`inline` in bytes of JSON, `sync` in seconds, `bounds` in jobs."""

    inline: int
    sync: float
    bounds: Bounds = UNBOUNDED


@dataclass(frozen=True)
class Execution:
    """A job that was accepted; it has ended if its mode is not asynchronous."""

    record: JobRecord
    mode: Mode


class Jobs:
    """What clients do with jobs."""

    def __init__(
        self,
        catalog: Callable[[], Snapshot],
        store: Store,
        storage: Storage,
        broker: Broker,
        watches: Watches,
        limits: Limits,
        subscribers: Subscribers,
        seal: Seal | None = None,
    ) -> None:
        """`catalog` is asked for the newest snapshot each time; `seal` is what jobs are signed with."""
        self._catalog = catalog
        self._store = store
        self._storage = storage
        self._broker = broker
        self._watches = watches
        self._limits = limits
        self._subscribers = subscribers
        self._seal = seal or Seal()
        self._guard: Guard | None = None

    def for_caller(self, guard: Guard) -> "Jobs":
        """The same jobs, as somebody may see them."""
        found = copy(self)
        found._guard = guard
        found._catalog = lambda: guard.snapshot(self._catalog())
        return found

    def offered(self, project: str | None) -> Snapshot:
        """The processes that there are, within a project if one is named. Raises NoSuchProject."""
        return lookup.within(self._catalog(), project)

    def process(self, process_id: str, project: str | None = None) -> Offered:
        """The process of an id, within a project if one is named."""
        return lookup.process(self._catalog(), process_id, project)

    async def execute(
        self,
        offered: Offered,
        body: bytes,
        wanted: Preferences,
        gone: Gone | None = None,
        base: str = "",
    ) -> Execution:
        """Run a process; returns when it has ended, or was accepted, by what the client prefers.

        `gone` ends when the client does: a job that only it waits for is dismissed then. `base` is
        the address of the service as the client sees it: references below it need no request.
        """
        if len(body) <= AT_ONCE:
            request = self._request(offered, body, wanted, base)
        else:
            request = await asyncio.to_thread(self._request, offered, body, wanted, base)
        if request.subscriber:
            gone = None  # who is told of it waits for it too
        if self._guard is not None:
            self._guard.runs(f"{offered.process.id}@{offered.service}")
            request = request.model_copy(update={"owner": self._guard.owner})
        if base and local.concerned(request.inputs, base):
            own = local.Own(self._record, self._upload)
            inputs = await asyncio.to_thread(local.resolved, request.inputs, base, own)
            request = request.model_copy(update={"inputs": inputs})
        chosen = mode(offered.process.job_control_options, wanted, self._limits.sync)
        with job_context(request.job_id), self._watches.watch(request.job_id) as watch:
            await self._accept(request)
            marking = asyncio.create_task(self._mark(request))
            try:
                return await self._answered(offered, request, chosen, watch, gone)
            finally:
                await marking

    def _request(self, offered: Offered, body: bytes, wanted: Preferences, base: str) -> RunJob:
        """The job that a body asks for. Raises InvalidRequest or InvalidInput."""
        execute = parse_execute(bodies.parse(body))
        inputs = parse_inputs(execute, offered.process, offered.rules)
        project = offered.project
        if project is not None:
            check_parts(inputs, offered.process, project)
        returns = returned(execute, wanted)
        outputs = requested(execute, offered.process, wanted.accept)
        return RunJob(
            job_id=str(uuid.uuid4()),
            process_id=offered.process.id,
            service=offered.service,
            listed_id=None if offered.id == offered.process.id else offered.id,
            trace=carried(),
            queue=None if offered.queue == queue_name(offered.service) else offered.queue,
            created=datetime.now(UTC),
            inputs=inputs,
            outputs=outputs if returns else outputs or None,
            response=Response.DOCUMENT if returns and wanted.document else execute.response,
            returns=returns,
            subscriber=self._subscribers.accepted(execute.subscriber, base),
            project=project.name if project else None,
        )

    async def check(self, offered: Offered, body: bytes, base: str) -> None:
        """Whether a body asks for what can be run; raises what an execution of it would."""
        await asyncio.to_thread(self._request, offered, body, Preferences(), base)

    async def _answered(
        self, offered: Offered, request: RunJob, chosen: Mode, watch: Watch, gone: Gone | None
    ) -> Execution:
        if chosen.asynchronous and not chosen.wait:
            return Execution(await self.record(request.job_id), chosen)
        if chosen.asynchronous or gone is None:
            seconds = chosen.wait if chosen.asynchronous else self._limits.sync
            record = await watch.ended(seconds)
        else:
            record = await self._unless_gone(request.job_id, watch, gone)
        if record:
            applied = f"wait={chosen.wait}" if chosen.wait else None
            return Execution(record, replace(chosen, asynchronous=False, applied=applied))
        if chosen.asynchronous:
            return Execution(await self.record(request.job_id), chosen)
        if watch.released:
            raise Unavailable(
                "The server is being stopped; the job goes on without it. Its status will be at"
                f" /jobs/{request.job_id}.",
                retry_after=5,
            )
        return Execution(await self._stopped(offered, request), chosen)

    async def _unless_gone(self, job_id: str, watch: Watch, gone: Gone) -> JobRecord | None:
        """Wait for a job as long as its client does."""
        ended = asyncio.ensure_future(watch.ended(self._limits.sync))
        left = asyncio.ensure_future(gone())
        try:
            await asyncio.wait((ended, left), return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return ended.result()
        finally:
            ended.cancel()
            left.cancel()
        await self.cancel(job_id)
        logger.info("dismissed: its client is gone")
        raise JobDismissed("The client went away, and its job was dismissed.")

    async def _stopped(self, offered: Offered, request: RunJob) -> JobRecord:
        """End a job that nobody waits for any longer; returns it if it has ended just in time."""
        if not await asyncio.to_thread(self._store.dismiss, request.job_id):
            return await self.record(request.job_id)
        logger.info("dismissed at the limit of synchronous executions")
        advice = (
            " Ask for an asynchronous execution: `Prefer: respond-async`."
            if JobControl.ASYNC in offered.process.job_control_options
            else ""
        )
        raise SyncLimit(
            f"The job did not end within {self._limits.sync:g} s, the limit of synchronous"
            f" executions here, and was dismissed.{advice}"
        )

    async def _accept(self, request: RunJob) -> None:
        """Write the record and send the message: both, or none."""
        try:
            message = await asyncio.to_thread(self._noted, request)
            await self._broker.send(message)
        except (Unavailable, QueueFull, TooManyJobs):
            await asyncio.to_thread(self._take_back, request.job_id)
            raise

    async def _mark(self, request: RunJob) -> None:
        """Note that the broker has the message; nobody waits for it, and it may fail.

        Then the sweeper publishes the message once more, and the job runs once all the same.
        """
        logger.info("accepted %s for %s", request.process_id, request.service)
        try:
            await asyncio.to_thread(self._store.mark_published, request.job_id)
        except Unavailable as error:
            logger.warning("published, but not marked so: %s", error.detail)

    def _noted(self, request: RunJob) -> RunJob:
        """Write the record; returns the message, whose inputs lie in the storage if they are large."""
        inputs = INPUTS.dump_json(request.inputs, by_alias=True, exclude_none=True)
        if len(inputs) > self._limits.inline:
            key = job_key(request.job_id, INPUTS_FILE)
            self._storage.put_bytes(key, inputs)
            request = request.model_copy(update={"inputs": {}, "inputs_key": key})
        request = self._seal.signed(request)
        self._store.accept(request, self._limits.bounds)
        return request

    def _take_back(self, job_id: str) -> None:
        """Undo an acceptance. The id is remembered: the message may be on its way all the same."""
        try:
            self._store.remove(job_id)
            self._storage.remove_job(job_id)
        except Unavailable as error:
            logger.warning("what was accepted in vain could not be taken back: %s", error.detail)

    async def record(self, job_id: str) -> JobRecord:
        """The record of a job. Raises NoSuchJob or JobGone."""
        return await asyncio.to_thread(self._record, job_id)

    def _record(self, job_id: str) -> JobRecord:
        guard = self._guard
        if guard is not None:
            guard.enters()
        found = self._store.get(job_id)
        if found and (guard is None or guard.sees(found)):
            return found
        # Whose a removed job was, nobody knows any more: who may not see all is told nothing of it.
        if (guard is None or guard.lists is None) and self._store.was_removed(job_id):
            raise JobGone(f"The job {job_id[:100]!r} was removed, or has expired.")
        raise NoSuchJob(f"There is no job {job_id[:100]!r}.")

    async def request(self, job_id: str) -> dict[str, Any]:
        """The execute request that a job runs. Raises NotFound when its inputs are gone."""
        return await asyncio.to_thread(self._execute_request, job_id)

    def _execute_request(self, job_id: str) -> dict[str, Any]:
        asked = self._record(job_id).request
        if asked.inputs_key is None:
            return execute_request(asked, asked.inputs)
        try:
            stored = b"".join(self._storage.stream(asked.inputs_key))
        except FileNotFoundError:
            raise NotFound("The inputs of the job are no longer there.") from None
        return execute_request(asked, INPUTS.validate_json(stored))

    def _upload(self, upload_id: str) -> Upload:
        found = uploads.find(self._storage, upload_id)
        if self._guard is not None and not self._guard.owns(found.owner):
            raise NotFound("There is no such upload, or it has expired.")
        return found

    async def log(self, job_id: str) -> Sequence[LogEntry]:
        """What the algorithm of a job said, in order."""
        return await asyncio.to_thread(self._store.log, job_id)

    async def page(self, which: JobFilter, limit: int, cursor: str | None) -> JobPage:
        """Some jobs, newest first."""
        if self._guard is not None:
            self._guard.enters()
            which = replace(which, owner=self._guard.lists)
        return await asyncio.to_thread(self._store.list, which, limit, cursor)

    async def dismiss(self, job_id: str) -> JobRecord:
        """Cancel a job that has not ended; take one that has ended away, with its files."""
        record = await self.record(job_id)
        if record.ended:
            await self.remove(job_id)
            return record.model_copy(update={"status": JobStatus.DISMISSED, "outcome": None})
        await self.cancel(job_id)
        return await self.record(job_id)

    async def cancel(self, job_id: str) -> None:
        """Cancel a job, unless it has ended."""
        await asyncio.to_thread(self._store.dismiss, job_id)

    async def remove(self, job_id: str) -> None:
        """Take a job away that has ended, with its files."""
        await asyncio.to_thread(self._storage.remove_job, job_id)
        await asyncio.to_thread(self._store.remove, job_id)
