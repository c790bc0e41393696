"""References: fetched by a client that dials public addresses only, and hosts that were allowed."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from qanat_common.errors import InputNotFetched
from qanat_common.protocol import Failed, LocalFile, Reference
from qanat_worker.fetch import Fetcher
from qanat_worker.settings import FetchSettings
from qanat_worker.tally import Tally


class Shelf:
    """A storage with one file."""

    def size(self, key: str) -> int | None:
        return 5 if key == "jobs/u-1/file" else None

    def fetch(self, key: str, path: Path) -> None:
        path.write_bytes(b"hello")


def test_a_file_of_the_service_itself_is_taken_without_a_request(tmp_path: Path) -> None:
    here = Reference(
        href="http://127.0.0.1:1/uploads/u-1", media_type="text/csv", key="jobs/u-1/file"
    )
    tally = Tally()
    fetcher = Fetcher(FetchSettings(), Shelf(), tally)
    fetched = fetcher.resolve({"x": here}, tmp_path, lambda: False)["x"]
    bytes_by = tally.metrics.get_sample_value
    assert bytes_by("qps_input_fetch_bytes_total", {"scheme": "storage"}) == 5
    assert isinstance(fetched, LocalFile)
    assert Path(fetched.path).read_bytes() == b"hello"
    assert fetched.path.endswith(".csv")


@pytest.mark.parametrize(
    ("key", "most", "why", "counted"),
    [("jobs/u-2/file", 5, "no longer there", "gone"), ("jobs/u-1/file", 4, "in all", "size")],
)
def test_a_file_of_the_service_that_is_gone_or_too_large_is_told(
    tmp_path: Path, key: str, most: int, why: str, counted: str
) -> None:
    gone = Reference(href="http://127.0.0.1:1/uploads/u-2", key=key)
    tally = Tally()
    fetcher = Fetcher(FetchSettings(max_bytes=most), Shelf(), tally)
    with pytest.raises(InputNotFetched, match=why):
        fetcher.resolve({"x": gone}, tmp_path, lambda: False)
    assert rejected(tally, counted) == 1


def rejected(tally: Tally, reason: str) -> float | None:
    return tally.metrics.get_sample_value("qps_input_rejected_total", {"reason": reason})


class Site(ThreadingHTTPServer):
    """A web site on the loopback address; `asked` has the paths that were asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.target = ""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"


