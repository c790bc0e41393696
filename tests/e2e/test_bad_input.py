"""Bad input: a problem document that names the member, and no job."""

from typing import Any

import httpx2
import pytest

pytestmark = [pytest.mark.qgis, pytest.mark.timeout(180)]

POINT = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [1, 2]}}
LAYER = {"value": {"type": "FeatureCollection", "features": [POINT]}}
EXECUTION = "/processes/native:buffer/execution"


def jobs(http: httpx2.Client) -> int:
    return len(http.get("/jobs?limit=1000").json()["jobs"])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"inputs": {"DISTANCE": 1}}, "/inputs/INPUT"),
        ({"inputs": {"INPUT": LAYER, "DISTANCE": "far"}}, "/inputs/DISTANCE"),
        ({"inputs": {"INPUT": LAYER, "SEGMENTS": 0}}, "/inputs/SEGMENTS"),
        ({"inputs": {"INPUT": LAYER, "SEGMENTS": 1.5}}, "/inputs/SEGMENTS"),
        ({"inputs": {"INPUT": LAYER, "END_CAP_STYLE": "Oval"}}, "/inputs/END_CAP_STYLE"),
        ({"inputs": {"INPUT": LAYER, "DISTANZ": 1}}, "/inputs/DISTANZ"),
        ({"inputs": {"INPUT": "/etc/passwd"}}, "/inputs/INPUT"),
        ({"inputs": {"INPUT": {"href": "file:///etc/passwd"}}}, "/inputs/INPUT"),
        ({"inputs": {"INPUT": LAYER}, "outputs": {"OUT": {}}}, "/outputs/OUT"),
        ({"inputs": {"INPUT": LAYER}, "response": "xml"}, "/response"),
        ({"inputs": [1]}, "/inputs"),
    ],
)
def test_the_member_at_fault_is_named(http: httpx2.Client, body: Any, pointer: str) -> None:
    before = jobs(http)
    answer = http.post(EXECUTION, json=body)
    assert answer.status_code == 400, answer.text
    assert pointer in [fault["pointer"] for fault in answer.json()["errors"]], answer.text
    assert jobs(http) == before


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b'{"inputs": {', "application/json", 400),
        (b'{"inputs": {"INPUT": 1, "DISTANCE": NaN}}', "application/json", 400),
        (b'{"inputs": {"DISTANCE": 1e999}}', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"<x/>", "application/xml", 415),
        (b" " * 60_000_000, "application/json", 413),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(
    http: httpx2.Client, content: bytes, media_type: str, status: int
) -> None:
    before = jobs(http)
    answer = http.post(EXECUTION, content=content, headers={"Content-Type": media_type})
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == status
    assert jobs(http) == before


def test_an_unknown_process_is_told_by_the_type_of_the_standard(http: httpx2.Client) -> None:
    for answer in (
        http.get("/processes/native:bufer"),
        http.post("/processes/native:bufer/execution", json={"inputs": {}}),
    ):
        assert answer.status_code == 404
        assert answer.json()["type"].endswith("/ogcapi-processes-1/1.0/no-such-process")
