"""The commands that README and tutorial tell people to paste do what they say."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.qgis, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
ADDRESS = "http://127.0.0.1:9080"


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def paste(command: list[str], text: str, server: Any, folder: Path) -> str:
    """Run it in a folder that looks like the repository's."""
    (folder / "docs").symlink_to(ROOT / "docs") if not (folder / "docs").exists() else None
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [*command, text.replace(ADDRESS, server.url)],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_curl_of_the_readme_answers_with_a_polygon(server: Any, tmp_path: Path) -> None:
    (command,) = (block for block in blocks("README.md", "sh") if "curl" in block)
    answer = json.loads(paste(["sh", "-c"], command, server, tmp_path))
    assert answer["features"][0]["properties"] == {"name": "Isfahan"}


def test_the_python_of_the_readme_counts_the_countries(server: Any, tmp_path: Path) -> None:
    (code,) = blocks("README.md", "python")
    assert paste([sys.executable, "-c"], code, server, tmp_path) == "177 points\n"


def test_every_command_of_the_tutorial_works(server: Any, tmp_path: Path) -> None:
    told = [
        paste(["sh", "-e", "-c"], block, server, tmp_path)
        for block in blocks("docs/tutorials/first-job.md", "sh")
    ]
    assert any("201 Created" in text and "ocation:" in text for text in told)
    assert len(json.loads((tmp_path / "buffered.geojson").read_text("utf-8"))["features"]) == 10
    assert (tmp_path / "hillshade.tif").read_bytes()[:4] in (b"II*\0", b"MM\0*")
