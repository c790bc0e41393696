"""An administrator publishes a project: processes run within it, over HTTP and from its page."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

pytestmark = [pytest.mark.qgis, pytest.mark.timeout(240)]

MAKER = Path(__file__).parents[2] / "packages/worker/tests/engine/make_projects.py"


def test_a_project_is_published_and_processes_run_within_it(
    all_in_one: Any, until: Callable[..., Any], tmp_path: Path
) -> None:
    made = tmp_path / "made"
    environ = os.environ | {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    subprocess.run([sys.executable, str(MAKER), str(made)], check=True, env=environ)
    folder = all_in_one.folder / "data" / "projects"
    made.rename(folder / "maps")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    with httpx2.Client(base_url=all_in_one.url, timeout=60) as http:
        until(lambda: http.get("/projects/town").status_code == 200, 30)
        told = http.get("/processes/native:buffer?project=town").json()["inputs"]["INPUT"]
        assert "towns" in told["schema"]["oneOf"][-1]["enum"]
        check_jobs(http)
        check_refusals(http)
        after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
        assert after == before
        (folder / "maps" / "town.qgz").unlink()
        until(lambda: http.get("/projects/town").status_code == 404, 30)
    assert "the project broken is not published" in all_in_one.log()


def run(
    http: httpx2.Client, process: str, inputs: dict[str, Any], **outputs: Any
) -> httpx2.Response:
    body = {"inputs": inputs, "outputs": outputs}
    return http.post(f"/processes/{process}/execution?project=town", json=body)


def check_jobs(http: httpx2.Client) -> None:
    """Layers by name, beside those by value; a layout on paper; a raster by a tool of GDAL's."""
    buffers = run(http, "native:buffer", {"INPUT": "towns", "DISTANCE": 100})
    assert len(buffers.json()["features"]) == 2, buffers.text
    point = {"type": "Point", "coordinates": [9.01, 49.65]}
    given = {"INPUT": {"value": point}, "JOIN": "districts"}
    joined = run(http, "native:joinattributesbylocation", given, OUTPUT={})
    assert joined.json()["features"][0]["properties"]["title"] == "A"
    printed = run(http, "native:printlayouttopdf", {"LAYOUT": "Plan"})
    assert printed.content.startswith(b"%PDF-"), printed.text
    assert run(http, "gdal:slope", {"INPUT": "dem"}).content[:2] == b"II"


def check_refusals(http: httpx2.Client) -> None:
    """Before anything is run."""
    assert run(http, "native:buffer", {"INPUT": "secret"}).status_code == 400
    fields = run(http, "native:dissolve", {"INPUT": "districts", "FIELD": ["color"]})
    assert fields.json()["errors"][0]["pointer"] == "/inputs/FIELD/0"
    unknown = http.post("/processes/native:buffer/execution?project=x", json={"inputs": {}})
    assert unknown.status_code == 404
    assert "'x'" in unknown.json()["detail"]
