"""HTML: a page with every 200, that shows all of the answer and has its links as anchors."""

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

proves = pytest.mark.proves
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
TEXT = {"stringInput": "teststring"}
FIXED = ["/", "/conformance", "/api", "/processes", "/processes/echo", "/jobs?limit=5"]


class Page(HTMLParser):
    """What a page shows, and where its anchors lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = ""
        self.anchors: set[str] = set()
        self.times: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.anchors.add(str(given["href"]))
        if tag == "time":
            self.times.add(str(given["datetime"]).replace("+00:00", "Z"))

    def handle_data(self, data: str) -> None:
        self.text += data


def leaves(value: Any) -> Iterator[str]:
    """Every text and number within a document, its links left out."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner) if name != "links" else ()
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield str(value).lower() if isinstance(value, bool) else str(value)


def links(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "links":
                yield from (link["href"] for link in inner)
            yield from links(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from links(inner)


@pytest.fixture(scope="module")
def job(service: Any) -> str:
    """The path of a job that was successful."""
    body = {"inputs": TEXT, "outputs": {"stringInput": {}}, "response": "document"}
    made = service.submit("echo", body)
    assert service.ended(made)["status"] == "successful"
    return str(made).removeprefix(service.url)


def paths(job: str) -> list[str]:
    return [*FIXED, job, f"{job}/log", f"{job}/results"]


@proves("/req/html/definition", "/rec/core/html")
@proves("/req/html/definition@common", "/rec/core/html@common")
def test_every_resource_has_a_page(service: Any, job: str) -> None:
    for path in paths(job):
        for answer in (service.get(path, Accept="text/html"), service.get(path, Accept=BROWSER)):
            assert answer.status_code == 200, path
            assert answer.headers["Content-Type"].startswith("text/html"), path


@proves("/req/html/definition")
@proves("/req/html/definition@common")
def test_an_execution_leads_to_a_page(service: Any) -> None:
    answer = service.post("echo", {"inputs": TEXT}, Accept="text/html")
    assert answer.status_code == 303
    page = service.get(answer.headers["Location"], Accept="text/html")
    assert page.status_code == 200
    assert "echo" in page.text


@proves("/req/html/content")
@proves("/req/html/content@common")
def test_a_page_is_html_5_and_has_every_link_as_an_anchor(service: Any, job: str) -> None:
    for path in paths(job):
        page = service.get(path, Accept="text/html").text
        assert page.startswith("<!doctype html>"), path
        document = service.get(path, Accept="application/json").json()
        if path != "/api":
            assert set(links(document)) <= Page(page).anchors, path


def both(service: Any, path: str) -> tuple[Any, Page]:
    """A document and its page, when nothing changed between them: jobs of other tests may still end."""
    for _ in range(50):
        document = service.get(path, Accept="application/json").json()
        page = Page(service.get(path, Accept="text/html").text)
        if service.get(path, Accept="application/json").json() == document:
            return document, page
    raise TimeoutError(f"{path} never stays as it is")


@proves("/req/html/content")
@proves("/req/html/content@common")
def test_a_page_shows_all_that_its_document_says(service: Any, job: str) -> None:
    for path in [path for path in paths(job) if path != "/api"]:
        document, page = both(service, path)
        said = " ".join(page.text.split()).lower()
        for text in leaves(document):
            shown = " ".join(text.split()).lower() in said
            assert shown or any(text[:19] == time[:19] for time in page.times), (path, text)
