"""Real jobs on real data, from HTTP to file."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

pytestmark = [pytest.mark.qgis, pytest.mark.timeout(180)]

GEOPACKAGE = "application/geopackage+sqlite3"
GEOTIFF = "image/tiff; application=geotiff"


@pytest.fixture
def countries(data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((data / "countries.geojson").read_text("utf-8"))
    return found


@pytest.fixture
def cities(data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((data / "cities.geojson").read_text("utf-8"))
    return found


@pytest.fixture
def dem(data: Path) -> dict[str, str]:
    value = base64.b64encode((data / "dem.tif").read_bytes()).decode()
    return {"value": value, "encoding": "base64", "mediaType": GEOTIFF}


def execute(http: httpx2.Client, process: str, body: Any, **headers: str) -> httpx2.Response:
    return http.post(
        f"/processes/{process}/execution",
        json=body,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def run(http: httpx2.Client, until: Callable[..., Any], process: str, body: Any) -> str:
    """Run a job asynchronously to its end; returns its address."""
    answer = execute(http, process, body, Prefer="respond-async")
    assert answer.status_code == 201, answer.text
    job = answer.headers["Location"]

    def ended() -> dict[str, Any] | None:
        info: dict[str, Any] = http.get(job).json()
        return info if info["status"] not in ("accepted", "running") else None

    info = until(ended, 60)
    assert info["status"] == "successful", info["message"]
    return str(job)


def test_cities_are_buffered_while_the_client_waits(
    http: httpx2.Client, cities: dict[str, Any]
) -> None:
    answer = execute(
        http, "native:buffer", {"inputs": {"INPUT": {"value": cities}, "DISTANCE": 0.5}}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/geo+json"
    features = answer.json()["features"]
    assert [f["properties"]["name"] for f in features] == [
        f["properties"]["name"] for f in cities["features"]
    ]
    assert all(f["geometry"]["type"] in ("Polygon", "MultiPolygon") for f in features)
    assert 'rel="monitor"' in answer.headers["Link"]


def test_countries_become_a_geopackage_in_the_background(
    http: httpx2.Client, until: Callable[..., Any], countries: dict[str, Any]
) -> None:
    body = {
        "inputs": {"INPUT": {"value": countries}},
        "outputs": {"OUTPUT": {"format": {"mediaType": GEOPACKAGE}}},
    }
    job = run(http, until, "native:centroids", body)
    info = http.get(job).json()
    assert (info["processID"], info["progress"], info["type"]) == (
        "native:centroids",
        100,
        "process",
    )
    whole = http.get(f"{job}/results/OUTPUT")
    assert whole.headers["Content-Type"] == GEOPACKAGE
    assert whole.content[:15] == b"SQLite format 3"
    part = http.get(f"{job}/results/OUTPUT", headers={"Range": "bytes=0-14"})
    assert (part.status_code, part.content) == (206, b"SQLite format 3")
    assert part.headers["Content-Range"] == f"bytes 0-14/{len(whole.content)}"
    head = http.head(f"{job}/results/OUTPUT")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole.content))


def test_a_document_holds_each_output(
    http: httpx2.Client, until: Callable[..., Any], countries: dict[str, Any]
) -> None:
    body = {
        "inputs": {"INPUT_LAYER": {"value": countries}, "FIELD_NAME": "name"},
        "response": "document",
    }
    listed = [process["id"] for process in http.get("/processes").json()["processes"]]
    (process,) = (name for name in listed if name.endswith(":basicstatisticsforfields"))
    job = run(http, until, process, body)
    results = http.get(f"{job}/results").json()
    assert results["COUNT"] == 177
    assert results["UNIQUE"] == 177


@pytest.mark.parametrize("process", ["native:hillshade", "gdal:hillshade"])
def test_a_raster_gets_its_hillshade(
    http: httpx2.Client, dem: dict[str, str], process: str
) -> None:
    answer = execute(http, process, {"inputs": {"INPUT": dem, "Z_FACTOR": 2}})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == GEOTIFF
    assert answer.content[:4] in (b"II*\0", b"MM\0*")


def test_a_value_that_is_false_zero_or_empty_is_given(
    http: httpx2.Client, cities: dict[str, Any]
) -> None:
    inputs = {"INPUT": {"value": cities}, "DISTANCE": 0, "DISSOLVE": False}
    answer = execute(http, "native:buffer", {"inputs": inputs})
    assert answer.status_code == 200, answer.text


def test_a_failed_algorithm_says_why(
    http: httpx2.Client, until: Callable[..., Any], cities: dict[str, Any]
) -> None:
    inputs = {"INPUT": {"value": cities}, "EXPRESSION": "no_such_function(1)"}
    answer = execute(http, "native:extractbyexpression", {"inputs": inputs})
    assert answer.status_code in (400, 500)
    problem = answer.json()
    assert "no_such_function" in problem["detail"]
    assert all(word not in answer.text for word in ("Traceback", "/usr/", "/tmp/"))


def test_every_listed_process_has_a_description(http: httpx2.Client) -> None:
    listed = http.get("/processes").json()["processes"]
    assert len(listed) > 250
    for process in listed[:: max(1, len(listed) // 40)]:
        described = http.get(f"/processes/{process['id']}").json()
        assert described["id"] == process["id"]
        assert described["outputs"]


def test_an_older_id_of_an_algorithm_is_described_and_runs(
    http: httpx2.Client, cities: dict[str, Any]
) -> None:
    described = http.get("/processes/qgis:centroids").json()
    assert described["id"] == "native:centroids"
    answer = execute(http, "qgis:centroids", {"inputs": {"INPUT": cities}})
    assert answer.status_code == 200, answer.text
    listed = {each["id"] for each in http.get("/processes").json()["processes"]}
    assert "native:centroids" in listed
    assert "qgis:centroids" not in listed
