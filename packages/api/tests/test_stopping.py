"""An api that is told to stop."""

import asyncio
from typing import Any, cast

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from qanat_api.__main__ import Server
from qanat_api.events import Events

HERE = "127.0.0.1"


async def _answer(_request: Any) -> PlainTextResponse:
    return PlainTextResponse("answered")


async def _asked_late(loop: str) -> tuple[bytes, bool]:
    """What a client hears that connects before the stop and asks after it; whether another may connect."""
    app = Starlette(routes=[Route("/", _answer)])
    config = uvicorn.Config(app, host=HERE, port=0, log_config=None, lifespan="off", loop=loop)
    config.load()
    server = Server(config, Events(cast("Any", None)), drain_timeout=5)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection(HERE, port)
    stopping = asyncio.create_task(server.shutdown())
    for _ in range(5):
        await asyncio.sleep(0)
    try:
        await asyncio.open_connection(HERE, port)
        taken = True
    except OSError:
        taken = False
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    heard = await reader.read()
    writer.close()
    await stopping
    return heard, taken


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_who_connected_before_is_answered_and_nobody_else_may_connect(loop: str) -> None:
    factory = uvicorn.Config(_answer, loop=loop).get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        heard, taken = runner.run(_asked_late(loop))
    assert heard.endswith(b"answered")
    assert not taken
