"""The table of answers as a pure function: every combination, and any outputs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qanat_api import responses
from qanat_api.links import Links
from qanat_api.responses import Answer, Embedded, Form
from qanat_common.ogc import Format, OutputRequest, Response, Transmission
from qanat_common.protocol import OutputValue, RunJob, StoredFile, Value

FILE = StoredFile(key="jobs/j/f", name="f.tif", media_type="image/tiff", size=10)
GEOJSON_FILE = FILE.model_copy(update={"media_type": "application/geo+json"})
REFERENCE = OutputRequest(transmission_mode=Transmission.REFERENCE)
VALUE = OutputRequest()


def answer(
    outputs: dict[str, OutputValue],
    response: Response = Response.RAW,
    asked: dict[str, OutputRequest] | None = None,
) -> Answer:
    request = RunJob.model_construct(outputs=asked, response=response)
    return responses.answer(
        outputs, request, lambda name: Links("http://h").output("j", name), "bound"
    )


@pytest.mark.parametrize("response", list(Response))
@pytest.mark.parametrize("asked", [None, {"a": VALUE}, {"a": REFERENCE}, {"a": VALUE, "b": VALUE}])
def test_an_output_that_was_not_made_is_left_out(response: Response, asked: Any) -> None:
    made = answer({"b": Value(value=None)}, response, asked)
    assert made.body in ((), (b"{}",))
    assert made.status == (200 if response is Response.DOCUMENT else 204)
    assert made.headers == ()


def test_one_of_two_outputs_asked_for_is_still_a_part() -> None:
    made = answer({"a": Value(value=1)}, asked={"a": VALUE, "b": VALUE})
    assert (
        made.media_type == 'multipart/related; boundary="bound"; type="text/plain; charset=utf-8"'
    )


def test_outputs_come_in_the_order_in_which_they_were_asked_for() -> None:
    outputs: dict[str, OutputValue] = {"a": Value(value=1), "b": Value(value=2)}
    made = answer(outputs, Response.DOCUMENT, {"b": VALUE, "a": VALUE})
    assert made.body == (b'{"b":2,"a":1}',)


@pytest.mark.parametrize(
    ("value", "asked", "media_type", "body"),
    [
        ("a", None, "text/plain; charset=utf-8", b"a"),
        ("a", "application/json", "application/json", b'"a"'),
        (1.5, None, "text/plain; charset=utf-8", b"1.5"),
        (False, None, "text/plain; charset=utf-8", b"false"),
        ([1, 2], None, "application/json", b"[1,2]"),
        ({"a": 1}, None, "application/json", b'{"a":1}'),
        ({"type": "Point"}, None, "application/geo+json", b'{"type":"Point"}'),
    ],
)
def test_a_raw_value_has_the_media_type_of_what_it_is(
    value: Any, asked: str | None, media_type: str, body: bytes
) -> None:
    form = OutputRequest(format=Format(media_type=asked))
    made = answer({"a": Value(value=value)}, asked={"a": form})
    assert (made.media_type, made.body) == (media_type, (body,))


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ("a", b'"a"'),
        ([{"href": "x"}], b'[{"href":"x"}]'),
        ({"bbox": [1, 2, 3, 4]}, b'{"bbox":[1,2,3,4]}'),
        ({"href": "x"}, b'{"value":{"href":"x"},"mediaType":"application/json"}'),
        (
            {"type": "Point", "bbox": []},
            b'{"value":{"type":"Point","bbox":[]},"mediaType":"application/geo+json"}',
        ),
    ],
)
def test_objects_in_a_document_are_qualified_and_everything_else_is_bare(
    value: Any, body: bytes
) -> None:
    made = answer({"a": Value(value=value)}, Response.DOCUMENT)
    assert made.body == (b'{"a":' + body + b"}",)


def test_files_in_a_document_are_put_in_by_what_they_are() -> None:
    forms = {
        "image/tiff; application=geotiff": Form.BASE64,
        "application/geo+json": Form.PLAIN,
        "application/json": Form.PLAIN,
        "text/csv": Form.JSON_TEXT,
        "application/gml+xml; version=3.2": Form.JSON_TEXT,
    }
    for media_type, form in forms.items():
        file = FILE.model_copy(update={"media_type": media_type})
        made = answer({"a": file}, Response.DOCUMENT)
        assert made.body[1] == Embedded(file, form), media_type
    assert made.size is None


def test_a_file_says_its_crs() -> None:
    crs = "http://www.opengis.net/def/crs/EPSG/0/32632"
    file = FILE.model_copy(update={"crs": crs})
    assert dict(answer({"a": file}).headers)["Content-Crs"] == f"<{crs}>"
    both = answer({"a": file, "b": FILE})
    assert isinstance(both.body[0], bytes)
    assert f"\r\nContent-Crs: <{crs}>\r\n".encode() in both.body[0]
    assert "Content-Crs" not in dict(answer({"a": FILE}).headers)
    broken = FILE.model_copy(update={"crs": "x>\r\nEvil: 1"})
    assert "Content-Crs" not in dict(answer({"a": broken}).headers)


def test_the_length_of_a_body_is_known_where_it_can_be() -> None:
    plain, encoded = answer({"a": FILE}), answer({"a": FILE}, Response.DOCUMENT)
    assert plain.size == 10
    head = b'{"a":{"value":"","encoding":"base64","mediaType":"image/tiff"}}'
    assert encoded.size == len(head) + 16


def test_no_name_gets_out_of_its_header() -> None:
    name = 'a"; x="\r\nEvil: 1'
    made = answer({name: FILE.model_copy(update={"name": name})}, asked={name: REFERENCE})
    disposition = responses.saved(FILE.model_copy(update={"name": name}))
    for value in (made.headers[0][1], disposition):
        assert "\r" not in value
        assert "\n" not in value
        assert "filename*=" in value or "title*=" in value


OUTPUTS = st.dictionaries(
    st.sampled_from("abcd"),
    st.sampled_from([Value(value=0), Value(value=None), Value(value={"x": 1}), FILE, GEOJSON_FILE]),
)
ASKED = st.none() | st.dictionaries(
    st.sampled_from("abcd"), st.sampled_from([VALUE, REFERENCE]), min_size=1
)


@given(OUTPUTS, ASKED, st.sampled_from(Response))
def test_every_combination_is_a_row_of_the_table(
    outputs: dict[str, OutputValue], asked: dict[str, OutputRequest] | None, response: Response
) -> None:
    made = answer(outputs, response, asked)
    there = [n for n in asked or outputs if n in outputs and outputs[n] != Value(value=None)]
    references = [n for n in there if asked and asked[n] is REFERENCE]
    if response is Response.DOCUMENT:
        assert (made.status, made.media_type) == (200, "application/json")
    elif len(references) == len(there):
        assert (made.status, len(made.headers), made.body) == (204, len(there), ())
    elif len(asked or there) > 1:
        assert (made.media_type or "").startswith("multipart/related")
        first = made.body[0]
        assert isinstance(first, bytes)
        assert first.startswith(b"--bound\r\n")
    else:
        assert (made.status, len(made.body)) == (200, 1)
