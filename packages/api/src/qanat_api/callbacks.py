"""Calls those who want to be told of a job, until they have heard it or there is no more point in it.

What is to be told lies in the store (`qanat_common.notices`), so it survives every restart; of several
apis each takes what no other has taken. It is done here, and not in the worker or the registry,
because what is told is an answer of the api: its documents, its links, its rules of who may be called.
"""

import asyncio
import base64
import hashlib
import hmac
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import orjson

from qanat_api import content
from qanat_api.links import Links
from qanat_api.responses import Answer, answer
from qanat_api.settings import CallbackSettings
from qanat_api.status import status_document
from qanat_api.subscribers import Subscribers
from qanat_common import dialing
from qanat_common.errors import Unavailable
from qanat_common.jobs import JobRecord
from qanat_common.logs import job_context
from qanat_common.notices import Notice, Occasion
from qanat_common.ogc import JSON, OutputRequest, Response, Transmission
from qanat_common.protocol import RunJob, Succeeded

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How often it is looked what is to be told."""

AT_ONCE = 16
"""How many are called at the same time."""

LARGEST = 1 << 20
"""Results of more bytes are told by links."""

FIRST_PAUSE, FACTOR, LONGEST_PAUSE = 5.0, 4.0, 3600.0
"""How long after a call that failed, in seconds, the next one comes: each pause so much longer."""

SPREAD = 0.2
"""By so much a pause is longer or shorter at random, so that not all come back at once."""

OVER = 410
"""The answer that says that there is nobody any more to be told."""


class Waiting(Protocol):
    """What is to be told; blocks, raises Unavailable."""

    def take(self, seconds: float, most: int) -> Sequence[Notice]:
        """Notices that are due; nobody else gets them for so many seconds."""

    def settle(self, notice: Notice) -> None:
        """It was told, or is not to be told any more."""

    def postpone(self, notice: Notice, seconds: float) -> None:
        """It is to be told again in so many seconds."""


def _unheard(_outcome: str) -> None:
    """Nobody counts."""


class Caller:
    """Takes notices and calls, in the event loop, from `start` to `stop`."""

    def __init__(
        self,
        waiting: Waiting,
        get: Callable[[str], JobRecord | None],
        files: content.Files,
        settings: CallbackSettings,
        look: float = LOOK_SECONDS,
        called: Callable[[str], None] = _unheard,
    ) -> None:
        """`get` reads a record; `look` is how often it is looked what is due, in seconds.

        `called` hears what became of each call: heard, again, refused or given-up.
        """
        self._called = called
        self._waiting = waiting
        self._get = get
        self._files = files
        self._settings = settings
        self._reach = Subscribers(settings).reach
        self._lease = 3 * settings.seconds + 10
        self._look = look
        self._calls: set[asyncio.Task[None]] = set()
        self._ended = threading.Event()
        self._end: Callable[[], object] = self._ended.set

    def start(self) -> None:
        """Begin; called in the event loop."""
        loop, task = asyncio.get_running_loop(), asyncio.create_task(self._run())
        task.add_done_callback(lambda _: self._ended.set())
        self._end = lambda: loop.call_soon_threadsafe(task.cancel)

    def stop(self) -> None:
        """End; blocks. Who is being called is called again later, by this api or another."""
        self._end()
        self._ended.wait(2)

    async def _run(self) -> None:
        try:
            while True:
                for notice in await self._due():
                    call = asyncio.create_task(self._tell(notice))
                    self._calls.add(call)
                    call.add_done_callback(self._done)
                await asyncio.sleep(self._look)
        finally:
            for call in self._calls:
                call.cancel()

    def _done(self, call: "asyncio.Task[None]") -> None:
        """What went wrong is a mistake of ours; the notice is due again when it is no longer taken."""
        self._calls.discard(call)
        if not call.cancelled() and call.exception():
            logger.error("a subscriber could not be called", exc_info=call.exception())

    async def _due(self) -> Sequence[Notice]:
        room = AT_ONCE - len(self._calls)
        if not room:
            return ()
        try:
            return await asyncio.to_thread(self._waiting.take, self._lease, room)
        except Unavailable as error:
            logger.debug("what is to be told is not known for now: %s", error.detail)
            return ()

    async def _tell(self, notice: Notice) -> None:
        """One call, and what becomes of its notice. While a store is away, it stays taken."""
        with job_context(notice.job_id):
            try:
                pause = await self._pause_after(notice)
                if pause is None:
                    await asyncio.to_thread(self._waiting.settle, notice)
                else:
                    await asyncio.to_thread(self._waiting.postpone, notice, pause)
            except Unavailable as error:
                logger.info("a subscriber is told later: %s", error.detail)

    async def _pause_after(self, notice: Notice) -> float | None:
        """Call; after how many seconds again, None when that was all."""
        record = await asyncio.to_thread(self._get, notice.job_id)
        address = _address(record, notice.occasion)
        if record is None or address is None or notice.attempt > self._settings.attempts:
            return None
        body = await _BODIES[notice.occasion](record, self._files)
        if body is None:
            return None
        try:
            status = await self._post(address, notice, body)
        except (dialing.Refused, dialing.NotPublic) as error:
            logger.warning("%s: its subscriber is not called: %s", notice.occasion, error)
            self._called("refused")
            return None
        if status is not None and (200 <= status < 300 or status == OVER):
            logger.info("%s: its subscriber was called, and answered %d", notice.occasion, status)
            self._called("heard")
            return None
        if notice.attempt >= self._settings.attempts:
            logger.warning(
                "%s: its subscriber was called %d times", notice.occasion, notice.attempt
            )
            self._called("given-up")
            return None
        self._called("again")
        return pause_after(notice.attempt)

    async def _post(self, address: str, notice: Notice, body: bytes) -> int | None:
        """The status of the answer, whose body is not read; None where there was none."""
        secret = self._settings.secret.get_secret_value()
        headers = {
            "User-Agent": "qanat",
            "Content-Type": JSON,
            **signed(secret, notice.key, round(time.time()), body),
        }
        url = dialing.parse(address)
        try:
            async with (
                asyncio.timeout(self._settings.seconds),
                dialing.answer_of(
                    "POST", url, self._reach, headers, self._settings.seconds, body
                ) as response,
            ):
                return int(response.status_code)
        except dialing.NotPublic:
            raise
        except (dialing.HTTPError, TimeoutError) as error:
            logger.info("%s: its subscriber does not answer: %r", notice.occasion, error)
            return None


def signed(secret: str, key: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers by which a receiver knows that a call is ours, and new (Standard Webhooks 1.0)."""
    made = hmac.new(signing_key(secret), f"{key}.{seconds}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": key,
        "webhook-timestamp": str(seconds),
        "webhook-signature": "v1," + base64.b64encode(made.digest()).decode(),
    }


