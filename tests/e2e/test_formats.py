"""Layers in and out through HTTP: every way to give one, and every format to ask for."""

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import httpx2
import pytest

pytestmark = [pytest.mark.qgis, pytest.mark.timeout(180)]

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"
GEOJSON, CSV, ZIP = "application/geo+json", "text/csv", "application/zip"
GEOPACKAGE, FLATGEOBUF = "application/geopackage+sqlite3", "application/flatgeobuf"
GML, KML = "application/gml+xml; version=3.2", "application/vnd.google-earth.kml+xml"
TABLE = "name,lon,lat\nQuito,-78.4678,-0.1807\n"
PLACEMARK = (
    '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>Quito</name>'
    "<Point><coordinates>-78.4678,-0.1807</coordinates></Point></Placemark></Document></kml>"
)
POINT = {"type": "Point", "coordinates": [-78.4678, -0.1807]}
FEATURE = {"type": "Feature", "properties": {}, "geometry": POINT}


def execute(
    http: httpx2.Client, process: str, inputs: Any, media_type: str | None = None
) -> httpx2.Response:
    body: dict[str, Any] = {"inputs": inputs, "outputs": {"OUTPUT": {}}}
    if media_type:
        body["outputs"]["OUTPUT"] = {"format": {"mediaType": media_type}}
    answer = http.post(f"/processes/{process}/execution", json=body)
    assert answer.status_code == 200, answer.text
    return answer


def encoded(content: bytes, media_type: str) -> dict[str, str]:
    value = base64.b64encode(content).decode()
    return {"value": value, "encoding": "base64", "mediaType": media_type}


@pytest.mark.parametrize(
    "given",
    [
        POINT,
        FEATURE,
        {"value": {"type": "FeatureCollection", "features": [FEATURE]}},
        {"value": json.dumps(FEATURE), "mediaType": GEOJSON},
        {"value": FEATURE, "mediaType": "application/vnd.geo+json"},
        encoded(json.dumps(FEATURE).encode(), GEOJSON),
        {"value": TABLE, "mediaType": CSV},
        encoded(TABLE.encode(), CSV),
        {"value": PLACEMARK, "mediaType": KML},
        {"value": PLACEMARK, "format": {"mediaType": KML}},
    ],
    ids=lambda given: json.dumps(given)[:60],
)
def test_a_layer_may_be_given_in_many_ways(http: httpx2.Client, given: Any) -> None:
    (feature,) = execute(http, "native:centroids", {"INPUT": given}).json()["features"]
    assert feature["geometry"] == POINT


@pytest.mark.parametrize(
    ("media_type", "crs", "beginning"),
    [
        (GEOJSON, CRS84, b'{"type":"FeatureCollection"'),
        (GEOPACKAGE, MERCATOR, b"SQLite format 3\0"),
        (FLATGEOBUF, MERCATOR, b"fgb"),
        (GML, MERCATOR, b"<?xml"),
        (CSV, MERCATOR, b"WKT,name,people"),
        (ZIP, MERCATOR, b"PK\3\4"),
    ],
)
def test_a_layer_comes_as_it_is_asked_for_and_is_taken_again(
    http: httpx2.Client, data: Path, media_type: str, crs: str, beginning: bytes
) -> None:
    cities = json.loads((data / "cities.geojson").read_text("utf-8"))
    inputs = {"INPUT": {"value": cities}, "TARGET_CRS": "EPSG:3857"}
    made = execute(http, "native:reprojectlayer", inputs, media_type)
    assert made.headers["Content-Type"].partition(";")[0] == media_type.partition(";")[0]
    assert made.headers["Content-Crs"] == f"<{crs}>"
    assert made.content.startswith(beginning)
    again = execute(http, "native:centroids", {"INPUT": encoded(made.content, media_type)}).json()
    found = {each["properties"]["name"]: each["geometry"] for each in again["features"]}
    assert len(found) == 10
    if media_type != CSV:  # it has no place for its CRS
        assert found["Quito"]["coordinates"] == pytest.approx(POINT["coordinates"], abs=1e-6)


@pytest.mark.parametrize(
    ("media_type", "beginning"),
    [
        ("image/tiff; application=geotiff", b"II*\0"),
        ("image/tiff; application=geotiff; profile=cloud-optimized", b"II*\0"),
        ("image/png", b"\x89PNG"),
    ],
)
def test_a_raster_comes_as_it_is_asked_for(
    http: httpx2.Client, data: Path, media_type: str, beginning: bytes
) -> None:
    given = encoded((data / "dem.tif").read_bytes(), "image/tiff")
    made = execute(http, "native:slope", {"INPUT": given}, media_type)
    assert made.headers["Content-Type"] == media_type
    assert made.headers["Content-Crs"] == "<http://www.opengis.net/def/crs/EPSG/0/32632>"
    assert made.content.startswith(beginning)


def test_an_option_may_be_given_by_its_number(http: httpx2.Client) -> None:
    shapes = [
        execute(http, "native:buffer", {"INPUT": POINT, "END_CAP_STYLE": given}).json()
        for given in ("Square", 2)
    ]
    assert shapes[0] == shapes[1]


def test_a_folder_comes_as_a_zip(http: httpx2.Client, data: Path) -> None:
    cities = json.loads((data / "cities.geojson").read_text("utf-8"))
    inputs = {"INPUT": {"value": cities}, "FIELD": "name"}
    made = execute(http, "native:splitvectorlayer", inputs)
    with zipfile.ZipFile(io.BytesIO(made.content)) as opened:
        assert len(opened.namelist()) == 10


@pytest.mark.parametrize(
    ("process", "inputs", "pointer", "words"),
    [
        ("native:buffer", {"DISTANCE": "5"}, "DISTANCE", 'not of type "number"'),
        ("native:buffer", {"SEGMENTS": 0}, "SEGMENTS", "minimum of 1"),
        ("native:buffer", {"END_CAP_STYLE": "Octagon"}, "END_CAP_STYLE", '"Round", "Flat", "Squa'),
        ("native:buffer", {"DISSOLVE": 0}, "DISSOLVE", 'not of type "boolean"'),
        ("native:buffer", {"INPUT": TABLE}, "INPUT", "needs mediaType"),
        ("native:reprojectlayer", {"TARGET_CRS": "EPSG:1"}, "TARGET_CRS", "AUTHORITY:CODE"),
        ("native:extractbyextent", {"EXTENT": {"bbox": [2, 0, 1, 1]}}, "EXTENT", "wrong order"),
        ("native:extractbyexpression", {"EXPRESSION": "1 +"}, "EXPRESSION", "is no expression"),
        ("native:dissolve", {"FIELD": ["nom"]}, "FIELD", "names no field of INPUT: nom"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_the_reason(
    http: httpx2.Client, process: str, inputs: Any, pointer: str, words: str
) -> None:
    body = {"inputs": {"INPUT": POINT, **inputs}}
    answer = http.post(f"/processes/{process}/execution", json=body)
    assert answer.status_code == 400, answer.text
    problem = answer.json()
    assert words in problem["detail"]
    assert problem["errors"][0]["pointer"] == f"/inputs/{pointer}"
