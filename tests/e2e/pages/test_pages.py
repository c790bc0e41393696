"""The pages in a browser: used by the keyboard alone, without scripts too, and by everyone."""

import hashlib
import json
import tomllib
from base64 import b64encode
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

pytestmark = pytest.mark.qgis

SECONDS = 30
NARROW = 320
"""1280 pixels at 400 %."""

TOO_WIDE = """[...document.querySelectorAll('body *')].filter(e => !e.closest('.wide, pre') &&
  e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML.slice(0, 100))"""

LOOKS = 100


def too_wide(browser: Any) -> list[str]:
    """What is wider than a narrow window, which a busy browser does not lay out at once."""
    browser.wide(NARROW)
    for _ in range(LOOKS):
        width = browser.evaluate("[innerWidth, document.documentElement.scrollWidth]")
        if width[0] == NARROW and width[1] <= NARROW:
            return []
        browser.evaluate("new Promise(done => setTimeout(done, 50))")
    return [f"{width} pixels", *browser.evaluate(TOO_WIDE)]


LAYER = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": "<img src=x onerror=alert(1)>"},
            "geometry": {"type": "Point", "coordinates": [11, 44]},
        }
    ],
}


def submit(http: httpx2.Client, process: str, **inputs: Any) -> str:
    answer = http.post(
        f"/processes/{process}/execution",
        json={"inputs": inputs},
        headers={"Prefer": "respond-async"},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def ended(http: httpx2.Client, job: str, until: Callable[..., Any]) -> str:
    until(lambda: http.get(job).json()["status"] in ("successful", "failed"), SECONDS)
    return job


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_buffer_is_run_by_the_keyboard_alone(
    server: Any, browser: Any, data: Path, until: Callable[..., Any], scripts: bool
) -> None:
    browser.scripts(on=scripts)
    browser.goto(f"{server.url}/")
    browser.tab_to(lambda focused: focused["id"] == "q")
    browser.write("buffer native")
    browser.press_and_load()
    browser.tab_to(lambda focused: focused["href"].endswith("/processes/native:buffer"))
    browser.press_and_load()
    browser.tab_to(lambda focused: focused["name"] == "inputs/INPUT/file")
    browser.choose_file(data / "cities.geojson")
    browser.tab_to(lambda focused: focused["name"] == "inputs/DISTANCE")
    browser.write("1.5")
    browser.tab_to(lambda focused: focused["tag"] == "button" and focused["text"] == "Run")
    browser.press_and_load()
    assert "/jobs/" in browser.url
    until(lambda: "Successful" in browser.text, SECONDS)
    browser.tab_to(lambda focused: focused["text"] == "Show the results")
    browser.press_and_load()
    assert "Bamako" in browser.text
    assert "10 features: 10 MultiPolygon" in browser.text
    shown = "document.querySelectorAll('.map:not([hidden]) path').length"
    if scripts:
        until(lambda: browser.evaluate(shown) > 10, SECONDS)
    else:
        assert browser.evaluate(shown) == 0
    browser.check(urlsplit(server.url).netloc)
    if scripts:
        browser.goto(f"{server.url}/processes")
        last = "document.querySelector('.last a').textContent"
        assert browser.evaluate(last) == "Buffer", "what was run last leads the list"
        assert browser.violations() == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("process", ["native:hillshade", "gdal:hillshade"])
def test_a_hillshade_is_run_by_the_keyboard_alone_and_its_picture_is_seen(
    server: Any, browser: Any, data: Path, until: Callable[..., Any], scripts: bool, process: str
) -> None:
    browser.scripts(on=scripts)
    browser.goto(f"{server.url}/processes/{process}")
    browser.tab_to(lambda focused: focused["name"] == "inputs/INPUT/file")
    browser.choose_file(data / "dem.tif")
    browser.tab_to(lambda focused: focused["text"] == "Run")
    browser.press_and_load()
    until(lambda: "Successful" in browser.text, SECONDS)
    pictured = (
        "(() => { const e = document.querySelector('img.picture');"
        " return e && e.complete ? [e.naturalWidth, e.naturalHeight, e.alt, e.width > 0] : null; })()"
    )
    until(lambda: browser.evaluate(pictured), SECONDS)
    width, height, alt, visible = browser.evaluate(pictured)
    assert (width, height, visible) == (120, 120, True)
    assert alt.startswith("Picture of ")
    browser.tab_to(lambda focused: focused["text"] == "Show the results")
    browser.press_and_load()
    until(lambda: (browser.evaluate(pictured) or [0])[0] == 120)
    browser.check(urlsplit(server.url).netloc)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_result_is_the_input_of_the_next_process_by_the_keyboard_alone(
    server: Any, browser: Any, http: httpx2.Client, until: Callable[..., Any], scripts: bool
) -> None:
    made = ended(http, submit(http, "native:centroids", INPUT={"value": LAYER}), until)
    browser.scripts(on=scripts)
    browser.goto(f"{server.url}/processes/native:dissolve")
    browser.tab_to(lambda focused: focused["name"] == "inputs/INPUT/result")
    browser.press("ArrowDown")
    chosen = browser.evaluate("document.activeElement.value")
    assert chosen == f"{made}/results/OUTPUT", "the newest is the first"
    if scripts:
        until(lambda: "Fields: name" in browser.text, SECONDS)
        assert browser.violations() == []
    browser.tab_to(lambda focused: focused["text"] == "Run")
    browser.press_and_load()
    until(lambda: "Successful" in browser.text, SECONDS)
    browser.goto(f"{server.url}/processes/native:dissolve")
    assert "Run before" in browser.text
    browser.tab_to(lambda focused: focused["text"] == "Again")
    browser.press_and_load()
    url = "document.querySelector('[name=\"inputs/INPUT/url\"]').value"
    assert browser.evaluate(url) == chosen
    browser.check(urlsplit(server.url).netloc)


CODE = """(() => { const e = [...document.querySelectorAll('.snippet')].filter(p => p.checkVisibility());
  return e.map(p => [p.dataset.name, p.querySelector('code').textContent]); })()"""


def test_the_request_as_code_is_in_tabs_that_follow_the_form(
    server: Any, browser: Any, data: Path, until: Callable[..., Any]
) -> None:
    browser.goto(f"{server.url}/processes/native:buffer")
    browser.evaluate("localStorage.clear()")
    browser.goto(f"{server.url}/processes/native:buffer")
    browser.tab_to(lambda focused: focused["name"] == "inputs/INPUT/file")
    browser.choose_file(data / "cities.geojson")
    browser.tab_to(lambda focused: focused["name"] == "inputs/DISTANCE")
    browser.write("12.25")
    until(lambda: "12.25" in browser.evaluate(CODE)[0][1], SECONDS)
    ((name, code),) = browser.evaluate(CODE)
    assert name == "curl"
    assert "base64 < cities.geojson" in code, "the file is known by its name, and not sent"
    browser.tab_to(lambda focused: focused["role"] == "tab")
    for key, expected in [
        ("ArrowRight", "python"),
        ("ArrowRight", "r"),
        ("End", "json"),
        ("ArrowRight", "curl"),
        ("ArrowLeft", "json"),
        ("Home", "curl"),
        ("ArrowRight", "python"),
    ]:
        browser.press(key)
        ((name, code),) = browser.evaluate(CODE)
        assert name == expected
        assert browser.evaluate("document.activeElement.getAttribute('aria-selected')") == "true"
    assert "'DISTANCE': 12.25" in code
    browser.press("Tab")
    assert browser.evaluate("document.activeElement.tagName") == "PRE", "one stop for all tabs"
    browser.tab_to(lambda focused: focused["text"] == "Copy")
    browser.press("Enter")
    until(lambda: "Copied" in browser.text or "selected" in browser.text)
    browser.goto(f"{server.url}/processes/native:centroids")
    assert browser.evaluate(CODE)[0][0] == "python", "who reads Python is shown Python again"
    browser.check(urlsplit(server.url).netloc)


def test_without_scripts_the_request_is_shown_as_sections(server: Any, browser: Any) -> None:
    browser.scripts(on=False)
    browser.goto(f"{server.url}/processes/native:buffer")
    assert [name for name, _ in browser.evaluate(CODE)] == [
        "curl",
        "python",
        "r",
        "qgis_process",
        "json",
    ]
    browser.tab_to(lambda focused: focused["name"] == "inputs/DISTANCE")
    browser.write("12.25")
    browser.tab_to(lambda focused: focused["text"] == "Show what I filled in")
    browser.press_and_load()
    assert all("12.25" in code for _, code in browser.evaluate(CODE))
    assert browser.evaluate("document.querySelector('[name=\"inputs/DISTANCE\"]').value") == "12.25"


def test_a_form_is_checked_in_place_and_knows_the_fields_of_its_layer(
    server: Any, browser: Any, data: Path, until: Callable[..., Any]
) -> None:
    browser.goto(f"{server.url}/processes/native:dissolve")
    browser.tab_to(lambda focused: focused["text"] == "Check only")
    browser.press("Enter")
    until(lambda: "Input layer required: this input is required" in browser.text)
    browser.evaluate("document.querySelector('input[type=file]').focus()")
    browser.choose_file(data / "cities.geojson")
    until(lambda: "Fields: name, people" in browser.text, SECONDS)
    browser.tab_to(lambda focused: focused["text"] == "Check only")
    browser.press("Enter")
    until(lambda: "All of it can be run." in browser.text)
    assert browser.evaluate("document.querySelector('input[type=file]').files.length") == 1
    browser.check(urlsplit(server.url).netloc)


def test_a_box_is_chosen_on_a_map_by_the_keyboard(
    server: Any, browser: Any, until: Callable[..., Any]
) -> None:
    browser.goto(f"{server.url}/processes/native:extractbyextent")
    browser.tab_to(lambda focused: focused["text"] == "Choose on a map")
    browser.press("Enter")
    zoomed = "document.querySelector('.map.choose .leaflet-control-zoom-in') !== null"
    until(lambda: browser.evaluate(zoomed), SECONDS)
    browser.tab_to(lambda focused: focused["text"] == "Take what the map shows")
    browser.press("Enter")
    names = ["west", "south", "east", "north"]
    value = "Number(document.querySelector('[name=\"inputs/EXTENT/%s\"]').value)"
    west, south, east, north = (browser.evaluate(value % name) for name in names)
    assert -180 <= west < east <= 180
    assert -90 <= south < north <= 90
    until(lambda: "bbox" in browser.evaluate(CODE)[0][1], SECONDS)
    assert browser.violations() == []
    browser.check(urlsplit(server.url).netloc)


def drawn(browser: Any) -> Any:
    text = browser.evaluate("document.querySelector('[name=\"inputs/INPUT/text\"]').value")
    return json.loads(text)["features"] if text else []


def set_corners(browser: Any, kind: str, places: Sequence[tuple[int, int]]) -> None:
    """Click on the map; places in pixels from its middle."""
    browser.evaluate(
        "(() => { const s = document.querySelector('details[open] select');"
        f" s.value = '{kind}'; s.dispatchEvent(new Event('change')); }})()"
    )
    x, y = browser.evaluate(
        "(() => { const b = document.querySelector('.map.choose');"
        " b.scrollIntoView({block: 'center'}); const r = b.getBoundingClientRect();"
        " return [r.left + r.width / 2, r.top + r.height / 2]; })()"
    )
    for dx, dy in places:
        browser.click(x + dx, y + dy)


@pytest.fixture
def board(server: Any, browser: Any, until: Callable[..., Any]) -> None:
    """A form whose map to draw on was opened by the keyboard."""
    browser.goto(f"{server.url}/processes/native:centroids")
    browser.tab_to(lambda focused: focused["text"] == "Or draw on a map")
    browser.press("Enter")
    until(lambda: browser.evaluate("!!document.querySelector('.map .leaflet-control-zoom-in')"), 20)


def test_points_are_drawn_by_the_keyboard(server: Any, browser: Any, board: None) -> None:
    browser.tab_to(lambda focused: focused["text"] == "Set a point in the middle")
    browser.press("Enter")
    (point,) = drawn(browser)
    assert point["geometry"] == {"type": "Point", "coordinates": [0, 20]}
    browser.press("Enter")
    assert "2 drawn" in browser.text
    browser.tab_to(lambda focused: focused["text"] == "Take the last one back")
    browser.press("Enter")
    browser.press("Enter")
    assert drawn(browser) == []
    browser.check(urlsplit(server.url).netloc)


def test_a_polygon_is_drawn_by_clicks_and_is_an_input(
    server: Any, browser: Any, board: None, until: Callable[..., Any]
) -> None:
    set_corners(browser, "Polygon", ((-60, 30), (-60, -30), (60, -30), (60, 30)))
    assert "4 corners" in browser.text
    assert browser.violations() == []
    browser.tab_to(lambda focused: focused["text"] == "Finish this shape")
    browser.press("Enter")
    (shape,) = drawn(browser)
    (ring,) = shape["geometry"]["coordinates"]
    assert ring[0] == ring[-1]
    pairs = list(pairwise(ring))
    assert sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs) > 0, "it turns left"
    until(lambda: "Polygon" in browser.evaluate(CODE)[0][1], SECONDS)
    assert too_wide(browser) == []
    browser.tab_to(lambda focused: focused["text"] == "Run")
    browser.press_and_load()
    until(lambda: "Successful" in browser.text, SECONDS)
    browser.check(urlsplit(server.url).netloc)


