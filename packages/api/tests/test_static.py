"""The files that pages need: others' are as they were published, and say nothing to other hosts."""

import hashlib
import re
import tomllib
from pathlib import Path

import qanat_api
from qanat_api import html

STATIC = Path(qanat_api.__file__).parent / "static"
NOTES = {"LICENSES.txt", "vendor.toml"}
OWN = {"form.js", "icon.svg", "map.js", "qanat.css", "qanat.js", "request.js"}


def vendored() -> list[dict[str, str]]:
    found: list[dict[str, str]] = tomllib.loads((STATIC / "vendor.toml").read_text())["file"]
    return found


def test_what_others_made_is_as_it_was_published() -> None:
    for entry in vendored():
        content = (STATIC / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], entry["file"]
        assert entry["package"]
        assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"])


def test_every_licence_is_here() -> None:
    licences = (STATIC / "LICENSES.txt").read_text("utf-8")
    for entry in vendored():
        assert f"{entry['package'].lstrip('@').replace('/', '-')}-{entry['version']}" in licences


def test_every_file_is_ours_or_named_and_served() -> None:
    names = {path.name for path in STATIC.iterdir()}
    assert names == OWN | NOTES | {entry["file"] for entry in vendored()}
    assert set(html.STATIC) == names - NOTES


def test_our_own_scripts_are_short_and_make_no_html_of_texts() -> None:
    scripts = [(STATIC / name).read_text("utf-8") for name in OWN if name.endswith(".js")]
    assert sum(script.count("\n") for script in scripts) <= 700
    for script in scripts:
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|//\w", script
        )
