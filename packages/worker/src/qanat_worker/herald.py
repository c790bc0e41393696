"""Says what this worker is, whenever it has to be said; one thread, so nothing else waits for it."""

import logging
import queue
import threading
import time
from collections.abc import Callable

from qanat_common import systemd
from qanat_common.errors import Unavailable
from qanat_common.protocol import Announcement, WorkerState
from qanat_common.store import Store
from qanat_worker.presence import Identity, announcement
from qanat_worker.settings import WorkerSettings
from qanat_worker.warm import Capabilities

logger = logging.getLogger(__name__)

STATES = tuple(WorkerState)
"""In the order in which a worker goes through them."""

SYSTEMD = {WorkerState.READY: systemd.READY, WorkerState.DRAINING: systemd.STOPPING}
"""What systemd is told of a state, once it was announced."""

LEAVE_SECONDS = 5.0
"""How long the last word may take."""


class Herald:
    """Announces the worker at each beat, and at once when told to.

    Before it is announced, the offer is in the store; at each beat it is kept there.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        who: Identity,
        store: Store,
        publish: Callable[[Announcement], None],
    ) -> None:
        """`publish` raises Unavailable when the broker is away; only this thread calls it."""
        self._settings = settings
        self._who = who
        self._store = store
        self._publish = publish
        self._serial = 0
        self._state: WorkerState | None = None
        self._able: Capabilities | None = None
        self._told: WorkerState | None = None
        self._digest: str | None = None
        self._away = False
        # Its put() may be called from a signal handler, and from a callback of the broker.
        self._words: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._live, name="herald", daemon=True)

    def start(self) -> None:
        """Begin; nothing is said before the worker has a state and an offer."""
        self._thread.start()

    def able(self, capabilities: Capabilities) -> None:
        """This is what the worker offers from now on."""
        self._able, self._digest = capabilities, None
        self._words.put(None)

    def is_now(self, state: WorkerState) -> None:
        """This is the worker's state from now on; a draining one gets no readier. Does not wait."""
        if self._state is None or STATES.index(state) >= STATES.index(self._state):
            self._state = state
        self._words.put(None)

    def again(self) -> None:
        """Somebody asked, or may not have heard. Does not wait."""
        self._words.put(None)

    def check(self) -> None:
        """Raises Unavailable unless the worker takes jobs, and could say so."""
        if self._state is not WorkerState.READY:
            raise Unavailable(f"The worker is {self._state or 'starting'}: it takes no jobs.")
        if self._away:
            raise Unavailable("The worker cannot announce itself.")

    def leave(self) -> None:
        """Say that the worker leaves, and end."""
        self.is_now(WorkerState.LEAVING)
        self._thread.join(LEAVE_SECONDS)

    def _live(self) -> None:
        beat_at = 0.0
        while self._state is not WorkerState.LEAVING:
            self._wait(beat_at)
            beat_at = time.monotonic() + self._settings.beat_seconds
            try:
                self._say()
                self._away = False
            except Unavailable as error:
                if not self._away:
                    logger.warning("the worker cannot announce itself now: %s", error)
                self._away = True

    def _wait(self, beat_at: float) -> None:
        """Until the next beat, or a word; several words at once are one announcement."""
        try:
            self._words.get(timeout=max(beat_at - time.monotonic(), 0.0))
            while True:
                self._words.get_nowait()
        except queue.Empty:
            return

    def _say(self) -> None:
        able, state = self._able, self._state
        if able is None:
            return
        digest = self._kept(able)
        if state is None:
            return
        self._serial += 1
        self._publish(announcement(self._settings, self._who, self._serial, state, able, digest))
        if state is not self._told and state in SYSTEMD:
            systemd.tell(SYSTEMD[state])
            self._told = state

    def _kept(self, able: Capabilities) -> str:
        """The digest of an offer that is in the store now."""
        digest = self._digest
        if digest is None or not self._store.refresh_offer(digest):
            digest = self._store.put_offer(able.offer)
            if able is self._able:
                self._digest = digest
        return digest