def signing_key(secret: str) -> bytes:
    """The key in a secret: what is base64 after `whsec_`, or the secret itself. Raises ValueError."""
    prefix, _, coded = secret.partition("_")
    return base64.b64decode(coded, validate=True) if prefix == "whsec" else secret.encode()


def pause_after(attempt: int) -> float:
    """How long after a call that failed the next one comes, in seconds."""
    pause = min(FIRST_PAUSE * FACTOR ** (attempt - 1), LONGEST_PAUSE)
    return pause * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311  # no secret


def _address(record: JobRecord | None, occasion: Occasion) -> str | None:
    if record is None or record.request.subscriber is None:
        return None
    found: str | None = getattr(record.request.subscriber, occasion)
    return found


def _links(record: JobRecord) -> Links:
    subscriber = record.request.subscriber
    return Links(subscriber.base if subscriber else "")


async def _results(record: JobRecord, files: content.Files) -> bytes | None:
    """The results document; None when its files are no longer there."""
    links, found, wanted = _links(record), record.outcome, record.request.outputs
    if not isinstance(found, Succeeded):
        return None
    if wanted is not None and not wanted:
        return b"{}"

    def document(request: RunJob) -> Answer:
        return answer(
            found.outputs, request, lambda name: links.output(record.job_id, name), "unused"
        )

    asked = record.request.model_copy(update={"response": Response.DOCUMENT})
    made = document(asked)
    if made.size is None or made.size > LARGEST:
        made = document(asked.model_copy(update={"outputs": _all_by_reference(found, asked)}))
    try:
        return await content.whole(files, made)
    except FileNotFoundError:
        return None


def _all_by_reference(found: Succeeded, asked: RunJob) -> dict[str, OutputRequest]:
    linked = OutputRequest(transmission_mode=Transmission.REFERENCE)
    return dict.fromkeys(asked.outputs or found.outputs, linked)


async def _failure(record: JobRecord, files: content.Files) -> bytes | None:
    """The status, which says why a job failed; a dismissal ends a job as well."""
    return orjson.dumps(status_document(record, _links(record)))


async def _progress(record: JobRecord, files: content.Files) -> bytes | None:
    """The status of a job that runs."""
    return None if record.ended else orjson.dumps(status_document(record, _links(record)))


_BODIES = {
    Occasion.SUCCESS: _results,
    Occasion.FAILURE: _failure,
    Occasion.PROGRESS: _progress,
}
"""What is told on which occasion."""
