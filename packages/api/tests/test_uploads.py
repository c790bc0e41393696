"""Uploads, and results of jobs, as inputs by their links: no request is made for them."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qanat_common.protocol import Inline, Reference, Value


def upload(api: Any, data: bytes = b"hello", **headers: str) -> Any:
    answer = api.http.post("/uploads?name=a.csv", content=data, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer


def given(api: Any, href: str, **more: str) -> Any:
    """The input of a job that was sent, with a link for its text."""
    answer = api.execute(prefer="respond-async", inputs={"text": {"href": href, **more}})
    assert answer.status_code == 201, answer.text
    return api.worker.sent[-1].inputs["text"]


def files(api: Any) -> list[str]:
    return [path.name for path in (api.folder / "storage").rglob("*") if path.is_file()]


def test_an_upload_is_an_input_by_its_link(api: Any) -> None:
    answer = upload(api, **{"Content-Type": "text/csv"})
    about = answer.json()
    assert answer.headers["Location"] == about["href"]
    assert (about["name"], about["type"], about["size"]) == ("a.csv", "text/csv", 5)
    found = given(api, about["href"])
    assert isinstance(found, Reference)
    assert found.media_type == "text/csv"
    assert api.storage.get(found.key) == b"hello"
    assert given(api, about["href"], type="text/plain").media_type == "text/plain"


def test_an_upload_can_be_looked_at_and_taken_away(api: Any) -> None:
    about = upload(api).json()
    path = f"/uploads/{about['id']}"
    assert api.http.get(path).json() == about
    assert api.http.delete(path).status_code == 204
    assert files(api) == []
    assert api.http.get(path).status_code == 404
    refused = api.execute(inputs={"text": {"href": about["href"]}})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/inputs/text"
    assert "no such upload" in refused.json()["detail"]


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_that_is_too_large_is_refused_and_leaves_nothing(
    make_api: Callable[..., Any], chunked: bool
) -> None:
    api = make_api(upload_limit=10)
    content = iter([b"123456", b"789012"]) if chunked else b"x" * 11
    answer = api.http.post("/uploads", content=content)
    assert answer.status_code == 413
    assert "10 bytes" in answer.json()["detail"]
    assert files(api) == []


def test_a_disk_that_is_full_takes_no_upload_and_says_when_to_come_again(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = lambda **_: open("/dev/full", "wb", buffering=0)  # noqa: E731, PTH123, SIM115
    with monkeypatch.context() as disk:
        disk.setattr(tempfile, "NamedTemporaryFile", full)
        answer = api.http.post("/uploads", content=b"x" * 100)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "no space" in answer.json()["detail"]
    assert files(api) == []
    assert api.http.post("/uploads", content=b"x" * 100).status_code == 201


@pytest.mark.parametrize(
    ("query", "headers", "data", "status"),
    [
        ("?name=../etc", {}, b"x", 400),
        ("?name=", {}, b"x", 400),
        ("?name=a%0Ab", {}, b"x", 400),
        ("", {}, b"", 400),
        ("", {"Content-Encoding": "gzip"}, b"x", 415),
    ],
)
def test_an_upload_that_is_none_is_refused(
    api: Any, query: str, headers: dict[str, str], data: bytes, status: int
) -> None:
    assert api.http.post(f"/uploads{query}", content=data, headers=headers).status_code == status
    assert files(api) == []


def test_an_upload_expires(make_api: Callable[..., Any]) -> None:
    about = upload(make_api(upload_seconds=3600)).json()
    left = datetime.fromisoformat(about["expires"]) - datetime.now(UTC)
    assert timedelta(minutes=55) < left <= timedelta(hours=1)
    api = make_api(upload_seconds=1e-6)
    assert api.http.get(f"/uploads/{upload(api).json()['id']}").status_code == 404


@pytest.mark.parametrize("name", ["u-1", "../jobs/x", "u-00000000-0000-4000-8000-00000000000G"])
def test_an_id_that_is_none_is_not_looked_for(api: Any, name: str) -> None:
    assert api.http.get(f"/uploads/{name}").status_code == 404


def test_a_result_of_a_job_is_an_input_by_its_link(api: Any) -> None:
    api.worker.returns(text=Value(value="first"), file=("f.json", b"{}", "application/geo+json"))
    job = api.submit()
    base = f"http://qanat.test{job}/results"
    value = given(api, f"{base}/text")
    assert value == Inline(value="first")
    file = given(api, f"{base}/file")
    assert isinstance(file, Reference)
    assert (api.storage.get(file.key), file.media_type) == (b"{}", "application/geo+json")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/results/nothing", "text"),
        ("/results", "Name one of the outputs"),
    ],
)
def test_a_result_that_is_none_is_told(api: Any, path: str, told: str) -> None:
    api.worker.returns(text=Value(value="a"), count=Value(value=1))
    href = f"http://qanat.test{api.submit()}{path}"
    refused = api.execute(inputs={"text": {"href": href}})
    assert refused.status_code == 400
    assert told in refused.json()["detail"]


def test_a_job_that_has_not_ended_has_no_result_yet(api: Any) -> None:
    href = f"http://qanat.test{api.submit()}/results/text"
    refused = api.execute(inputs={"text": {"href": href}})
    assert refused.status_code == 400
    assert "its results come when it is successful" in refused.json()["detail"]


@pytest.mark.parametrize(
    "href", ["http://qanat.test/processes", "http://other.test/uploads/u-1", "http://qanat.testx/"]
)
def test_other_addresses_are_fetched_as_ever(api: Any, href: str) -> None:
    assert given(api, href) == Reference(href=href)