def test_a_line_that_was_not_finished_is_sent_as_well(
    server: Any, browser: Any, board: None, until: Callable[..., Any]
) -> None:
    set_corners(browser, "LineString", ((-60, 0), (60, 0)))
    assert drawn(browser) == []
    browser.tab_to(lambda focused: focused["text"] == "Run")
    browser.press_and_load()
    until(lambda: "Successful" in browser.text, SECONDS)


def test_a_reference_system_is_found_by_words_of_its_name(
    server: Any, browser: Any, until: Callable[..., Any]
) -> None:
    browser.goto(f"{server.url}/processes/native:reprojectlayer")
    browser.tab_to(lambda focused: focused["name"] == "inputs/TARGET_CRS")
    browser.write("utm 32n etrs89")
    options = "[...document.querySelectorAll('.found:not([hidden]) [role=option]')].map(e => e.textContent)"
    until(lambda: browser.evaluate(options), SECONDS)
    assert browser.evaluate(options)[0] == "EPSG:25832 ETRS89 / UTM zone 32N"
    browser.press("ArrowDown")
    assert browser.violations() == []
    browser.press("Enter")
    value = "document.querySelector('[name=\"inputs/TARGET_CRS\"]').value"
    assert browser.evaluate(value) == "EPSG:25832"
    assert browser.evaluate(options) == []
    assert "/processes/" in browser.url, "the form was not sent"
    until(lambda: "EPSG:25832" in browser.evaluate(CODE)[0][1], SECONDS)
    browser.write("31370")
    until(lambda: browser.evaluate(options), SECONDS)
    assert "Lambert 72" in browser.evaluate(options)[0]
    browser.press("Escape")
    assert browser.evaluate(value) == "31370", "what was written stays"
    browser.check(urlsplit(server.url).netloc)