class Page(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        name = re.findall(r"[a-z]+", self.path)[0]
        getattr(self, f"_{name}", self._missing)()

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for header, value in headers.items():
            self.send_header(header.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _data(self) -> None:
        self._answer(200, b"hello", Content_Type="text/csv; charset=utf-8")

    def _plain(self) -> None:
        self._answer(200, b"hello", Content_Type="text/plain")

    def _large(self) -> None:
        self._answer(200, b"x" * 200_000, Content_Type="text/plain")

    def _hop(self) -> None:
        left = int(self.path.split("/")[2])
        self._answer(302, Location=f"/hop/{left - 1}" if left > 1 else "/data")

    def _away(self) -> None:
        self._answer(302, Location=self.server.target)

    def _zipped(self) -> None:
        self._answer(200, b"x", Content_Encoding="gzip")

    def _slow(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b"x")
            time.sleep(0.1)

    def _short(self) -> None:
        time.sleep(0.2)
        self._data()

    def _missing(self) -> None:
        self._answer(404, b"no such page")

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def make_site() -> Iterator[Callable[[], Site]]:
    made: list[Site] = []

    def make() -> Site:
        site = Site()
        made.append(site)
        threading.Thread(target=site.serve_forever, args=(0.05,), daemon=True).start()
        return site

    yield make
    for site in made:
        site.shutdown()
        site.server_close()


@pytest.fixture
def site(make_site: Callable[[], Site]) -> Site:
    return make_site()


@pytest.fixture
def fetching(make_bench: Callable[..., Any], site: Site) -> Any:
    """A worker that may fetch from the site."""
    return make_bench(fetch=FetchSettings(allowed_hosts=[site.host], max_bytes=100_000, seconds=2))


def refused(bench: Any, href: str) -> str:
    failure = bench.failure("read", x=Reference(href=href))
    assert isinstance(failure, Failed)
    assert failure.code == "input-not-fetched", failure
    assert failure.message.startswith("x: ")
    return failure.message


def test_a_reference_becomes_a_file_named_by_its_media_type(fetching: Any, site: Site) -> None:
    found = fetching.values(
        "read",
        a=Reference(href=site.url("/data.xyz")),
        b=Reference(href=site.url("/data?b"), media_type="application/geo+json"),
    )
    assert found["a"] == [["hello", "a-0.csv", "text/csv"]]
    assert found["b"] == [["hello", "b-1.geojson", "application/geo+json"]]


def test_a_media_type_that_says_little_leaves_the_name_to_the_address(
    fetching: Any, site: Site
) -> None:
    found = fetching.values(
        "read",
        a=Reference(href=site.url("/plain/roads.csv")),
        b=Reference(href=site.url("/plain/roads")),
        c=Reference(href=site.url("/plain/x.gpkg"), media_type="application/octet-stream"),
    )
    assert [found[name][0][1] for name in "abc"] == ["a-0.csv", "b-1.txt", "c-2.gpkg"]


def test_an_address_that_is_named_twice_is_fetched_once(fetching: Any, site: Site) -> None:
    reference = Reference(href=site.url("/data"))
    found = fetching.values("read", a=[reference, reference], b=reference)
    assert [len(found[name]) for name in ("a", "b")] == [2, 1]
    assert site.asked == ["/data"]


def test_nothing_but_the_reference_is_told_to_the_server(fetching: Any, site: Site) -> None:
    fetching.values("read", a=Reference(href=site.url("/data")))
    assert set(site.headers[0]) == {
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
        "connection",
    }
    assert site.headers[0]["accept-encoding"] == "identity"


def test_the_loopback_address_is_refused_by_default(
    make_bench: Callable[..., Any], site: Site
) -> None:
    listening = FetchSettings(ports=[site.server_port])
    assert "not public" in refused(make_bench(fetch=listening), site.url("/data"))
    assert site.asked == []


@pytest.mark.parametrize(
    "name", ["localhost", "127.1", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_no_spelling_of_the_loopback_address_is_dialled(
    make_bench: Callable[..., Any], site: Site, name: str
) -> None:
    bench = make_bench(fetch=FetchSettings(ports=[site.server_port], seconds=2))
    refused(bench, f"http://{name}:{site.server_port}/data")
    assert site.asked == []


def test_a_redirect_to_an_address_that_is_not_allowed_is_refused(
    fetching: Any, site: Site, make_site: Callable[[], Site]
) -> None:
    inner = make_site()
    site.target = inner.url("/data")
    message = refused(fetching, site.url("/away"))
    assert "port" in message or "public" in message
    assert (site.asked, inner.asked) == (["/away"], [])


def test_a_redirect_to_a_file_is_refused(fetching: Any, site: Site) -> None:
    site.target = "file:///etc/passwd"
    assert "could not be fetched" in refused(fetching, site.url("/away"))


def test_three_redirects_are_followed_and_no_more(
    make_bench: Callable[..., Any], site: Site
) -> None:
    fetching = make_bench(fetch=FetchSettings(allowed_hosts=[site.host]))
    assert fetching.values("read", x=Reference(href=site.url("/hop/3")))["x"][0][0] == "hello"
    assert (
        "more than 3 times"
        in fetching.failure("read", job_id="j2", x=Reference(href=site.url("/hop/4"))).message
    )


def test_a_file_that_is_too_large_is_not_fetched_to_its_end(fetching: Any, site: Site) -> None:
    assert "97.66 KiB" in refused(fetching, site.url("/large"))


def test_the_size_of_all_files_together_is_limited(
    make_bench: Callable[..., Any], site: Site
) -> None:
    bench = make_bench(fetch=FetchSettings(allowed_hosts=[site.host], max_bytes=8))
    urls = [Reference(href=site.url(f"/data?{n}")) for n in range(2)]
    assert bench.failure("read", x=urls).code == "input-not-fetched"


def test_a_server_that_dribbles_is_left(fetching: Any, site: Site) -> None:
    assert "longer than 2 seconds" in refused(fetching, site.url("/slow"))


def test_many_servers_that_dribble_are_left_when_it_takes_too_long_in_all(
    make_bench: Callable[..., Any], site: Site
) -> None:
    often = FetchSettings(allowed_hosts=[site.host], seconds=30, all_seconds=1)
    bench = make_bench(fetch=often)
    urls = [Reference(href=site.url(f"/short?{n}")) for n in range(40)]
    failure = bench.failure("read", x=urls)
    assert failure.code == "input-not-fetched"
    assert "1 seconds to be fetched in all" in failure.message
    assert 0 < len(site.asked) < 40
    assert bench.run("echo", "j2", x=1).status == "successful"


def test_a_server_that_compresses_unasked_is_refused(fetching: Any, site: Site) -> None:
    assert "compressed" in refused(fetching, site.url("/zipped"))


def test_a_server_that_answers_with_an_error_is_told(fetching: Any, site: Site) -> None:
    assert "404" in refused(fetching, site.url("/nothing"))


def test_nobody_listening_is_told_without_details(make_bench: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        host = f"127.0.0.1:{closed.getsockname()[1]}"
    bench = make_bench(fetch=FetchSettings(allowed_hosts=[host]))
    assert "did not answer" in refused(bench, f"http://{host}/")


@pytest.mark.parametrize(
    "href",
    [
        "file:///etc/passwd",
        "ftp://example.org/x",
        "/vsicurl/http://example.org/x",
        "http://",
        "http://user:word@example.org/",
        "http://example.org:22/",
        "no address",
        "http://[",
    ],
)
def test_what_is_no_address_of_the_web_is_refused(bench: Any, href: str) -> None:
    refused(bench, href)


def test_a_job_dismissed_while_it_fetches_is_stopped(
    fetching: Any, site: Site, until: Callable[..., Any]
) -> None:
    running = fetching.begin("read", x=Reference(href=site.url("/slow")))
    until(lambda: site.asked)
    fetching.store.dismiss("j1")
    running.join(4)
    assert not running.is_alive()
    assert fetching.record().outcome is None


def test_a_file_is_called_as_its_link_says_or_as_at_its_address(site: Site, folder: Path) -> None:
    fetcher = Fetcher(FetchSettings(allowed_hosts=[site.host]))
    found = fetcher.resolve(
        {
            "a": Reference(href=site.url("/data/G%C3%A4rten.csv"), title="Gardens"),
            "b": Reference(href=site.url("/data/G%C3%A4rten.csv")),
        },
        folder,
        lambda: False,
    )
    assert [(each.title, each.name) for each in found.values()] == [
        ("Gardens", "Gärten"),
        (None, "Gärten"),
    ]
