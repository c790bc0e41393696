"""What the main process, the warm parent and the children say to each other, and how.

Main and warm parent send one JSON message per packet, with a file descriptor beside it where the
message says so. Main and child write JSON lines. What a child says is data of a job: checked here.
"""

import json
import select
import socket
import threading
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from qanat_common.protocol import LogLevel, Message, ProviderInfo
from qanat_worker.confinement import Confinement
from qanat_worker.port import Produced, ProducedPicture, Task
from qanat_worker.settings import LimitSettings

LONGEST_LINE = 256 << 20
"""The longest line that is read: what a child says is held in memory."""

LONGEST_PACKET = 128 << 10

T = TypeVar("T")


class Garbled(Exception):
    """The other side said something that is not a message."""


# Between the main process and the warm parent -------------------------------------------------


class Start(Message):
    """Main → parent, first: the engine to start, and its options."""

    kind: Literal["start"] = "start"
    engine: str
    options: dict[str, JsonValue]
    spares: int
    log_level: str
    confinement: Confinement
    echo: bool = False


class Fork(Message):
    """Main → parent: a spare child was taken, make another."""

    kind: Literal["fork"] = "fork"


class Retire(Message):
    """Main → parent: make no more children, and end when the last one has ended."""

    kind: Literal["retire"] = "retire"


class Ready(Message):
    """Parent → main: the engine has started; the descriptor is a file with its Offer as JSON."""

    kind: Literal["ready"] = "ready"
    versions: dict[str, str]
    providers: list[ProviderInfo]
    sandbox: str


class Spare(Message):
    """Parent → main: a child is ready for a job; the descriptor is its socket."""

    kind: Literal["spare"] = "spare"
    pid: int


class Ended(Message):
    """Parent → main: a child has ended; `code` is its exit status, or minus its signal.

    With the processor time, and the most memory at a time, of it and of what it started and waited for.
    """

    kind: Literal["ended"] = "ended"
    pid: int
    code: int
    cpu_seconds: float
    peak_bytes: int


class Sorry(Message):
    """Parent → main: the engine cannot be started, and what to do about it."""

    kind: Literal["sorry"] = "sorry"
    message: str


ToParent = Annotated[Start | Fork | Retire, Field(discriminator="kind")]
FromParent = Annotated[Ready | Spare | Ended | Sorry, Field(discriminator="kind")]


# Between the main process and a child ---------------------------------------------------------


class Order(Message):
    """Main → child, once: the job. `root` holds all of it: its folder, its home, its console.

    `picture` is how many pixels the longer side of pictures may have; 0: none are made.
    """

    kind: Literal["order"] = "order"
    task: Task
    limits: LimitSettings
    root: str
    picture: int = 0


class Progress(Message):
    """Child → main: how far the job is, in percent."""

    kind: Literal["progress"] = "progress"
    percent: float


class Line(Message):
    """Child → main: a line for the job's log."""

    kind: Literal["line"] = "line"
    level: LogLevel
    message: str


class Done(Message):
    """Child → main, last: the outputs; `pictures` says that pictures of them follow."""

    kind: Literal["done"] = "done"
    outputs: dict[str, Produced]
    pictures: bool = False


class Pictures(Message):
    """Child → main, after Done: pictures of outputs, by their names."""

    kind: Literal["pictures"] = "pictures"
    pictures: dict[str, ProducedPicture]


class Broken(Message):
    """Child → main, last: why there are no outputs; `trace` is for the worker's log only."""

    kind: Literal["broken"] = "broken"
    code: str
    message: str
    pointer: str | None = None
    trace: str | None = None


Word = Annotated[Progress | Line | Done | Pictures | Broken, Field(discriminator="kind")]

TO_PARENT: TypeAdapter[Start | Fork | Retire] = TypeAdapter(ToParent)
FROM_PARENT: TypeAdapter[Ready | Spare | Ended | Sorry] = TypeAdapter(FromParent)
ORDER: TypeAdapter[Order] = TypeAdapter(Order)
WORD: TypeAdapter[Progress | Line | Done | Pictures | Broken] = TypeAdapter(Word)


class Pipe(Generic[T]):
    """A stream of JSON lines over a socket; `incoming` reads those of the other side."""

    def __init__(self, sock: socket.socket, incoming: TypeAdapter[T]) -> None:
        self._socket = sock
        self._incoming = incoming
        self._buffer = bytearray()
        self._searched = 0
        self._sending = threading.Lock()
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def send(self, message: Message) -> None:
        """Say something; raises OSError when nobody listens any more."""
        line = message.model_dump_json(by_alias=True).encode() + b"\n"
        with self._sending:
            self._socket.sendall(line)

    def receive(self, timeout: float | None) -> T | None:
        """The next message; None when `timeout` seconds passed without one.

        Raises EOFError at the end of the stream, Garbled for what is not a message.
        """
        while True:
            line = self._line()
            if line is not None:
                return self._parse(line)
            if not self._poll.poll(None if timeout is None else timeout * 1000):
                return None
            self._fill()

    def _fill(self) -> None:
        try:
            data = self._socket.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        if not data:
            raise EOFError
        self._buffer += data
        if len(self._buffer) > LONGEST_LINE:
            raise Garbled(f"a line of more than {LONGEST_LINE} bytes")

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._buffer)
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        return line

    def _parse(self, line: bytes) -> T:
        try:
            return self._incoming.validate_json(line)
        except ValidationError as error:
            raise Garbled(_told(error)) from None

    def waiting(self) -> bool:
        """Whether there is something to receive already, be it the end."""
        return bool(self._poll.poll(0))

    def ended(self) -> bool:
        """Whether the other side has closed without a word that is still unread."""
        if not self.waiting():
            return False
        try:
            return not self._socket.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def send_packet(sock: socket.socket, message: Message, *descriptors: int) -> None:
    """Send a message, and descriptors with it."""
    packet = message.model_dump_json(by_alias=True).encode()
    socket.send_fds(sock, [packet], list(descriptors))


def receive_packet(sock: socket.socket, incoming: TypeAdapter[T]) -> tuple[T, int | None]:
    """The next message and the descriptor with it. Raises EOFError at the end, Garbled."""
    try:
        packet, descriptors, _, _ = socket.recv_fds(sock, LONGEST_PACKET, 1)
    except ConnectionResetError:
        raise EOFError from None
    if not packet:
        raise EOFError
    try:
        return incoming.validate_json(packet), descriptors[0] if descriptors else None
    except ValidationError as error:
        raise Garbled(_told(error)) from None


def _told(error: ValidationError) -> str:
    return json.dumps(error.errors(include_url=False, include_input=False), default=str)[:500]
