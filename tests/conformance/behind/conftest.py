"""A reverse proxy before the service, in two kinds: it takes its prefix away, or leaves it."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

PREFIX = "/gis/ogc"
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


def x_forwarded(client: str, host: str) -> dict[str, str]:
    """What a proxy says that takes its prefix away."""
    return {
        "X-Forwarded-For": client,
        "X-Forwarded-Host": host,
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Prefix": PREFIX,
    }


def forwarded(client: str, host: str) -> dict[str, str]:
    """What a proxy says that leaves its prefix."""
    return {"Forwarded": f'for="{client}";host="{host}";proto=http'}


@contextmanager
def proxy(inner: str, *, takes_away: bool) -> Iterator[str]:
    """The public address of a service; a path without the prefix is not ours."""
    say = x_forwarded if takes_away else forwarded

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            if not self.path.startswith(PREFIX):
                self.send_error(502)
                return
            path = self.path.removeprefix(PREFIX) if takes_away else self.path
            headers = {name: value for name, value in self.headers.items() if name != "Host"}
            headers |= say(self.client_address[0], self.headers["Host"])
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = http.client.HTTPConnection(urlsplit(inner).netloc, timeout=30)
            asked.request(self.command, path or "/", body or None, headers)
            answer = asked.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            if answer.status not in (204, 304):
                length = answer.headers.get("Content-Length", str(len(content)))
                self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(content)
            asked.close()

        do_GET = do_HEAD = do_POST = do_DELETE = do_OPTIONS = pass_on  # noqa: N815 - http.server's

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://localhost:{server.server_port}{PREFIX}"
    server.shutdown()
    server.server_close()


SETTINGS = {
    "takes its prefix away": {"trusted_proxies": '["127.0.0.1"]'},
    "leaves its prefix": {
        "trusted_proxies": '["127.0.0.0/8"]',
        "proxy_headers": "forwarded",
        "path_prefix": PREFIX,
    },
}


@pytest.fixture(scope="package", params=SETTINGS)
def behind(request: Any, start_api: Callable[..., Any], until: Callable[..., Any]) -> Iterator[Any]:
    """The service as clients of the proxy see it; its address is nothing that the api could guess."""
    service = start_api(**SETTINGS[request.param])
    with ExitStack() as stack:
        away = request.param == "takes its prefix away"
        public = stack.enter_context(proxy(service.url, takes_away=away))
        seen = replace(service, url=public)
        until(lambda: _answers(service) and _answers(seen), 100)
        yield seen


def _answers(service: Any) -> bool:
    try:
        return bool(service.get("/processes/echo").status_code == 200)
    except httpx2.TransportError:
        return False
