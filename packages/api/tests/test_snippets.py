"""The request of a form as code: of the defaults when the page is asked for, then in step with it."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from qanat_api import natively
from qanat_common.ogc import GEOJSON, InputDescription, JsonSchema, Metadata

BASE = "http://qanat.test"
LANGUAGES = ["curl", "python", "r", "qgis_process", "json"]
GEOPACKAGE = "application/geopackage+sqlite3"
Part = tuple[str, tuple[str | None, bytes]]


def form(**texts: str | list[str]) -> list[Part]:
    return [
        (name.replace("__", "/"), (each if name.endswith("__file") else None, each.encode()))
        for name, given in texts.items()
        for each in (given if isinstance(given, list) else [given])
    ]


def code(api: Any, name: str, **texts: str | list[str]) -> dict[str, str]:
    answer = api.http.post(f"/processes/{name}/form/request", files=form(**texts) or form(x=""))
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


def described(schema: JsonSchema, kind: str, **more: Any) -> InputDescription:
    about = [Metadata(role="type", title=kind)]
    return InputDescription(title="X", schema=schema, metadata=about, **more)


@pytest.fixture
def one(api: Any, make_snapshot: Any, buffer: Any) -> Callable[[InputDescription], None]:
    """Offers native:one, a process with one input X."""

    def offer(about: InputDescription) -> None:
        process = buffer.model_copy(update={"id": "native:one", "inputs": {"X": about}})
        api.catalogue.snapshot = make_snapshot(q322=(process,))

    return offer


def local(api: Any, **texts: str | list[str]) -> list[str]:
    """The words that QGIS gets of an input X, as they are quoted."""
    found = code(api, "native:one", **texts)["qgis_process"]
    return [line.strip(" \\") for line in found.splitlines() if line.lstrip().startswith("X=")]


def test_a_page_shows_the_request_of_its_defaults_in_each_language(
    page: Callable[..., Any],
) -> None:
    shown = page("/processes/native:buffer")
    sections = [e for e in shown.find("section") if e.attributes.get("class") == "snippet"]
    assert [e.attributes["data-name"] for e in sections] == LANGUAGES
    assert all("hidden" not in section.attributes for section in sections)
    curl, *_, body = sections
    assert f"curl -X POST {BASE}/processes/native:buffer/execution" in curl.text
    assert '"DISTANCE": 10' in body.text
    assert "base64 < INPUT.geojson" in curl.text, "a layer that must be there has a placeholder"


def test_every_language_has_a_heading_and_its_code_can_be_reached(page: Callable[..., Any]) -> None:
    shown = page("/processes/native:buffer")
    ids = {e.attributes["id"] for e in shown.elements if "id" in e.attributes}
    codes = [e for e in shown.find("pre") if "aria-labelledby" in e.attributes]
    assert len(codes) == len(LANGUAGES)
    assert all(e.attributes["tabindex"] == "0" for e in codes)
    assert {e.attributes["aria-labelledby"] for e in codes} <= ids


def test_the_code_is_that_of_the_form(api: Any) -> None:
    found = code(
        api,
        "native:buffer",
        inputs__INPUT__file="a b.gpkg",
        inputs__DISTANCE="2.5",
        inputs__STYLE='"Flat"',
        outputs__OUTPUT__format=GEOPACKAGE,
    )
    asked = json.loads(found["json"])
    assert asked["inputs"] == {
        "INPUT": {"value": "<base64 of a b.gpkg>", "encoding": "base64", "mediaType": GEOPACKAGE},
        "DISTANCE": 2.5,
        "STYLE": "Flat",
    }
    assert asked["outputs"]["OUTPUT"]["format"] == {"mediaType": GEOPACKAGE}
    assert "base64 < 'a b.gpkg' | tr -d '\\n'" in found["curl"]
    assert "base64_of('a b.gpkg')" in found["python"]
    assert 'base64_of("a b.gpkg")' in found["r"]
    assert "INPUT='a b.gpkg' \\\n" in found["qgis_process"]
    assert found["qgis_process"].endswith("OUTPUT=OUTPUT.gpkg")
    assert f'Processes("{BASE}/")'.replace('"', "'") in found["python"]
    assert not any("Authorization" in each or "QANAT_TOKEN" in each for each in found.values())


def test_what_is_missing_or_cannot_be_read_has_a_placeholder(api: Any) -> None:
    found = json.loads(code(api, "test:echo", inputs__numbers="a")["json"])
    assert found["inputs"] == {"text": "<text>", "numbers": "<numbers>"}


def test_without_scripts_the_page_comes_back_with_the_code_of_what_was_filled_in(
    api: Any, read_page: Callable[..., Any]
) -> None:
    answer = api.http.post(
        "/processes/test:echo/form/request",
        files=form(inputs__text="</code><script>alert(1)</script>"),
        headers={"Accept": "text/html", "Sec-Fetch-Site": "same-origin"},
    )
    shown = read_page(answer)
    assert shown.status == 200
    assert "<script>alert" not in shown.source
    assert '"text": "</code><script>alert(1)</script>"' in shown.text
    (text,) = shown.find("input", name="inputs/text")
    assert text.attributes["value"] == "</code><script>alert(1)</script>"
    asks = f"{BASE}/processes/test:echo/form/request#request"
    (button,) = shown.find("button", formaction=asks)
    assert button.attributes["form"] == "run"
    assert not api.worker.sent, "showing runs nothing"


def test_no_other_site_asks_for_code_and_no_other_process_has_any(api: Any) -> None:
    path = "/processes/test:echo/form/request"
    other = api.http.post(path, files=form(x=""), headers={"Sec-Fetch-Site": "cross-site"})
    assert other.status_code == 403
    assert api.http.post("/processes/none/form/request", files=form(x="")).status_code == 404
    loaded = api.http.get(path, follow_redirects=False)
    assert (loaded.status_code, loaded.headers["Location"]) == (
        303,
        f"{BASE}/processes/test:echo",
    )


def test_a_token_is_asked_for_where_one_is_needed_and_is_never_shown(
    make_api: Callable[..., Any],
) -> None:
    secret = "k" * 40
    key = {"name": "alice", "sha256": hashlib.sha256(secret.encode()).hexdigest()}
    secured = make_api(access={"keys": [key]})
    answer = secured.http.post(
        "/processes/test:echo/form/request",
        files=form(inputs__text="a"),
        headers={"Authorization": f"Bearer {secret}"},
    )
    found = answer.json()
    assert '-H "Authorization: Bearer $QANAT_TOKEN"' in found["curl"]
    assert "os.environ['QANAT_TOKEN']" in found["python"]
    assert 'req_auth_bearer_token(Sys.getenv("QANAT_TOKEN"))' in found["r"]
    assert secret not in answer.text


@pytest.mark.parametrize(
    ("schema", "kind", "given", "words"),
    [
        ({"type": "string"}, "string", {"": "it's $x"}, ["X='it'\"'\"'s $x'"]),
        ({"type": "boolean"}, "boolean", {"": ["false", "true"]}, ["X=true"]),
        ({"type": "number"}, "number", {"": "2.50"}, ["X=2.5"]),
        ({"type": "string", "enum": ["a", "b"]}, "enum", {"": '"b"'}, ["X=1"]),
        (
            {"type": "array", "items": {"type": "string", "enum": ["a", "b", "c"]}},
            "enum",
            {"": ['"a"', '"c"']},
            ["X=0,2"],
        ),
        ({"type": "array", "items": {"type": "string"}}, "field", {"": "a\nb c"}, ["X='a;b c'"]),
        (
            {"type": "array", "items": {"type": "string"}},
            "field",
            {"": "a;b\nc"},
            ["X='a;b'", "X=c"],
        ),
        (
            {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            "range",
            {"__from": "1", "__to": "2.5"},
            ["X=1,2.5"],
        ),
        (
            {"allOf": [{"format": "ogc-bbox"}, {"type": "object"}]},
            "extent",
            {"__west": "1", "__south": "2", "__east": "3", "__north": "4"},
            ["X='1,3,2,4 [EPSG:4326]'"],
        ),
        (
            {"allOf": [{"format": "ogc-bbox"}, {"type": "object"}]},
            "extent",
            {"__west": "1", "__south": "2", "__east": "3", "__north": "4", "__crs": "EPSG:25832"},
            ["X='1,3,2,4 [EPSG:25832]'"],
        ),
        *(
            (
                {"allOf": [{"format": "ogc-bbox"}, {"type": "object"}]},
                "extent",
                {"__west": "1", "__south": "2", "__east": "3", "__north": "4", "__crs": name},
                [f"X='1,3,2,4 [EPSG:{code}]'"],
            )
            for name, code in (
                ("http://www.opengis.net/def/crs/EPSG/0/4326", 4326),
                ("urn:ogc:def:crs:EPSG::3035", 3035),
                ("http://www.opengis.net/def/crs/EPSG/0/25832", 25832),
            )
        ),
        (
            {"oneOf": [{"type": "object", "format": "geojson-geometry"}, {"type": "string"}]},
            "geometry",
            {"": '{"type": "Point", "coordinates": [1, 2.5]}'},
            ["X='POINT (1 2.5)'"],
        ),
    ],
)
def test_qgis_gets_its_own_values(
    api: Any,
    one: Callable[[InputDescription], None],
    schema: JsonSchema,
    kind: str,
    given: dict[str, Any],
    words: list[str],
) -> None:
    one(described(schema, kind))
    assert local(api, **{f"inputs__X{part}": value for part, value in given.items()}) == words


LAYER: JsonSchema = {"type": "object", "contentMediaType": GEOJSON}


def test_qgis_reads_an_address_itself_and_what_was_pasted_is_written_first(
    api: Any, one: Callable[[InputDescription], None]
) -> None:
    one(described(LAYER, "source"))
    assert local(api, inputs__X__url="https://a.test/b.geojson?c=d&e") == [
        "X='/vsicurl/https://a.test/b.geojson?c=d&e'"
    ]
    pasted = code(api, "native:one", inputs__X__text='{"type": "it\'s"}')["qgis_process"]
    assert pasted.startswith('printf %s \'{"type": "it\'"\'"\'s"}\' > X.geojson\n')
    assert "X=X.geojson" in pasted


def test_several_layers_are_a_list(api: Any, one: Callable[[InputDescription], None]) -> None:
    one(described(LAYER, "multilayer", max_occurs=3))
    assert local(api, inputs__X__file=["a.gpkg", "b.gpkg"]) == ["X=a.gpkg", "X=b.gpkg"]


def test_values_that_no_text_says_are_json(
    api: Any, one: Callable[[InputDescription], None]
) -> None:
    one(described({"type": "array", "items": {"type": "object"}}, "aggregates"))
    found = code(api, "native:one", inputs__X='[{"input": "it\'s"}]')["qgis_process"]
    assert found.endswith("|\n  qgis_process run native:one -")
    assert re.search(r'"X": \[\{"input": "it\'"\'"\'s"\}\]', found)


def test_of_what_is_not_of_qgis_there_is_no_command_for_it(
    api: Any, make_snapshot: Callable[..., Any], echo: Any
) -> None:
    own = echo.model_copy(update={"id": "qanat:echo"})
    api.catalogue.snapshot = make_snapshot(q322=(own,))
    assert [*code(api, "qanat:echo")] == [name for name in LANGUAGES if name != "qgis_process"]


def test_a_process_of_a_service_is_one_of_qgis_without_it(api: Any) -> None:
    found = code(api, "native:buffer@q322")
    assert "/processes/native:buffer@q322/execution" in found["curl"]
    assert "qgis_process run native:buffer --" in found["qgis_process"]


@pytest.mark.parametrize(
    ("geometry", "text"),
    [
        ({"type": "Point", "coordinates": []}, "POINT EMPTY"),
        ({"type": "LineString", "coordinates": [[0, 0], [1, 2, 3]]}, "LINESTRING (0 0, 1 2 3)"),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
            "POLYGON ((0 0, 1 0, 1 1, 0 0))",
        ),
        ({"type": "MultiPoint", "coordinates": [[0, 0], [1, 1]]}, "MULTIPOINT (0 0, 1 1)"),
        (
            {
                "type": "GeometryCollection",
                "geometries": [{"type": "Point", "coordinates": [1, 2]}],
            },
            "GEOMETRYCOLLECTION (POINT (1 2))",
        ),
        ({"type": "GeometryCollection", "geometries": []}, "GEOMETRYCOLLECTION EMPTY"),
    ],
)
def test_geometries_become_wkt(geometry: dict[str, Any], text: str) -> None:
    assert natively.wkt(geometry) == text
