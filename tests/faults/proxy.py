"""A TCP proxy in a thread: connections through it are cut, frozen or refused at will."""

import asyncio
import threading
from contextlib import suppress

CHUNK = 1 << 16


class Proxy:
    """Listens on a free port of loopback, and passes everything on to another port of it."""

    def __init__(self, target: int) -> None:
        """Passes on to `target` from now on, until `close`."""
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refuses = False
        self._flows: asyncio.Event | None = None
        self._ready = threading.Event()
        self.port = 0
        self._thread = threading.Thread(target=self._run, name=f"proxy-{target}", daemon=True)
        self._thread.start()
        self._ready.wait(5)

    def cut(self) -> None:
        """End all connections that are open."""
        self._loop.call_soon_threadsafe(self._cut)

    def refuse(self, *, refuses: bool) -> None:
        """End new connections at once, or no longer."""
        self._refuses = refuses

    def freeze(self, *, frozen: bool) -> None:
        """Pass nothing on, as a network that drops all packets; or no longer."""
        assert self._flows is not None
        change = self._flows.clear if frozen else self._flows.set
        self._loop.call_soon_threadsafe(change)

    def close(self) -> None:
        """End."""
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._flows = asyncio.Event()
        self._flows.set()
        server = self._loop.run_until_complete(asyncio.start_server(self._met, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.close()

    def _end(self) -> None:
        self._cut()
        for task in self._tasks:
            task.cancel()
        self._loop.stop()

    def _cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        for source, sink in ((reader, back), (there, writer)):
            task = self._loop.create_task(self._pass(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._flows is not None
        self._open.add(writer)
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        self._open.discard(writer)
        writer.transport.abort()