def test_what_is_wrong_gets_the_focus_and_is_mended(
    server: Any, browser: Any, until: Callable[..., Any]
) -> None:
    browser.goto(f"{server.url}/processes/qanat:echo")
    browser.tab_to(lambda focused: focused["text"] == "Run")
    browser.press_and_load()
    assert browser.evaluate("document.activeElement.id") == "errors"
    browser.tab_to(lambda focused: "#input-" in focused["href"])
    browser.press("Enter")
    until(lambda: browser.evaluate("document.activeElement.name") == "inputs/stringInput")
    browser.write("mended")
    browser.press_and_load()
    assert "/jobs/" in browser.url


def test_a_list_is_filtered_while_one_types(server: Any, browser: Any) -> None:
    browser.goto(f"{server.url}/processes")
    visible = "[...document.querySelectorAll('#list li')].filter(e => e.checkVisibility()).length"
    every = browser.evaluate(visible)
    browser.tab_to(lambda focused: focused["id"] == "q")
    typed = (
        "(() => { const t = performance.now(); const q = document.getElementById('q');"
        " q.value = '%s'; q.dispatchEvent(new Event('input')); return performance.now() - t; })()"
    )
    took = [browser.evaluate(typed % text) for text in ("b", "bu", "buf", "buff", "buffer")]
    assert min(took) < 50, "the machine may be busy, but not each time"
    assert 0 < browser.evaluate(visible) < every
    assert f"of {every} processes" in browser.text
    browser.evaluate("q.value = ''; q.dispatchEvent(new Event('input'))")
    assert browser.evaluate(visible) == every


