"""What a job was asked for: its document asks for the same again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qanat_api.pace import LEAST, MOST, retry_after
from qanat_common.jobs import JobSummary
from qanat_common.ogc import JobStatus
from qanat_common.protocol import Succeeded

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
POINTS = {"type": "FeatureCollection", "features": []}
REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("test:echo", {"inputs": {"text": ""}}),
    (
        "test:echo",
        {
            "inputs": {
                "text": "a",
                "extent": {"bbox": [0, 1, 2, 3]},
                "numbers": [1, 2.5],
                "rows": [[1, 2], [3]],
                "range": [0, 1],
            },
            "outputs": {
                "file": {"transmissionMode": "reference"},
                "count": {"transmissionMode": "value"},
            },
            "response": "document",
        },
    ),
    ("native:buffer", {"inputs": {"INPUT": {"value": POINTS}, "DISTANCE": 0, "DISSOLVE": False}}),
    (
        "native:buffer",
        {
            "inputs": {
                "INPUT": {
                    "value": "AAAA",
                    "encoding": "base64",
                    "mediaType": "application/geopackage+sqlite3",
                }
            }
        },
    ),
    (
        "native:buffer",
        {"inputs": {"INPUT": {"href": "https://example.org/x", "type": "application/geo+json"}}},
    ),
]


@pytest.mark.parametrize(("name", "request_"), REQUESTS)
def test_the_document_asks_for_the_same_again(
    api: Any, name: str, request_: dict[str, Any]
) -> None:
    path = api.submit(name, **request_)
    answer = api.http.get(f"{path}/inputs")
    assert answer.status_code == 200
    document = answer.json()
    assert {link["rel"] for link in document["links"]} == {"self", "alternate", "up"}
    assert document["response"] == request_.get("response", "raw")
    api.submit(name, **document)
    first, second = (
        (message.inputs, message.outputs, message.response) for message in api.worker.sent
    )
    assert first == second
    assert api.http.get(f"{path}/inputs").json()["inputs"].keys() == request_["inputs"].keys()


def test_large_inputs_are_read_from_where_they_lie(make_api: Callable[..., Any]) -> None:
    api = make_api(inline_limit=100)
    path = api.submit(inputs={"text": "x" * 5000})
    assert api.worker.sent[0].inputs_key
    assert api.http.get(f"{path}/inputs").json()["inputs"] == {"text": "x" * 5000}
    api.storage.remove_job(api.worker.sent[0].job_id)
    answer = api.http.get(f"{path}/inputs")
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "The inputs of the job are no longer there.",
    )


def test_inputs_have_a_page(
    api: Any, page: Callable[..., Any], make_api: Callable[..., Any]
) -> None:
    path = api.submit(inputs={"text": "<b>" + "x" * 20_000, "numbers": [3]})
    shown = page(f"{path}/inputs")
    assert "<b>xxx" in shown.text
    assert "This is its beginning" in shown.text
    assert f"http://qanat.test{path}" in shown.hrefs
    assert f"http://qanat.test{path}/inputs" in page(path).hrefs


def test_inputs_of_an_unknown_job_are_not_found(api: Any) -> None:
    assert api.http.get("/jobs/none/inputs").status_code == 404


def job(status: JobStatus, progress: int = 0, started: float | None = None) -> JobSummary:
    return JobSummary(
        job_id="j",
        process_id="p",
        service="s",
        status=status,
        created=NOW - timedelta(seconds=10),
        started=None if started is None else NOW - timedelta(seconds=started),
        progress=progress,
    )


@pytest.mark.parametrize(
    ("record", "seconds"),
    [
        (job(JobStatus.ACCEPTED), 5),
        (job(JobStatus.RUNNING, 0, 4), 2),
        (job(JobStatus.RUNNING, 50, 8), 8),
        (job(JobStatus.RUNNING, 90, 9), 1),
        (job(JobStatus.RUNNING, 1, 100), MOST),
        (job(JobStatus.RUNNING, 99, 1), LEAST),
        (job(JobStatus.RUNNING, 100, 9), 5),
        (job(JobStatus.RUNNING, 50, -3), LEAST),
        (job(JobStatus.SUCCESSFUL, 100, 9), None),
        (job(JobStatus.DISMISSED), None),
    ],
)
def test_a_client_is_told_when_to_ask_again(record: JobSummary, seconds: int | None) -> None:
    assert retry_after(record, NOW) == seconds


def test_the_status_tells_when_to_ask_again_until_the_job_has_ended(api: Any) -> None:
    path = api.submit()
    assert int(api.http.get(path).headers["Retry-After"]) >= 1
    api.worker.run(api.worker.sent[0], Succeeded())
    assert "Retry-After" not in api.http.get(path).headers
