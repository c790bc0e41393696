"""The form of a process: every kind of field, and the execute request that it makes."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from qanat_common.errors import Unavailable
from qanat_common.ogc import GEOJSON, InputDescription, JsonSchema, Metadata
from qanat_common.protocol import Inline, Reference

BASE = "http://qanat.test"
LAYER = {"type": "FeatureCollection", "features": []}
GEOPACKAGE = "application/geopackage+sqlite3"
GML = "application/gml+xml; version=3.2"
Part = tuple[str, tuple[str | None, bytes]]


def form(**texts: str | list[str] | bytes | tuple[str, bytes]) -> list[Part]:
    """What a browser sends: a pair is a file, a list a control that occurs several times."""
    parts: list[Part] = []
    for name, given in texts.items():
        key = name.replace("__", "/")
        for each in given if isinstance(given, list) else [given]:
            value = each if isinstance(each, tuple) else (None, each)
            content = value[1].encode() if isinstance(value[1], str) else value[1]
            parts.append((key, (value[0], content)))
    return parts


def send(api: Any, name: str, parts: list[Part], **headers: str) -> Any:
    return api.http.post(
        f"/processes/{name}/form",
        files=parts,
        headers={"Accept": "text/html", "Sec-Fetch-Site": "same-origin", **headers},
        follow_redirects=False,
    )


def described(schema: JsonSchema, kind: str | None = None, **more: Any) -> InputDescription:
    about = [Metadata(role="type", title=kind)] if kind else None
    return InputDescription(title="X", schema=schema, metadata=about, **more)


@pytest.fixture
def one(api: Any, make_snapshot: Any, echo: Any) -> Callable[..., None]:
    """Offers test:one, a process with one input X."""

    def offer(about: InputDescription) -> None:
        process = echo.model_copy(update={"id": "test:one", "inputs": {"X": about}})
        api.catalogue.snapshot = make_snapshot(q322=(process,))

    return offer


def test_a_form_makes_the_same_job_as_an_execute_request(api: Any) -> None:
    answer = send(
        api,
        "native:buffer",
        form(
            inputs__INPUT__file=("cities.geojson", json.dumps(LAYER).encode()),
            inputs__DISTANCE="2.5",
            inputs__SEGMENTS="",
            inputs__DISSOLVE=["false", "true"],
            inputs__STYLE='"Flat"',
            outputs__OUTPUT__format=GML,
        ),
    )
    assert answer.status_code == 303, answer.text
    by_form = api.worker.sent[-1]
    assert answer.headers["Location"] == f"{BASE}/jobs/{by_form.job_id}"
    api.execute(
        "native:buffer",
        prefer="respond-async",
        response="document",
        inputs={
            "INPUT": {"value": LAYER, "mediaType": GEOJSON},
            "DISTANCE": 2.5,
            "DISSOLVE": True,
            "STYLE": "Flat",
        },
        outputs={"OUTPUT": {"format": {"mediaType": GML}, "transmissionMode": "reference"}},
    )
    by_request = api.worker.sent[-1]
    assert by_form.model_dump(exclude={"job_id", "created"}) == by_request.model_dump(
        exclude={"job_id", "created"}
    )


def test_what_is_left_empty_is_not_given(api: Any) -> None:
    answer = send(api, "test:echo", form(inputs__text="a", inputs__numbers="", inputs__rows=" "))
    assert answer.status_code == 303
    assert list(api.worker.sent[-1].inputs) == ["text"]


def test_every_input_has_a_control_with_a_label(page: Callable[..., Any]) -> None:
    for name in ("native:buffer", "test:echo"):
        shown = page(f"/processes/{name}")
        labelled = {label.attributes.get("for") for label in shown.find("label")}
        controls = [*shown.find("input"), *shown.find("select"), *shown.find("textarea")]
        sent = [c for c in controls if c.attributes.get("type") != "hidden"]
        for control in sent:
            within = any(
                control.attributes["name"] in label.text or "for" not in label.attributes
                for label in shown.find("label")
            )
            assert control.attributes.get("id") in labelled or within, control
        ids = [e.attributes["id"] for e in shown.elements if "id" in e.attributes]
        assert len(ids) == len(set(ids))
    (run,) = (f for f in shown.find("form") if f.attributes["method"] == "post")
    assert run.attributes["enctype"] == "multipart/form-data"
    assert run.attributes["action"] == f"{BASE}/processes/test:echo/form"


def test_defaults_are_filled_in_and_required_fields_come_first(page: Callable[..., Any]) -> None:
    shown = page("/processes/native:buffer")
    (distance,) = shown.find("input", name="inputs/DISTANCE")
    assert distance.attributes["value"] == "10"
    names = [e.attributes.get("name", "") for e in shown.elements]
    assert names.index("inputs/INPUT/file") < names.index("inputs/DISTANCE")


def test_advanced_inputs_are_folded_away_until_they_are_at_fault(
    api: Any, one: Callable[..., None], page: Callable[..., Any], read_page: Any
) -> None:
    number = described({"type": "number"}, min_occurs=0)
    notes = [Metadata(role="advanced", title="a"), Metadata(role="unit", title="kilometers")]
    one(number.model_copy(update={"metadata": notes}))
    shown = page("/processes/test:one")
    assert "Advanced (1)" in shown.text
    assert "kilometers" in shown.text
    assert not shown.find("details", open="")
    back = read_page(send(api, "test:one", form(inputs__X="x")))
    assert len(back.find("details", open="")) == 1


BOX = {"allOf": [{"format": "ogc-bbox"}, {"type": "object", "required": ["bbox"]}]}
POINT = {
    "oneOf": [
        {"type": "object", "format": "geojson-geometry", "contentMediaType": GEOJSON},
        {"type": "string"},
    ]
}
PAIR = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
ENUM = {"type": "string", "enum": ["a", "", "b"]}
WORDS = {"type": "array", "items": {"type": "string"}}
CHOICES = {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}


@pytest.mark.parametrize(
    ("about", "filled", "value"),
    [
        (described({"type": "string"}), {"inputs__X": " a b "}, " a b "),
        (described({"type": "string"}), {"inputs__X": "a\r\nb"}, "a\nb"),
        (described({"type": "string", "default": "x"}, min_occurs=0), {"inputs__X": ""}, ""),
        (described({"type": "string"}, min_occurs=0), {"inputs__X": ""}, None),
        (described({"type": "string"}, "crs"), {"inputs__X": "EPSG:4326"}, "EPSG:4326"),
        (described({"type": "string"}, "expression"), {"inputs__X": "1 +\n2"}, "1 +\n2"),
        (
            described({"type": "string", "format": "date"}),
            {"inputs__X": "2026-01-01"},
            "2026-01-01",
        ),
        (described({"type": "number"}), {"inputs__X": "0"}, 0),
        (described({"type": "number"}), {"inputs__X": " -2.5e3 "}, -2500.0),
        (described({"type": "integer"}), {"inputs__X": "12"}, 12),
        (described({"type": "boolean"}), {"inputs__X": ["false"]}, False),
        (described({"type": "boolean"}), {"inputs__X": ["false", "true"]}, True),
        (described({"type": "boolean"}, min_occurs=0), {"inputs__X": ""}, None),
        (described(ENUM), {"inputs__X": '""'}, ""),
        (described(ENUM), {"inputs__X": "b"}, "b"),
        (described(ENUM, min_occurs=0), {"inputs__X": ""}, None),
        (described({"type": "integer", "enum": [1, 2]}), {"inputs__X": "2"}, 2),
        (described(CHOICES), {"inputs__X": ['"b"', '"a"']}, ["b", "a"]),
        (described({**CHOICES, "default": ["a"]}, min_occurs=0), {"other": ""}, []),
        (described(CHOICES, min_occurs=0), {"other": ""}, None),
        (described(WORDS, "field"), {"inputs__X": "a, b\r\n\r\n c "}, ["a, b", "c"]),
        (
            described({"type": "array", "items": {"type": "integer"}}),
            {"inputs__X": "1, 2 3;4"},
            [1, 2, 3, 4],
        ),
        (described(PAIR), {"inputs__X__from": "1", "inputs__X__to": "2.5"}, [1, 2.5]),
        (
            described(BOX),
            {
                "inputs__X__west": "1",
                "inputs__X__south": "2",
                "inputs__X__east": "3",
                "inputs__X__north": "4.5",
                "inputs__X__crs": "EPSG:25832",
            },
            {"bbox": [1, 2, 3, 4.5], "crs": "EPSG:25832"},
        ),
        (
            described(BOX),
            {
                "inputs__X__west": "1",
                "inputs__X__south": "2",
                "inputs__X__east": "3",
                "inputs__X__north": "4.5",
                "inputs__X__crs": "urn:ogc:def:crs:EPSG::4326",
            },
            {"bbox": [2, 1, 4.5, 3], "crs": "urn:ogc:def:crs:EPSG::4326"},
        ),
        (
            described(BOX),
            {
                "inputs__X__west": "-1",
                "inputs__X__south": "0",
                "inputs__X__east": "0",
                "inputs__X__north": "1",
            },
            {"bbox": [-1, 0, 0, 1]},
        ),
        (described(BOX, min_occurs=0), {"inputs__X__west": "", "inputs__X__crs": "x"}, None),
        (described(POINT, "point"), {"inputs__X__x": "1.5", "inputs__X__y": "2"}, "1.5,2"),
        (
            described(POINT, "point"),
            {"inputs__X__x": "1", "inputs__X__y": "2", "inputs__X__crs": "EPSG:3857"},
            "1,2 [EPSG:3857]",
        ),
        (described(POINT, "geometry"), {"inputs__X": "POINT (1 2)"}, "POINT (1 2)"),
        (
            described(POINT, "geometry"),
            {"inputs__X": '{"type": "Point", "coordinates": [1, 2]}'},
            {"type": "Point", "coordinates": [1, 2]},
        ),
        (described({"type": "array"}), {"inputs__X": '[1, "a", [2]]'}, [1, "a", [2]]),
        (described({"type": "object"}), {"inputs__X": '{"a": 1}'}, {"a": 1}),
    ],
)
def test_a_field_gives_the_value_that_was_filled_in(
    api: Any, one: Callable[..., None], about: InputDescription, filled: Any, value: Any
) -> None:
    one(about)
    answer = send(api, "test:one", form(**filled))
    assert answer.status_code == 303, answer.text
    given = api.worker.sent[-1].inputs.get("X")
    assert given == (None if value is None else Inline(value=value, media_type=given.media_type))


def test_an_input_that_may_occur_several_times_takes_lines(
    api: Any, one: Callable[..., None]
) -> None:
    one(described({"type": "number"}, max_occurs="unbounded"))
    send(api, "test:one", form(inputs__X="1\n2"))
    assert api.worker.sent[-1].inputs["X"] == [Inline(value=1), Inline(value=2)]


@pytest.mark.parametrize(
    ("about", "filled", "words"),
    [
        (described({"type": "string"}), {"inputs__X": ""}, "this input is required"),
        (described({"type": "number"}), {"inputs__X": "1,5"}, "is not a number"),
        (described({"type": "number"}), {"inputs__X": "nan"}, "is not a number"),
        (described({"type": "integer"}), {"inputs__X": "1.5"}, "is not a whole number"),
        (described({"type": "number", "minimum": 1}), {"inputs__X": "0"}, "minimum"),
        (described(ENUM), {"inputs__X": "c"}, "is not one of"),
        (described(PAIR), {"inputs__X__from": "1"}, "needs both numbers"),
        (described(POINT, "point"), {"inputs__X__y": "1"}, "needs both numbers"),
        (described(BOX), {"inputs__X__west": "1"}, "needs all four numbers"),
        (described({"type": "array"}), {"inputs__X": "[1"}, "is not JSON"),
    ],
)
def test_what_is_wrong_comes_back_beside_its_field_and_on_top(
    api: Any,
    one: Callable[..., None],
    read_page: Any,
    about: InputDescription,
    filled: Any,
    words: str,
) -> None:
    one(about)
    back = read_page(send(api, "test:one", form(**filled)))
    assert (back.status, api.worker.sent) == (400, [])
    (summary,) = back.find("div", role="alert")
    assert words in summary.text
    assert "#input-0" in back.hrefs
    marked = [e for e in back.elements if e.attributes.get("aria-invalid") == "true"]
    assert len(marked) == 1
    (told,) = back.find("div", id=marked[0].attributes["aria-describedby"])
    assert words in told.text
    assert back.find("title")[0].text.startswith("Error: ")
    for value in filled.values():
        assert value in back.source.replace("&#34;", '"'), "what was filled in is kept"


def test_everything_that_is_wrong_is_told_at_once(api: Any, read_page: Any) -> None:
    parts = form(inputs__DISTANCE="far", inputs__SEGMENTS="0", inputs__STYLE='"Odd"')
    back = read_page(send(api, "native:buffer", parts))
    (summary,) = back.find("div", role="alert")
    for words in ("far", "required", "minimum", "Odd"):
        assert words in summary.text


# Layers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filled", "expected"),
    [
        (
            {"inputs__INPUT__file": ("a.GeoJSON", b"\xef\xbb\xbf" + json.dumps(LAYER).encode())},
            Inline(value=LAYER, media_type=GEOJSON),
        ),
        (
            {"inputs__INPUT__file": ("a.gpkg", b"SQLite\0")},
            Inline(value=b64encode(b"SQLite\0").decode(), media_type=GEOPACKAGE, encoding="base64"),
        ),
        (
            {"inputs__INPUT__file": ("x", b"<gml/>"), "inputs__INPUT__format": GML},
            Inline(value="<gml/>", media_type=GML),
        ),
        (
            {"inputs__INPUT__file": ("unknown.bin", b"\xff\xfe")},
            Inline(value="//4=", media_type=GEOPACKAGE, encoding="base64"),
        ),
        (
            {"inputs__INPUT__text": json.dumps(LAYER), "inputs__INPUT__file": ("", b"")},
            Inline(value=LAYER, media_type=GEOJSON),
        ),
        ({"inputs__INPUT__text": "<gml/>"}, Inline(value="<gml/>", media_type=GML)),
        (
            {"inputs__INPUT__url": " https://example.org/a.gpkg "},
            Reference(href="https://example.org/a.gpkg"),
        ),
        (
            {"inputs__INPUT__url": "https://example.org/a", "inputs__INPUT__format": GML},
            Reference(href="https://example.org/a", media_type=GML),
        ),
    ],
)
def test_a_layer_is_uploaded_pasted_or_given_by_its_address(
    api: Any, filled: Any, expected: Inline | Reference
) -> None:
    answer = send(api, "native:buffer", form(**filled))
    assert answer.status_code == 303, answer.text
    assert api.worker.sent[-1].inputs["INPUT"] == expected


@pytest.mark.parametrize(
    ("filled", "words"),
    [
        ({"inputs__INPUT__text": " "}, "this input is required"),
        (
            {"inputs__INPUT__text": "{}", "inputs__INPUT__url": "https://example.org/a"},
            "is given several times",
        ),
        ({"inputs__INPUT__text": "{"}, "the text is not JSON"),
        ({"inputs__INPUT__file": ("a<b>.geojson", b"{")}, "a<b>.geojson is not JSON"),
        ({"inputs__INPUT__file": ("a.gml", b"\xff\xfe")}, "is not text in UTF-8"),
        ({"inputs__INPUT__url": "file:///etc/passwd"}, "is not an http or https address"),
    ],
)
def test_a_layer_that_cannot_be_taken_comes_back(
    api: Any, read_page: Any, filled: Any, words: str
) -> None:
    back = read_page(send(api, "native:buffer", form(**filled)))
    assert back.status == 400
    assert words in back.find("div", role="alert")[0].text
    if "inputs__INPUT__file" in filled:
        assert f"Please choose “{filled['inputs__INPUT__file'][0]}” again" in back.text


def test_several_layers_are_given_by_all_ways_at_once(
    api: Any, one: Callable[..., None], documents: Any
) -> None:
    one(described(documents["buffer"]["inputs"]["INPUT"]["schema"], max_occurs="unbounded"))
    parts = form(
        inputs__X__file=[("a.geojson", json.dumps(LAYER).encode()), ("b.gpkg", b"x")],
        inputs__X__url="https://example.org/a\r\nhttps://example.org/b",
        inputs__X__text='[{"href": "https://example.org/c"}]',
    )
    assert send(api, "test:one", parts).status_code == 303
    kinds = [each.kind for each in api.worker.sent[-1].inputs["X"]]
    assert kinds == ["inline", "inline", "reference", "reference", "reference"]


def test_a_large_file_goes_through_the_storage(make_api: Callable[..., Any]) -> None:
    api = make_api(inline_limit=1000)
    content = b"x" * 5000
    assert send(api, "native:buffer", form(inputs__INPUT__file=("a.gpkg", content))).is_redirect
    message = api.worker.sent[-1]
    assert message.inputs == {}
    stored = json.loads(b"".join(api.storage.stream(message.inputs_key)))
    assert stored["INPUT"]["value"] == b64encode(content).decode()


# Outputs -------------------------------------------------------------------------------------------


def test_the_outputs_that_are_ticked_are_asked_for(api: Any, page: Callable[..., Any]) -> None:
    shown = page("/processes/test:echo")
    ticked = {e.attributes["name"] for e in shown.find("input", checked="")}
    assert ticked == {"outputs/text", "outputs/count", "outputs/file", "outputs/blob"}
    send(api, "test:echo", form(inputs__text="a", outputs__text="on", outputs__blob="on"))
    asked = api.worker.sent[-1].outputs
    assert {name: str(output.transmission_mode) for name, output in asked.items()} == {
        "text": "value",
        "blob": "reference",
    }
    api.worker.returns()
    send(api, "test:sync", form(inputs__text="a", outputs__blob="on"))
    assert str(api.worker.sent[-1].outputs["blob"].transmission_mode) == "value"


def test_an_output_that_is_made_only_when_asked_for_is_not_ticked(
    api: Any, page: Callable[..., Any], make_snapshot: Any, echo: Any
) -> None:
    note = [Metadata(role="optional", title="made when asked for")]
    outputs = {**echo.outputs, "text": echo.outputs["text"].model_copy(update={"metadata": note})}
    api.catalogue.snapshot = make_snapshot(q322=(echo.model_copy(update={"outputs": outputs}),))
    (box,) = page("/processes/test:echo").find("input", name="outputs/text")
    assert "checked" not in box.attributes


def test_a_wrong_format_comes_back(api: Any, read_page: Any) -> None:
    parts = form(inputs__INPUT__text=json.dumps(LAYER), outputs__OUTPUT__format="image/png")
    back = read_page(send(api, "native:buffer", parts))
    assert back.status == 400
    assert "image/png" in back.find("div", role="alert")[0].text


# Who may send --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": BASE}, False),
        ({"Origin": BASE}, True),
        ({"Origin": "http://evil.test"}, False),
        ({"Origin": "null"}, False),
        ({}, True),
    ],
)
def test_a_form_is_taken_from_our_own_pages_only(
    api: Any, headers: dict[str, str], taken: bool
) -> None:
    path = api.submit()
    before = len(api.worker.sent)
    posts = ("/processes/test:echo/form", f"{path}/cancel", f"{path}/remove")
    for post in posts:
        answer = api.http.post(
            post,
            files=form(inputs__text="a"),
            headers={"Accept": "text/html", **headers},
            follow_redirects=False,
        )
        assert answer.status_code == (303 if taken else 403), post
    assert (len(api.worker.sent) > before) is taken
    if not taken:
        assert api.http.get(path).json()["status"] == "accepted"


def test_a_form_below_a_public_address_is_taken_from_there(make_api: Callable[..., Any]) -> None:
    api = make_api(public_url="https://example.org/gis")
    for origin, status in (("https://example.org", 303), ("https://example.com", 403)):
        answer = api.http.post(
            "/processes/test:echo/form",
            files=form(inputs__text="a"),
            headers={"Origin": origin},
            follow_redirects=False,
        )
        assert answer.status_code == status


def test_a_form_is_multipart_and_of_a_bounded_size(make_api: Callable[..., Any]) -> None:
    api = make_api(body_limit=2000)
    wrong = api.http.post("/processes/test:echo/form", data={"inputs/text": "a"})
    assert wrong.status_code == 415
    large = send(api, "test:echo", form(inputs__text="a" * 3000))
    assert large.status_code == 413
    boundary = {"Content-Type": "multipart/form-data; boundary=x"}

    def endless() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="inputs/text"\r\n\r\n'
        for _ in range(100):
            yield b"a" * 100

    streamed = api.http.post("/processes/test:echo/form", content=endless(), headers=boundary)
    assert streamed.status_code == 413
    for body in (b"", b"--y", b"--x\r\n\r\na\r\n--x--"):
        answer = api.http.post("/processes/test:echo/form", content=body, headers=boundary)
        assert answer.status_code == 400, body
    none = {"Content-Type": "multipart/form-data"}
    assert api.http.post("/processes/test:echo/form", content=b"", headers=none).status_code == 400
    assert api.worker.sent == []


def test_a_form_of_an_unknown_process_is_told(api: Any) -> None:
    assert send(api, "none", form(x="")).status_code == 404


def test_a_form_that_is_loaded_again_leads_to_its_process(api: Any) -> None:
    answer = api.http.get("/processes/test:echo/form", follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{BASE}/processes/test:echo")


def test_a_broker_that_is_away_loses_nothing_that_was_filled_in(api: Any, read_page: Any) -> None:
    api.worker.error = Unavailable("Jobs are not taken now.", retry_after=7)
    answer = send(api, "test:echo", form(inputs__text="what I wrote"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    back = read_page(answer)
    assert "Jobs are not taken now." in back.text
    assert back.find("input", value="what I wrote")


def test_a_process_that_cannot_wait_runs_at_once(api: Any) -> None:
    api.worker.returns()
    assert send(api, "test:sync", form(inputs__text="a")).status_code == 303


@pytest.mark.parametrize("unit", ["unit", "squared unit"])
def test_a_number_whose_unit_a_layer_decides_warns_of_degrees(
    one: Callable[..., None], page: Callable[..., Any], unit: str
) -> None:
    notes = [Metadata(role="unit", title=f"{unit} of the CRS of INPUT")]
    one(InputDescription(title="X", schema={"type": "number"}, metadata=notes))
    text = page("/processes/test:one").text
    assert f"In the {unit} of the CRS of INPUT: metres or feet where that is projected" in text
    assert "degrees where it is not" in text


@pytest.mark.parametrize("text", ["1" + "0" * 400, "1e999", "-1e400"])
def test_a_number_that_json_cannot_say_is_refused(api: Any, text: str) -> None:
    answer = send(api, "native:buffer", form(inputs__DISTANCE=text))
    assert answer.status_code == 400
    assert "is larger than numbers can be" in answer.text


def test_a_whole_number_of_more_than_64_bits_is_the_number_it_is(api: Any) -> None:
    answer = send(api, "test:echo", form(inputs__text="a", inputs__numbers="1" + "0" * 30))
    assert answer.status_code == 303, answer.text


TABLE: JsonSchema = {"type": "array", "items": {"type": "number"}}


def matrix(**more: Any) -> InputDescription:
    notes = [Metadata(role="type", title="matrix"), Metadata(role="columns", title="Min, Max, To")]
    return InputDescription(title="X", schema={**TABLE, **more}, metadata=notes)


def test_a_table_is_rows_on_lines(
    api: Any, one: Callable[..., None], page: Callable[..., Any]
) -> None:
    one(matrix(default=[0, 1, 10, 1, 2, 20]))
    (area,) = page("/processes/test:one").find("textarea", name="inputs/X")
    assert area.text.strip() == "0, 1, 10\n1, 2, 20"
    one(InputDescription(schema={"type": "array"}, metadata=matrix().metadata))
    sent = send(api, "test:one", form(inputs__X="0; 1.5;a b\r\n\r\n1\t2,20"))
    assert sent.status_code == 303, sent.text
    assert api.worker.sent[-1].inputs["X"].value == [[0, 1.5, "a b"], [1, 2, 20]]
    wrong = send(api, "test:one", form(inputs__X="0,1,2\n0,1"))
    assert wrong.status_code == 400
    assert "has 2 cells in line 2, not 3" in wrong.text


def test_a_colour_is_a_text(api: Any, one: Callable[..., None], page: Callable[..., Any]) -> None:
    one(described({"type": "string", "default": "#ff0000"}, "color"))
    (control,) = page("/processes/test:one").find("input", name="inputs/X")
    assert (control.attributes["class"], control.attributes["value"]) == ("colour", "#ff0000")
    assert send(api, "test:one", form(inputs__X=" #00ff0080 ")).status_code == 303
    assert api.worker.sent[-1].inputs["X"].value == "#00ff0080"


# Checked, and filled in again ------------------------------------------------------------------


def check(api: Any, name: str, parts: list[Part], **headers: str) -> Any:
    return api.http.post(f"/processes/{name}/form/check", files=parts, headers=headers)


def test_a_form_is_checked_without_running_anything(
    api: Any, read_page: Callable[..., Any]
) -> None:
    fine = check(api, "test:echo", form(inputs__text="a"))
    assert (fine.status_code, fine.json()) == (200, {"valid": True})
    wrong = check(api, "test:echo", form(inputs__numbers="a"))
    assert wrong.status_code == 400
    assert {each["pointer"] for each in wrong.json()["errors"]} == {
        "/inputs/numbers",
        "/inputs/text",
    }
    page = read_page(check(api, "test:echo", form(inputs__text="b"), Accept="text/html"))
    assert "All of it can be run." in page.text
    (text,) = page.find("input", name="inputs/text")
    assert text.attributes["value"] == "b"
    page = read_page(check(api, "test:echo", form(inputs__numbers="a"), Accept="text/html"))
    assert (page.status, len(page.find("div", id="errors"))) == (400, 1)
    other = check(api, "test:echo", form(), **{"Sec-Fetch-Site": "cross-site"})
    assert other.status_code in (400, 403)
    assert not api.worker.sent
    assert api.count() == 0


def test_the_page_of_a_job_leads_to_its_form_as_it_was_filled_in(
    api: Any, page: Callable[..., Any]
) -> None:
    api.worker.returns()
    parts = form(
        inputs__text='it\'s "a"',
        inputs__numbers="1\n2.5",
        inputs__extent__west="1",
        inputs__extent__south="2",
        inputs__extent__east="3",
        inputs__extent__north="4.5",
        outputs__text="on",
        outputs__count="on",
    )
    job = send(api, "test:echo", parts).headers["Location"]
    (again,) = [href for href in page(job).hrefs if "again=" in href]
    assert (
        "no-store" in api.http.get(again, headers={"Accept": "text/html"}).headers["Cache-Control"]
    )
    shown = page(again)
    values = {e.attributes["name"]: e.attributes.get("value") for e in shown.find("input")}
    assert values["inputs/text"] == 'it\'s "a"'
    assert [values[f"inputs/extent/{side}"] for side in ("west", "north")] == ["1", "4.5"]
    (numbers,) = shown.find("textarea", name="inputs/numbers")
    assert numbers.text.split() == ["1", "2.5"]
    ticked = {e.attributes["name"] for e in shown.find("input") if "checked" in e.attributes}
    assert ticked == {"outputs/text", "outputs/count"}
    first = api.worker.sent[-1]
    sent = [(name, (None, value.encode())) for name, value in given_by(shown).items()]
    assert send(api, "test:echo", sent).status_code == 303
    assert api.worker.sent[-1].model_dump(exclude={"job_id", "created"}) == first.model_dump(
        exclude={"job_id", "created"}
    )


def given_by(shown: Any) -> dict[str, str]:
    """What a browser sends of a page."""
    inputs = {
        e.attributes["name"]: e.attributes.get("value", "")
        for e in shown.find("input")
        if e.attributes.get("type") not in ("checkbox", "search") or "checked" in e.attributes
    }
    areas = {e.attributes["name"]: e.text.strip() for e in shown.find("textarea")}
    return {name: value for name, value in (inputs | areas).items() if "puts/" in name}


def test_layers_are_filled_in_again_but_files_are_not(api: Any, page: Callable[..., Any]) -> None:
    api.worker.returns()
    url = "https://a.test/b.gml?c=d"
    outputs = {"OUTPUT": {"format": {"mediaType": GML}}}
    for given, control, text in (
        ({"href": url}, "input", url),
        ({"value": LAYER}, "textarea", json.dumps(LAYER)),
        ({"value": "eA==", "encoding": "base64", "mediaType": GEOPACKAGE}, None, ""),
    ):
        path = api.submit("native:buffer", inputs={"INPUT": given}, outputs=outputs)
        shown = page(f"/processes/native:buffer?again={path.rpartition('/')[2]}")
        filled = [
            *(e.attributes.get("value", "") for e in shown.find("input", name="inputs/INPUT/url")),
            *(e.text.strip() for e in shown.find("textarea", name="inputs/INPUT/text")),
        ]
        assert [each.replace(" ", "") for each in filled if each] == (
            [text.replace(" ", "")] if control else []
        )
        assert f'<option value="{GML}" selected>' in shown.source


def test_of_a_job_that_is_not_there_nothing_is_filled_in(api: Any) -> None:
    answer = api.http.get("/processes/test:echo?again=none", headers={"Accept": "text/html"})
    assert answer.status_code == 404
