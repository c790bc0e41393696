"""The files that pages need: others' are as they were published, and say nothing to other hosts."""

import hashlib
import re
import tomllib
from pathlib import Path

import qanat_api
from qanat_api import html

STATIC = Path(qanat_api.__file__).parent / "static"
NOTES = {"LICENSES.txt", "vendor.toml"}
OWN = {"crs.js", "draw.js", "form.js", "icon.svg", "map.js", "qanat.css", "qanat.js", "request.js"}


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


def test_reference_systems_are_a_code_and_a_name_each() -> None:
    lines = (STATIC / "crs.txt").read_text("utf-8").splitlines()
    assert all(re.fullmatch(r"\d+ \S.*\S", line) for line in lines)
    codes = [int(line.partition(" ")[0]) for line in lines]
    assert codes == sorted(set(codes))
    assert "25832 ETRS89 / UTM zone 32N" in lines
    assert len(html.file("crs.txt").content) < 50_000, "as it is sent"


def test_our_own_scripts_are_short_and_make_no_html_of_texts() -> None:
    scripts = [(STATIC / name).read_text("utf-8") for name in OWN if name.endswith(".js")]
    assert sum(script.count("\n") for script in scripts) <= 1050
    for script in scripts:
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|//\w", script
        )
