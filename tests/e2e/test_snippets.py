"""The code that a process page shows, run as it stands: it asks for just what the form asks for."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

pytestmark = pytest.mark.qgis

SECONDS = 60
NASTY = 'it\'s "$(touch owned)" `touch owned` \\ \\n %s $HOME\r\n!! naïve 日本語 🙂 \u202e <b>&amp;'
NAME = 'my cities\' "$(touch owned)" ü.geojson'

Parts = list[tuple[str, tuple[str | None, bytes]]]


def parts(**texts: str | bytes) -> Parts:
    made = {name.replace("__", "/"): text for name, text in texts.items()}
    return [
        (name, (NAME if isinstance(text, bytes) else None, _bytes(text)))
        for name, text in made.items()
    ]


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def code_of(http: httpx2.Client, process: str, filled: Parts) -> dict[str, str]:
    """The code, of a form whose files are known by their names alone."""
    named = [(name, (file, b"" if file else text)) for name, (file, text) in filled]
    answer = http.post(f"/processes/{process}/form/request", files=named)
    assert answer.status_code == 200, answer.text
    made: dict[str, str] = answer.json()
    return made


def by_form(http: httpx2.Client, process: str, filled: Parts) -> Any:
    answer = http.post(f"/processes/{process}/form", files=filled, headers={"Accept": "text/html"})
    assert answer.status_code == 303, answer.text
    return inputs_of(http, answer.headers["Location"])


def inputs_of(http: httpx2.Client, job: str) -> Any:
    found = http.get(f"{job}/inputs").json()
    return {name: found[name] for name in ("inputs", "outputs", "response") if name in found}


def run(command: list[str], code: str, folder: Path, **environ: str) -> str:
    done = subprocess.run(
        command,
        input=code.encode(),
        capture_output=True,
        cwd=folder,
        timeout=SECONDS,
        env=os.environ | environ,
        check=False,
    )
    assert done.returncode == 0, (code, done.stderr.decode())
    assert not (folder / "owned").exists()
    return done.stdout.decode()


def job_of_curl(code: str, folder: Path) -> str:
    found: str = json.loads(run(["/bin/sh"], code, folder))["jobID"]
    return found


def job_of_python(code: str, folder: Path) -> str:
    return run([sys.executable, "-"], code, folder).split()[0]


def job_of_r(code: str, folder: Path) -> str:
    if shutil.which("Rscript") is None or not _has_httr2():
        pytest.skip("httr2 is not installed: Debian has it in the package r-cran-httr2")
    printed = run(["Rscript", "-"], code, folder)
    return printed.partition("$jobID")[2].split('"')[1]


def _has_httr2() -> bool:
    asked = ["Rscript", "-e", "library(httr2)"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


RUN: dict[str, Callable[[str, Path], str]] = {
    "curl": job_of_curl,
    "python": job_of_python,
    "r": job_of_r,
}


@pytest.mark.parametrize("language", [*RUN])
@pytest.mark.parametrize("text", [NASTY, "x" * 150_000], ids=["nasty", "long"])
def test_the_code_asks_for_what_the_form_asks_for(
    http: httpx2.Client, tmp_path: Path, language: str, text: str
) -> None:
    filled = parts(
        inputs__stringInput=text,
        inputs__doubleInput="2.50",
        inputs__boundingBoxInput__west="7",
        inputs__boundingBoxInput__south="-1e-3",
        inputs__boundingBoxInput__east="8",
        inputs__boundingBoxInput__north="50.5",
        outputs__stringOutput="on",
    )
    code = code_of(http, "qanat:echo", filled)
    assert "qgis_process" not in code
    job = RUN[language](code[language], tmp_path)
    asked = inputs_of(http, f"/jobs/{job}")
    assert asked == by_form(http, "qanat:echo", filled)
    assert asked["inputs"]["stringInput"] == text.replace("\r\n", "\n")


@pytest.mark.parametrize("language", [*RUN])
def test_the_code_reads_the_files_by_their_names(
    http: httpx2.Client, tmp_path: Path, data: Path, language: str, until: Callable[..., Any]
) -> None:
    content = (data / "cities.geojson").read_bytes()
    (tmp_path / NAME).write_bytes(content)
    filled = parts(
        inputs__INPUT__file=content,
        inputs__DISTANCE="1.5",
        inputs__END_CAP_STYLE='"Flat"',
        outputs__OUTPUT__format="text/csv",
    )
    code = code_of(http, "native:buffer", filled)
    job = f"/jobs/{RUN[language](code[language], tmp_path)}"
    until(lambda: http.get(job).json()["status"] == "successful", SECONDS)
    assert b"Bamako" in http.get(f"{job}/results/OUTPUT").content
    asked, formed = inputs_of(http, job), by_form(http, "native:buffer", filled)
    assert asked["inputs"].pop("INPUT") != formed["inputs"].pop("INPUT"), "it is base64 here"
    assert asked == formed


@pytest.fixture
def qgis_process() -> str:
    found = shutil.which("qgis_process")
    if found is None:
        pytest.skip("qgis_process is not installed: Debian has it in the package qgis")
    return found


def test_qgis_runs_the_same_on_the_own_machine(
    http: httpx2.Client, tmp_path: Path, data: Path, qgis_process: str
) -> None:
    content = (data / "cities.geojson").read_bytes()
    (tmp_path / NAME).write_bytes(content)
    filled = parts(
        inputs__INPUT__file=content,
        inputs__FIELD_NAME="odd",
        inputs__FIELD_TYPE='"String"',
        inputs__FORMULA="'it''s \"$(touch owned)\" `touch owned` $HOME = ' || \"name\"",
        outputs__OUTPUT="on",
    )
    code = code_of(http, "native:fieldcalculator", filled)["qgis_process"]
    run(["/bin/sh"], code, tmp_path, QT_QPA_PLATFORM="offscreen", HOME=str(tmp_path))
    made = json.loads((tmp_path / "OUTPUT.geojson").read_text("utf-8"))
    texts = {feature["properties"]["odd"] for feature in made["features"]}
    assert 'it\'s "$(touch owned)" `touch owned` $HOME = Bamako' in texts


def test_qgis_gets_pasted_layers_boxes_and_choices_as_it_takes_them(
    http: httpx2.Client, tmp_path: Path, data: Path, qgis_process: str
) -> None:
    text = (data / "cities.geojson").read_text("utf-8")
    filled = parts(
        inputs__INPUT__text=text,
        inputs__TYPE='"Rectangle (Polygon)"',
        inputs__EXTENT__west="-10",
        inputs__EXTENT__south="0",
        inputs__EXTENT__east="20",
        inputs__EXTENT__north="60",
        inputs__HSPACING="10",
        inputs__VSPACING="10",
        inputs__CRS="EPSG:4326",
    )
    clip = code_of(http, "native:extractbyextent", filled)["qgis_process"]
    grid = code_of(http, "native:creategrid", filled)["qgis_process"]
    own = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path)}
    run(["/bin/sh"], clip, tmp_path, **own)
    made = json.loads((tmp_path / "OUTPUT.geojson").read_text("utf-8"))
    assert 0 < len(made["features"]) < len(json.loads(text)["features"])
    run(["/bin/sh"], grid, tmp_path, **own)
    made = json.loads((tmp_path / "OUTPUT.geojson").read_text("utf-8"))
    assert len(made["features"]) == 18
    assert made["features"][0]["geometry"]["type"] == "Polygon"