def test_a_job_is_followed_without_loading_its_page_again(
    server: Any, browser: Any, http: httpx2.Client, until: Callable[..., Any]
) -> None:
    job = submit(http, "qanat:echo", stringInput="a", pause=4)
    browser.goto(job)
    browser.evaluate("window.same = true; undefined")
    until(lambda: "Running" in browser.text, SECONDS)
    until(lambda: "Successful" in browser.text, SECONDS)
    assert browser.evaluate("window.same")
    assert browser.evaluate("document.title").startswith("Successful")
    assert browser.evaluate("document.getElementById('said').textContent") == "Successful"
    browser.check(urlsplit(server.url).netloc)


def test_a_job_is_cancelled_by_its_button(
    browser: Any, http: httpx2.Client, until: Callable[..., Any]
) -> None:
    job = submit(http, "qanat:echo", stringInput="a", pause=50)
    browser.goto(job)
    browser.tab_to(lambda focused: focused["text"] == "Cancel the job")
    browser.press_and_load()
    assert "Dismissed" in browser.text
    assert http.get(job).json()["status"] == "dismissed"


def test_hostile_data_is_shown_and_never_run(
    server: Any, browser: Any, http: httpx2.Client, until: Callable[..., Any]
) -> None:
    job = ended(http, submit(http, "native:centroids", INPUT={"value": LAYER}), until)
    browser.goto(f"{job}/results")
    marks = "document.querySelectorAll('.map path.leaflet-interactive')"
    until(lambda: browser.evaluate(f"{marks}.length") > 0, SECONDS)
    browser.evaluate(f"{marks}[0].dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")
    until(lambda: "onerror" in browser.evaluate("document.querySelector('.map').innerText"))
    assert browser.evaluate("document.querySelectorAll('img[src=x]').length") == 0
    browser.check(urlsplit(server.url).netloc)


