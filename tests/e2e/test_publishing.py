"""An administrator puts a file into a folder of the running all-in-one: it is offered, and runs."""

import shutil
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

pytestmark = [pytest.mark.qgis, pytest.mark.timeout(240)]

PUBLISHED = Path(__file__).parents[2] / "packages" / "worker" / "tests" / "engine" / "published"
PATIENCE = 60
"""How long a machine that has other things to do may need, in seconds; nothing is said by it."""

SCRIPT = '''
import time
from pathlib import Path

from qgis.processing import alg


@alg(name="multiplied", label="{title}", group="tests", group_label="Tests")
@alg.input(type=alg.NUMBER, name="NUMBER", label="Number")
@alg.output(type=alg.NUMBER, name="RESULT", label="Result")
def multiplied(instance, parameters, context, feedback, inputs):
    """A number, multiplied."""
    while {waits} and not Path(__file__).with_name("gate").exists():
        time.sleep(0.05)
    return {{"RESULT": instance.parameterAsDouble(parameters, "NUMBER", context) * {factor}}}
'''


@pytest.fixture
def http(all_in_one: Any) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=all_in_one.url, timeout=60) as client:
        yield client


def publish(path: Path, text: str) -> None:
    """Write a file as editors do."""
    beside = path.with_name(f".{path.name}")
    beside.write_text(text, "utf-8")
    beside.rename(path)


def result(http: httpx2.Client, process: str, **inputs: Any) -> Any:
    answer = http.post(
        f"/processes/{process}/execution", json={"inputs": inputs, "response": "document"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def title(http: httpx2.Client, process: str) -> str | None:
    answer = http.get(f"/processes/{process}")
    return str(answer.json()["title"]) if answer.status_code == 200 else None


def test_a_script_is_published_changed_and_taken_away_while_jobs_run(
    all_in_one: Any, http: httpx2.Client, until: Callable[..., Any]
) -> None:
    path = all_in_one.folder / "data" / "scripts" / "multiplied.py"

    def seen_as(wanted: str | None) -> None:
        until(lambda: title(http, "script:multiplied") == wanted, PATIENCE)

    publish(path, SCRIPT.format(title="Tripled", factor=3, waits=False))
    seen_as("Tripled")
    assert result(http, "script:multiplied", NUMBER=14) == {"RESULT": 42}

    publish(path, SCRIPT.format(title="Waiting", factor=3, waits=True))
    seen_as("Waiting")
    running = http.post(
        "/processes/script:multiplied/execution",
        json={"inputs": {"NUMBER": 1}},
        headers={"Prefer": "respond-async"},
    ).headers["Location"]
    until(lambda: http.get(running).json()["status"] == "running", PATIENCE)

    publish(path, SCRIPT.format(title="Doubled", factor=2, waits=False))
    seen_as("Doubled")
    assert result(http, "script:multiplied", NUMBER=21) == {"RESULT": 42}
    assert http.get(running).json()["status"] == "running"
    path.with_name("gate").touch()
    until(lambda: http.get(running).json()["status"] != "running", PATIENCE)
    assert http.get(running).json()["status"] == "successful"
    assert http.get(f"{running}/results").json() == 3

    path.unlink()
    seen_as(None)
    assert http.get("/processes/native:buffer").status_code == 200


def test_a_script_that_is_broken_and_mended_comes_back(
    all_in_one: Any, http: httpx2.Client, until: Callable[..., Any]
) -> None:
    path = all_in_one.folder / "data" / "scripts" / "multiplied.py"
    whole = SCRIPT.format(title="Tripled", factor=3, waits=False)
    publish(path, whole)
    until(lambda: title(http, "script:multiplied") == "Tripled", PATIENCE)

    publish(path, f"{whole}\n:")
    until(lambda: title(http, "script:multiplied") is None, PATIENCE)
    assert "multiplied.py is not published: SyntaxError" in all_in_one.log()
    assert http.get("/processes/native:buffer").status_code == 200

    publish(path, whole)
    until(lambda: title(http, "script:multiplied") == "Tripled", PATIENCE)
    assert result(http, "script:multiplied", NUMBER=14) == {"RESULT": 42}


def test_models_and_plugins_run_confined_and_what_is_broken_stops_nothing(
    all_in_one: Any, http: httpx2.Client, until: Callable[..., Any]
) -> None:
    folder = all_in_one.folder / "data"
    (folder / "scripts" / "broken.py").write_text("def (", "utf-8")
    shutil.copytree(PUBLISHED, folder, dirs_exist_ok=True)
    until(lambda: title(http, "terraces:steps") and title(http, "model:sunlit slopes"), PATIENCE)
    assert result(http, "terraces:steps", HEIGHT=2) == {"STEPS": 8}
    dem = (Path(__file__).parents[2] / "docs" / "tutorials" / "data" / "dem.tif").read_bytes()
    answer = http.post(
        "/processes/model:sunlit slopes/execution",
        json={"inputs": {"heights": _geotiff(dem)}},
    )
    assert answer.status_code == 200, answer.text
    assert answer.content[:2] == b"II"
    assert title(http, "script:broken") is None
    assert "broken.py is not published: SyntaxError" in all_in_one.log()


def _geotiff(content: bytes) -> dict[str, str]:
    return {
        "value": b64encode(content).decode(),
        "encoding": "base64",
        "mediaType": "image/tiff; application=geotiff",
    }
