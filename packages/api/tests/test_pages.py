"""The pages: every resource has one, that shows what its JSON does, and is safe to show."""

import gzip
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from qanat_common.errors import Unavailable
from qanat_common.ogc import GEOJSON, Metadata
from qanat_common.protocol import LogEntry, LogLevel, Succeeded, Value

BASE = "http://qanat.test"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
EVIL = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7*7}}javascript:alert(3)"
TABLE = b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"a":1},"geometry":{"type":"Point","coordinates":[1,2]}}]}'


@pytest.fixture
def done(api: Any) -> str:
    """The path of a job that has ended well, with a file and a value."""
    api.worker.returns(
        file=("a.geojson", TABLE, GEOJSON), text=Value(value="héllo"), count=Value(value=0)
    )
    return str(api.submit())


def paths(done: str) -> list[str]:
    fixed = ["/", "/conformance", "/api", "/processes", "/processes?q=echo", "/jobs"]
    return [*fixed, "/processes/test:echo", done, f"{done}/log", f"{done}/results"]


def leaves(value: Any) -> Iterator[str]:
    """Every text and number within a document."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif value is not None:
        yield str(value)


def links(value: Any) -> Iterator[dict[str, str]]:
    """Every link within a document."""
    if isinstance(value, dict):
        if "href" in value and "rel" in value:
            yield value
        for inner in value.values():
            yield from links(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from links(inner)


def test_a_browser_gets_a_page_of_every_resource_and_a_script_json(
    api: Any, page: Callable[..., Any], done: str
) -> None:
    for path in paths(done):
        shown = page(path)
        assert shown.status == 200, path
        assert shown.find("html")[0].attributes["lang"] == "en"
        assert len(shown.find("h1")) == 1, path
        for accept in ("*/*", "/*", "application/json"):
            answer = api.http.get(path, headers={"Accept": accept})
            assert "json" in answer.headers["Content-Type"], path


def test_the_parameter_f_asks_for_either(api: Any, done: str) -> None:
    for path in paths(done):
        sign = "&" if "?" in path else "?"
        page = api.http.get(f"{path}{sign}f=html", headers={"Accept": "application/json"})
        assert page.headers["Content-Type"].startswith("text/html"), path
        document = api.http.get(f"{path}{sign}f=json", headers={"Accept": BROWSER})
        assert "json" in document.headers["Content-Type"], path


def test_a_page_leads_to_its_json_and_the_json_to_its_page(
    api: Any, page: Callable[..., Any], done: str
) -> None:
    for path in paths(done):
        shown = page(path)
        (link,) = shown.find("link", rel="alternate", type="application/json")
        document = api.http.get(link.attributes["href"], headers={"Accept": BROWSER})
        assert document.status_code == 200, path
        if "/results" in path or path in ("/conformance", "/api"):
            continue
        (back,) = (k for k in document.json()["links"] if k["rel"] == "alternate")
        assert back["type"] == "text/html"
        again = api.http.get(back["href"])
        assert again.headers["Content-Type"].startswith("text/html"), path


def test_a_page_has_every_link_of_its_document_as_an_anchor(
    api: Any, page: Callable[..., Any], done: str
) -> None:
    for path in (path for path in paths(done) if path not in ("/api", f"{done}/results")):
        document = api.http.get(path).json()
        assert {link["href"] for link in links(document)} <= page(path).hrefs, path


def test_a_short_list_of_processes_shows_all_that_its_document_says(
    api: Any, page: Callable[..., Any], make_snapshot: Any, buffer: Any
) -> None:
    more = {"description": "First.\n\nSecond <part>.", "keywords": ["grow"]}
    api.catalogue.snapshot = make_snapshot(q322=(buffer.model_copy(update=more),))
    shown = page("/processes").text
    for summary in api.http.get("/processes").json()["processes"]:
        for text in leaves({name: value for name, value in summary.items() if name != "links"}):
            assert all(part in shown for part in text.split("\n")), text


def test_the_page_of_a_job_shows_what_its_document_says(
    api: Any, page: Callable[..., Any], done: str
) -> None:
    shown = page(done).source
    document = api.http.get(done).json()
    for text in leaves({name: value for name, value in document.items() if name != "links"}):
        assert text.replace("Z", "+00:00") in shown or text in shown, text


def test_the_page_of_a_process_shows_what_its_description_says(
    api: Any, page: Callable[..., Any], documents: Any
) -> None:
    shown = page("/processes/native:buffer")
    for text in leaves(documents["buffer"]["inputs"]):
        assert text in shown.text or text.lower() in shown.text or text == "", text


def test_the_list_shows_each_process_by_provider_and_finds_some(
    api: Any, page: Callable[..., Any], make_snapshot: Any, buffer: Any, echo: Any
) -> None:
    about = [Metadata(role="provider", title="QGIS"), Metadata(role="group", title="Vectors")]
    known = buffer.model_copy(update={"metadata": about, "keywords": ["grow", "Zone"]})
    api.catalogue.snapshot = make_snapshot(q322=(known, echo))
    everything = page("/processes")
    assert [heading.text for heading in everything.find("h2")] == ["QGIS", "test"]
    assert f"{BASE}/processes/native:buffer" in everything.hrefs
    for query in ("zone", "GROW qgis", "vectors buff", "native:"):
        found = page(f"/processes?q={query}")
        assert f"{BASE}/processes/native:buffer" in found.hrefs, query
        assert f"{BASE}/processes/test:echo" not in found.hrefs, query
        same = api.http.get(f"/processes?q={query}").json()
        assert [process["id"] for process in same["processes"]] == ["native:buffer"]
    assert "Nothing was found" in page("/processes?q=nothing+such").text


def test_a_thousand_processes_take_less_than_a_hundred_kilobytes(
    api: Any, make_snapshot: Any, buffer: Any
) -> None:
    many = [
        buffer.model_copy(
            update={
                "id": f"native:process{number * 7919 % 1000:03}",
                "title": f"Process number {number * 6947 % 1000} of many",
                "keywords": [f"word{number * 31 % 97}", f"other{number * 17 % 89}", "a third"],
                "description": "A long text. " * 40,
            }
        )
        for number in range(1000)
    ]
    api.catalogue.snapshot = make_snapshot(q322=tuple(many))
    headers = {"Accept": BROWSER, "Accept-Encoding": "gzip"}
    with api.http.stream("GET", "/processes", headers=headers) as answer:
        sent = b"".join(answer.iter_raw())
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(sent) < 100_000
    assert gzip.decompress(sent).count(b"<li><a href") >= 1000


@pytest.mark.parametrize("accept_encoding", ["gzip, br", "identity", "gzip;q=0", ""])
def test_a_page_is_compressed_for_those_who_take_it(api: Any, accept_encoding: str) -> None:
    headers = {"Accept": BROWSER, "Accept-Encoding": accept_encoding}
    for path in ("/processes", "/jobs", "/api"):
        answer = api.http.get(path, headers=headers)
        assert ("Content-Encoding" in answer.headers) is (accept_encoding == "gzip, br")
        assert answer.text.startswith("<!doctype html>")
        assert {"Accept", "Accept-Encoding"} <= set(answer.headers["Vary"].split(", "))


def test_a_page_that_is_known_is_not_sent_again(api: Any) -> None:
    for path in ("/", "/conformance", "/api", "/processes", "/processes/test:echo"):
        etag = api.http.get(path, headers={"Accept": BROWSER}).headers["ETag"]
        assert etag != api.http.get(path).headers["ETag"]
        again = api.http.get(path, headers={"Accept": BROWSER, "If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")


def test_every_page_has_the_headers_that_make_it_safe(api: Any, done: str) -> None:
    for path in (*paths(done), "/none", "/jobs/none"):
        answer = api.http.get(path, headers={"Accept": BROWSER})
        policy = answer.headers["Content-Security-Policy"]
        for part in ("default-src 'self'", "script-src 'self'", "object-src 'none'"):
            assert part in policy, path
        assert "base-uri 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"


def test_no_page_fetches_from_another_host_or_has_a_script_within(
    api: Any, page: Callable[..., Any], done: str
) -> None:
    for path in (*paths(done), "/none"):
        shown = page(path)
        for element in shown.elements:
            given = element.attributes
            assert not {name for name in given if name.startswith("on") or name == "style"}, path
            if element.tag == "script":
                assert element.text == ""
            for name in ("src", "action", "data-geojson", "data-land", "srcset"):
                assert urlsplit(given.get(name, "")).netloc in ("", "qanat.test"), path
            if element.tag in ("a", "link"):
                assert urlsplit(given["href"]).netloc in ("", "qanat.test"), path


def test_everything_that_a_page_needs_is_served(api: Any, page: Callable[..., Any]) -> None:
    needed = {
        element.attributes.get("src") or element.attributes["href"]
        for path in ("/", "/processes")
        for element in (
            *page(path).find("script"),
            *page(path).find("link"),
            *page(path).find("img"),
        )
        if "json" not in element.attributes.get("type", "")
    }
    assert len(needed) >= 4
    for path in needed:
        answer = api.http.get(path)
        assert answer.status_code == 200, path
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        plain = api.http.get(path, headers={"Accept-Encoding": "identity"})
        assert plain.content == answer.content
    for name in ("vendor.toml", "..%2fhtml.py", "none.js"):
        assert api.http.get(f"/static/{name}").status_code == 404


def test_pages_lie_below_the_public_address(make_api: Callable[..., Any], read_page: Any) -> None:
    api = make_api(public_url="https://example.org/gis/")
    shown = read_page(api.http.get("/processes/test:echo", headers={"Accept": BROWSER}))
    assert all(href.startswith(("https://example.org/gis/", "#")) for href in shown.hrefs)
    for element in shown.find("script"):
        assert element.attributes["src"].startswith("/gis/static/")


# What others wrote is shown, never run -----------------------------------------------------------


def test_hostile_texts_of_a_process_are_shown_as_they_are(
    api: Any, page: Callable[..., Any], make_snapshot: Any, echo: Any
) -> None:
    bad = {"title": EVIL, "keywords": [EVIL], "description": EVIL}
    about = [Metadata(role=EVIL, title=EVIL, href="javascript:alert(1)")]
    inputs = {
        f"{EVIL}{name}": each.model_copy(update={**bad, "metadata": about})
        for name, each in echo.inputs.items()
    }
    outputs = {f"{EVIL}{name}": each.model_copy(update=bad) for name, each in echo.outputs.items()}
    hostile = echo.model_copy(
        update={
            **bad,
            "id": EVIL.replace("/", ""),
            "metadata": about,
            "inputs": inputs,
            "outputs": outputs,
        }
    )
    api.catalogue.snapshot = make_snapshot(q322=(hostile,))
    listed = page("/processes")
    (href,) = (h for h in listed.hrefs if "/processes/" in h and "f=html" not in h)
    for shown in (listed, page(href), page(f"/processes?q={EVIL[:20]}")):
        assert "alert(1)" in shown.text
        assert "<script>" not in shown.source
        assert "<img src=x" not in shown.source
        assert "49" not in re.findall(r"'(\d+)javascript", shown.text)
        assert not [h for h in shown.hrefs if h.startswith("javascript")]


def test_help_that_is_html_is_made_harmless(
    api: Any, page: Callable[..., Any], make_snapshot: Any, echo: Any
) -> None:
    text = (
        '<p onclick="x()">Some <b>bold</b> text <script>alert(1)</script>'
        '<a href="javascript:alert(1)">a</a> <a href="https://example.org/x">b</a>'
        '<iframe src="//evil"></iframe><style>p{}</style></p>'
    )
    api.catalogue.snapshot = make_snapshot(q322=(echo.model_copy(update={"description": text}),))
    shown = page("/processes/test:echo")
    assert "<b>bold</b>" in shown.source
    assert "https://example.org/x" in shown.hrefs
    for bad in ("onclick", "alert", "iframe", "<style", "javascript:"):
        assert bad not in shown.source


def test_plain_help_becomes_paragraphs_and_keeps_its_signs(
    api: Any, page: Callable[..., Any], make_snapshot: Any, echo: Any
) -> None:
    text = "If a<b and c>d:\nfine.\n\nElse not."
    api.catalogue.snapshot = make_snapshot(q322=(echo.model_copy(update={"description": text}),))
    source = page("/processes/test:echo").source
    assert "<p>If a&lt;b and c&gt;d:<br>fine.</p><p>Else not.</p>" in source


def test_hostile_logs_messages_and_file_names_are_shown_as_they_are(
    api: Any, page: Callable[..., Any]
) -> None:
    path = api.submit()
    message = api.worker.sent[-1]
    api.worker.start(message)
    entry = LogEntry(time=message.created, level=LogLevel.WARNING, message=EVIL)
    api.store.progress(message.job_id, "token", 50, EVIL, [entry])
    running = [page(path), page(f"{path}/log"), page("/jobs")]
    made = {
        EVIL: api.worker.keep(message.job_id, "x.geojson", TABLE, GEOJSON).model_copy(
            update={"name": EVIL}
        ),
        "value": Value(value={EVIL: EVIL}),
        "table": api.worker.keep(message.job_id, "y.csv", f"a\n{EVIL}".encode(), "text/csv"),
        "text": api.worker.keep(message.job_id, "z.html", EVIL.encode(), "text/html"),
    }
    api.worker.run(message, Succeeded(outputs=made))
    for shown in (*running, page(f"{path}/results")):
        assert "alert(1)" in shown.text
        assert "<script>" not in shown.source
        assert "<img src=x" not in shown.source


def test_a_failure_is_shown_with_its_words_and_no_markup(
    api: Any, page: Callable[..., Any]
) -> None:
    api.worker.fails("algorithm-failed", EVIL, "/inputs/INPUT")
    shown = page(api.submit())
    assert "The algorithm failed" in shown.text
    assert "/inputs/INPUT" in shown.text
    assert "<script>" not in shown.source


# Jobs ----------------------------------------------------------------------------------------------


def test_a_job_that_runs_says_how_far_it_is_and_looks_again(
    api: Any, page: Callable[..., Any]
) -> None:
    path = api.submit()
    message = api.worker.sent[-1]
    assert "Waiting" in page(path).text
    api.worker.start(message)
    entry = LogEntry(time=message.created, level=LogLevel.INFO, message="Buffering 3 features")
    api.store.progress(message.job_id, "token", 42, "Buffering", [entry])
    shown = page(path)
    assert "Running" in shown.text
    assert "Buffering 3 features" in shown.text
    (bar,) = shown.find("progress")
    assert (bar.attributes["value"], bar.attributes["max"]) == ("42", "100")
    assert shown.find("label", for_="progress")
    (refresh,) = shown.find("meta", http_equiv="refresh")
    assert "<noscript><meta" in shown.source
    assert refresh.attributes["content"] == "2"
    api.worker.run(message)
    ended = page(path)
    assert "Successful" in ended.text
    assert f"{BASE}{path}/results" in ended.hrefs
    assert not ended.find("meta", http_equiv="refresh")
    assert not ended.find("progress")


def test_a_job_is_cancelled_and_removed_by_buttons(api: Any, page: Callable[..., Any]) -> None:
    path = api.submit()
    (cancel,) = (form for form in page(path).find("form") if "cancel" in form.attributes["action"])
    assert cancel.attributes["method"] == "post"
    answer = api.http.post(cancel.attributes["action"], follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{BASE}{path}")
    assert "Dismissed" in page(path).text
    again = api.http.post(cancel.attributes["action"], follow_redirects=False)
    assert again.status_code == 303
    assert api.http.get(path).status_code == 200
    (remove,) = (form for form in page(path).find("form") if "remove" in form.attributes["action"])
    answer = api.http.post(remove.attributes["action"], follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{BASE}/jobs")
    assert page(path).status == 410


def test_a_job_that_runs_is_not_removed(api: Any) -> None:
    path = api.submit()
    assert api.http.post(f"{path}/remove", follow_redirects=False).status_code == 303
    assert api.http.get(path).json()["status"] == "accepted"


def test_the_jobs_page_filters_and_leads_on(api: Any, page: Callable[..., Any]) -> None:
    paths = [api.submit() for _ in range(3)]
    api.worker.run(api.worker.sent[0])
    empty = "processID=&datetime=&minDuration=&maxDuration="
    shown = page(f"/jobs?status=successful&status=failed&{empty}")
    assert f"{BASE}{paths[0]}" in shown.hrefs
    assert f"{BASE}{paths[1]}" not in shown.hrefs
    ticked = [box.attributes["value"] for box in shown.find("input", checked="")]
    assert ticked == ["successful", "failed"]
    first = page("/jobs?limit=2&processID=test:echo")
    (older,) = first.find("a", rel="next")[:1]
    rest = page(older.attributes["href"].removeprefix(BASE))
    assert f"{BASE}{paths[0]}" in rest.hrefs
    assert "No job fits" in page("/jobs?processID=none").text
    assert page("/jobs?status=wrong").status == 400


def test_a_long_help_text_is_folded_behind_its_first_sentence(
    api: Any, page: Callable[..., Any], make_snapshot: Any, echo: Any
) -> None:
    for description, folded in (("Says it again. " * 60, True), ("Says it again.", False)):
        known = echo.model_copy(update={"description": description})
        api.catalogue.snapshot = make_snapshot(q322=(known,))
        shown = page("/processes/test:echo")
        assert ("Read all of it" in shown.text) == folded
        assert description.strip() in shown.text
        details = shown.find("details", class_="more help")
        assert [each.attributes.get("open") for each in details] == [None] * folded


def test_a_log_is_searched(api: Any, page: Callable[..., Any]) -> None:
    path = api.submit()
    api.worker.start(api.worker.sent[-1])
    now = api.worker.sent[-1].created
    done = [f"feature {n} done" for n in range(3)]
    lines = [LogEntry(time=now, level=LogLevel.INFO, message=text) for text in done]
    lines.append(LogEntry(time=now, level=LogLevel.WARNING, message="feature 7 is <invalid>"))
    api.store.progress(path.rpartition("/")[2], "token", 50, None, lines)
    found = api.http.get(f"{path}/log?q=INVALID%20feature").json()
    assert [line["message"] for line in found["log"]] == ["feature 7 is <invalid>"]
    assert found["links"][0]["href"].endswith("/log?q=INVALID+feature")
    shown = page(f"{path}/log?q=done")
    assert "Lines: 3 of 4" in shown.text
    assert shown.find("input", name="q")[0].attributes["value"] == "done"
    assert "Lines: 0 of 4" in page(f"{path}/log?q=nothing").text
    assert len(api.http.get(f"{path}/log?q=warning").json()["log"]) == 1


def test_the_log_of_a_job_is_a_document_of_its_own(api: Any) -> None:
    path = api.submit()
    message = api.worker.sent[-1]
    api.worker.start(message)
    entries = [
        LogEntry(time=message.created, level=level, message=f"{level} said") for level in LogLevel
    ]
    api.store.progress(message.job_id, "token", 1, None, entries)
    status = api.http.get(path).json()
    rel = "http://www.opengis.net/def/rel/ogc/1.0/log"
    (link,) = (k for k in status["links"] if k["rel"] == rel)
    document = api.http.get(link["href"]).json()
    assert [line["level"] for line in document["log"]] == ["debug", "info", "warning", "error"]
    assert document["log"][2]["message"] == "warning said"
    assert document["log"][0]["time"].endswith("Z")
    assert {k["rel"] for k in document["links"]} == {"self", "alternate", "up"}
    assert api.http.get("/jobs/none/log").status_code == 404


# Results -------------------------------------------------------------------------------------------


def test_results_are_shown_with_a_table_a_map_and_what_to_download(
    api: Any, page: Callable[..., Any], done: str
) -> None:
    shown = page(f"{done}/results")
    assert f"{BASE}{done}/results/file" in shown.hrefs
    assert "a.geojson" in shown.text
    assert f"{len(TABLE)} bytes" in shown.text
    assert "1 feature: 1 Point" in shown.text
    (map_,) = shown.find("div", class_="map")
    assert map_.attributes["data-geojson"] == f"{BASE}{done}/results/file"
    assert "hidden" in map_.attributes
    assert [cell.text for cell in shown.find("td")] == ["1"]
    assert "héllo" in shown.text
    assert f"{BASE}{done}/results/count" in shown.hrefs
    assert f"/vsicurl/{BASE}{done}/results/file" in shown.text


@pytest.mark.parametrize(
    ("name", "content", "media_type", "tag", "text"),
    [
        ("a.csv", b"x,y\n1,2\n", "text/csv", "td", "1"),
        ("a.csv", b"", "text/csv", "p", "An empty table."),
        ("a.txt", b"some words", "text/plain", "pre", "some words"),
        ("a.json", b'{"a": [1]}', "application/json", "pre", '"a": ['),
        ("a.html", b"<b>x</b>", "text/html", "pre", "<b>x</b>"),
        ("a.png", b"\x89PNG", "image/png", "img", ""),
        ("a.geojson", b"not json", GEOJSON, "p", "It cannot be shown"),
        ("a.geojson", b'{"type":"FeatureCollection","features":[]}', GEOJSON, "p", "No features."),
        ("a.gpkg", b"SQLite", "application/geopackage+sqlite3", "a", "Download a.gpkg"),
    ],
)
def test_a_file_is_looked_into_by_its_media_type(
    api: Any,
    page: Callable[..., Any],
    name: str,
    content: bytes,
    media_type: str,
    tag: str,
    text: str,
) -> None:
    api.worker.returns(file=(name, content, media_type))
    shown = page(f"{api.submit()}/results")
    assert [element for element in shown.find(tag) if text in element.text]
    assert bool(shown.find("img", class_="picture")) is (media_type == "image/png")


def test_a_large_file_is_only_offered(api: Any, page: Callable[..., Any]) -> None:
    api.worker.returns(file=("a.geojson", TABLE + b" " * 5_000_001, GEOJSON))
    shown = page(f"{api.submit()}/results")
    assert "5.0 MB" in shown.text
    assert not shown.find("div", class_="map")
    assert not shown.find("td")


def test_a_file_of_an_output_is_a_download_even_for_a_browser(api: Any, done: str) -> None:
    answer = api.http.get(f"{done}/results/file", headers={"Accept": BROWSER})
    assert answer.headers["Content-Type"] == GEOJSON
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_results_that_are_not_there_are_a_page_of_an_error(
    api: Any, page: Callable[..., Any]
) -> None:
    path = api.submit()
    waiting = page(f"{path}/results")
    assert waiting.status == 404
    assert "result-not-ready" in waiting.text


def test_an_execution_for_a_browser_leads_to_the_page_of_its_job(api: Any) -> None:
    api.worker.returns(text=Value(value="a"))
    answer = api.http.post(
        "/processes/test:echo/execution",
        json={"inputs": {"text": "a"}},
        headers={"Accept": "text/html"},
        follow_redirects=False,
    )
    assert answer.status_code == 303
    page = api.http.get(answer.headers["Location"], headers={"Accept": "text/html"})
    assert "Successful" in page.text


# Errors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/none", 404, "There is nothing at this path."),
        ("/processes/none", 404, "There is no process"),
        ("/jobs/none", 404, "There is no job"),
        ("/jobs?limit=0", 400, "limit"),
        ("/processes?limit=x", 400, "limit"),
        (f"/processes/{EVIL.replace('/', '')}", 404, "alert(1)"),
    ],
)
def test_an_error_is_a_page_for_a_browser(
    page: Callable[..., Any], path: str, status: int, text: str
) -> None:
    shown = page(path)
    assert shown.status == status
    assert text in shown.text
    assert "<script>" not in shown.source


def test_an_error_says_when_to_come_again(make_api: Callable[..., Any], read_page: Any) -> None:
    api = make_api()

    def away() -> None:
        raise Unavailable("The job store cannot be reached.", retry_after=5)

    object.__setattr__(api.http.app.state.parts, "check", away)
    answer = api.http.get("/readyz", headers={"Accept": BROWSER})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "cannot be reached" in read_page(answer).text


def test_a_wrong_host_or_format_is_told_as_json(api: Any) -> None:
    for answer in (
        api.http.get("/", headers={"Accept": BROWSER, "Host": "a b"}),
        api.http.get("/?f=xml", headers={"Accept": BROWSER}),
    ):
        assert answer.status_code == 400
        assert "json" in answer.headers["Content-Type"]


def test_the_page_of_a_process_tells_how_many_jobs_wait(api: Any, page: Callable[..., Any]) -> None:
    assert "Jobs that wait there now0" in page("/processes/test:echo").text.replace("\n", "")
    api.submit()
    assert "Jobs that wait there now1" in page("/processes/test:echo").text.replace("\n", "")


def test_the_page_of_a_process_is_there_while_the_store_is_away(
    api: Any, page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(service: str) -> None:
        raise Unavailable("the store is away")

    parts = api.http.app.state.parts
    monkeypatch.setattr(api.http.app.state, "parts", replace(parts, waiting=away))
    shown = page("/processes/test:echo")
    assert shown.status == 200
    assert "Jobs that wait" not in shown.text