@pytest.mark.timeout(300)
def test_axe_finds_nothing_and_nothing_is_cut_off_at_400_percent(
    server: Any, browser: Any, http: httpx2.Client, data: Path, until: Callable[..., Any]
) -> None:
    done = ended(http, submit(http, "native:centroids", INPUT={"value": LAYER}), until)
    failed = ended(
        http, submit(http, "native:buffer", INPUT={"href": "http://127.0.0.1:9/a.gpkg"}), until
    )
    running = submit(http, "qanat:echo", stringInput="a", pause=60)
    dem = b64encode((data / "dem.tif").read_bytes()).decode()
    raster = {"value": dem, "encoding": "base64", "mediaType": "image/tiff; application=geotiff"}
    pictured = ended(http, submit(http, "native:hillshade", INPUT=raster), until)
    base = server.url
    wrong: dict[str, list[str]] = {}
    for url in (
        f"{base}/",
        f"{base}/conformance",
        f"{base}/api",
        f"{base}/processes",
        f"{base}/processes?q=buffer",
        f"{base}/processes/native:buffer",
        f"{base}/processes/gdal:warpreproject",
        f"{base}/processes/native:extractbylocation",
        f"{base}/jobs?status=failed&status=successful&status=running",
        running,
        failed,
        done,
        f"{done}/log",
        f"{done}/results",
        f"{done}/inputs",
        pictured,
        f"{pictured}/results",
        f"{base}/processes/native:centroids?again={done.rpartition('/')[2]}",
        f"{base}/processes/native:reclassifybytable",
        f"{base}/services",
        f"{base}/projects",
        f"{base}/nothing",
    ):
        for scheme in ("light", "dark"):
            browser.scheme(scheme)
            browser.wide(1280)
            browser.goto(f"{url}{'&' if '?' in url else '?'}f=html")
            wrong[f"{url} {scheme}"] = browser.violations()
        wrong[f"{url} narrow"] = too_wide(browser)
    http.delete(running)
    assert not {name: found for name, found in wrong.items() if found}


@pytest.mark.parametrize(("language", "run"), [("de", "Ausführen"), ("fr", "Lancer")])
def test_axe_finds_nothing_in_other_languages_either(
    server: Any,
    browser: Any,
    http: httpx2.Client,
    until: Callable[..., Any],
    language: str,
    run: str,
) -> None:
    done = ended(http, submit(http, "native:centroids", INPUT={"value": LAYER}), until)
    browser.speak(language)
    paths = ("/", "/processes/native:extractbyextent", "/jobs")
    for url in (*(f"{server.url}{path}" for path in paths), done):
        browser.goto(url)
        assert browser.evaluate("document.documentElement.lang") == language
        assert browser.violations() == [], url
        assert too_wide(browser) == [], url
        browser.wide(1280)
        if "extract" in url:
            assert run in browser.text


def test_a_form_with_what_is_wrong_is_for_everyone_too(server: Any, browser: Any) -> None:
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        browser.goto(f"{server.url}/processes/native:buffer")
        browser.tab_to(lambda focused: focused["text"] == "Run")
        browser.press_and_load()
        assert "required" in browser.text
        assert browser.violations() == []


def test_what_is_vendored_for_tests_is_as_it_was_published(assets: Path) -> None:
    for entry in tomllib.loads((assets / "vendor.toml").read_text("utf-8"))["file"]:
        content = (assets / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
