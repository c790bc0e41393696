"""Behind a proxy with a path of its own every link is the public one, and leads on."""

import re
from typing import Any

from owslib.ogcapi.processes import Processes

TEXT = {"stringInput": "a"}


def links(document: Any) -> list[str]:
    """All addresses in a document."""
    if isinstance(document, dict):
        own = [document["href"]] if isinstance(document.get("href"), str) else []
        return own + [href for value in document.values() for href in links(value)]
    return [href for item in document for href in links(item)] if isinstance(document, list) else []


def test_every_link_is_the_public_one_and_can_be_followed(behind: Any) -> None:
    job = behind.post("echo", {"inputs": TEXT}, Prefer="respond-async").headers["Location"]
    assert job.startswith(f"{behind.url}/jobs/")
    assert behind.ended(job)["status"] == "successful"
    listed = "/jobs?processID=echo&status=successful"
    for path in ("/", "", "/conformance", "/processes?limit=2", "/processes/echo", listed, job):
        document = behind.get(path).json()
        found = [href for href in links(document) if "/spec/" not in href]
        assert found or path == "/conformance"
        for href in sorted({*found}):
            assert href.startswith(behind.url + "/"), (path, href)
            asked = "OPTIONS" if href.endswith("/execution") else "GET"
            assert behind.request(asked, href).status_code in (200, 204), href
    assert behind.get("/api").json()["servers"] == [{"url": behind.url}]


def test_results_by_reference_are_fetched_through_the_proxy(behind: Any) -> None:
    outputs = {"stringInput": {"transmissionMode": "reference"}}
    body = {"inputs": TEXT, "outputs": outputs, "response": "document"}
    href = behind.post("echo", body).json()["stringInput"]["href"]
    assert href.startswith(behind.url)
    assert behind.get(href).text == "a"
    assert behind.request("HEAD", href).headers["Content-Length"] == "1"


def test_pages_and_what_they_load_are_below_the_prefix(behind: Any) -> None:
    page = behind.get("/processes/echo", Accept="text/html").text
    root = behind.url.partition("://")[2].partition("/")[2]
    places = re.findall(r'(?:href|src|action)="([^"#][^"]*)"', page)
    assert places
    for place in places:
        assert place.startswith((behind.url, f"/{root}/")), place
    host = behind.url.removesuffix(f"/{root}")
    script = next(place for place in places if ".js" in place)
    assert behind.get(host + script).status_code == 200


def test_a_form_of_our_own_is_taken_and_one_of_another_site_is_not(behind: Any) -> None:
    form = behind.address("/processes/echo/form")
    origin = re.match(r"https?://[^/]+", behind.url)
    assert origin
    ours = behind.client.post(form, files={"x": ("", b"")}, headers={"Origin": origin[0]})
    assert ours.status_code == 400  # no value was given
    other = behind.client.post(form, files={"x": ("", b"")}, headers={"Origin": "http://evil"})
    assert other.status_code == 403


def test_owslib_works_with_an_address_that_has_a_path(behind: Any) -> None:
    client = Processes(behind.url + "/")
    assert "echo" in {process["id"] for process in client.processes()}
    assert "stringInput" in client.process("echo")["inputs"]
