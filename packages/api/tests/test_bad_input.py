"""Bad input: a problem document that names each member at fault, and no job."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

LAYER = {"value": {"type": "FeatureCollection", "features": []}}


def pointers(answer: Any) -> list[str]:
    return [fault["pointer"] for fault in answer.json()["errors"]]


@pytest.fixture
def refuse(api: Any) -> Iterator[Callable[..., Any]]:
    """Execute what is to be refused; afterwards there is no job, and nothing was sent."""

    def execute(process: str, **request: Any) -> Any:
        return api.http.post(f"/processes/{process}/execution", **request)

    yield execute
    assert api.count() == 0
    assert api.worker.sent == []


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({}, ["/inputs/INPUT"]),
        ({"INPUT": None}, ["/inputs/INPUT"]),
        ({"INPUT": LAYER, "DISTANZ": 1}, ["/inputs/DISTANZ"]),
        ({"INPUT": LAYER, "a/b~c": 1}, ["/inputs/a~1b~0c"]),
        ({"INPUT": LAYER, "DISTANCE": "far"}, ["/inputs/DISTANCE"]),
        ({"INPUT": LAYER, "DISTANCE": True}, ["/inputs/DISTANCE"]),
        ({"INPUT": LAYER, "DISTANCE": [1]}, ["/inputs/DISTANCE"]),
        ({"INPUT": LAYER, "DISTANCE": {"value": "x"}}, ["/inputs/DISTANCE/value"]),
        ({"INPUT": LAYER, "DISTANCE": {"x": 1}}, ["/inputs/DISTANCE"]),
        ({"INPUT": LAYER, "SEGMENTS": 0}, ["/inputs/SEGMENTS"]),
        ({"INPUT": LAYER, "SEGMENTS": 1.5}, ["/inputs/SEGMENTS"]),
        ({"INPUT": LAYER, "STYLE": "Oval"}, ["/inputs/STYLE"]),
        ({"INPUT": LAYER, "DISSOLVE": 0}, ["/inputs/DISSOLVE"]),
        ({"INPUT": "/etc/passwd"}, ["/inputs/INPUT"]),
        ({"INPUT": 3}, ["/inputs/INPUT"]),
        ({"INPUT": {"href": "file:///etc/passwd"}}, ["/inputs/INPUT"]),
        ({"INPUT": {"href": "/vsicurl/http://x"}}, ["/inputs/INPUT"]),
        ({"INPUT": {"href": "https://"}}, ["/inputs/INPUT"]),
        ({"INPUT": {"href": "http://[1"}}, ["/inputs/INPUT"]),
        ({"INPUT": {"href": 3}}, ["/inputs/INPUT/href"]),
        ({"INPUT": {"href": "http://x/", "type": 3}}, ["/inputs/INPUT/type"]),
        ({"INPUT": {"value": "a", "mediaType": "x/y"}}, ["/inputs/INPUT/mediaType"]),
        ({"INPUT": {"value": "a", "format": {"mediaType": 1}}}, ["/inputs/INPUT/format/mediaType"]),
        ({"INPUT": {**LAYER, "encoding": "gzip"}}, ["/inputs/INPUT/encoding"]),
        ({"INPUT": {"value": "%%%", "encoding": "base64"}}, ["/inputs/INPUT/value"]),
        ({"INPUT": {"type": "wrong/type"}, "DISTANCE": "x"}, ["/inputs/DISTANCE"]),
    ],
)
def test_an_input_at_fault_is_named(
    refuse: Callable[..., Any], inputs: Any, expected: list[str]
) -> None:
    answer = refuse("native:buffer", json={"inputs": inputs})
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "urn:qanat:exception:invalid-input"
    assert pointers(answer) == expected


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"numbers": [1, 0, "x"]}, ["/inputs/numbers/1", "/inputs/numbers/2"]),
        ({"numbers": [1, 2, 3, 4]}, ["/inputs/numbers"]),
        ({"numbers": [None]}, ["/inputs/numbers/0"]),
        ({"rows": [[1], ["x"]]}, ["/inputs/rows/1/0"]),
        ({"rows": [[1], 2]}, ["/inputs/rows/1"]),
        ({"extent": {"bbox": [1, 2, 3]}}, ["/inputs/extent/bbox"]),
        ({"extent": {"bbox": [1, 2, 3, "x"]}}, ["/inputs/extent/bbox/3"]),
        ({"extent": {"bbox": [1, 2, 3, 4], "crs": 4326}}, ["/inputs/extent/crs"]),
        ({"extent": [1, 2, 3, 4]}, ["/inputs/extent"]),
        ({"range": [[1, 2]]}, ["/inputs/range/0"]),
    ],
)
def test_a_value_among_several_is_named(
    refuse: Callable[..., Any], inputs: Any, expected: list[str]
) -> None:
    answer = refuse("test:echo", json={"inputs": {"text": "a", **inputs}})
    assert (answer.status_code, pointers(answer)) == (400, expected)


@pytest.mark.parametrize(
    ("process", "inputs", "hint"),
    [
        ("test:echo", {"text": "a", "extent": [1, 2, 3, 4]}, 'a box is {"bbox": ['),
        ("test:echo", {"text": "a", "extent": "1,3,2,4 [EPSG:4326]"}, 'a box is {"bbox": ['),
        ("native:buffer", {"INPUT": "https://example.org/x.gpkg"}, 'give {"href": '),
        ("native:buffer", {"INPUT": "id,x\n1,2"}, "a text of another format needs mediaType"),
    ],
)
def test_what_is_near_is_told_how_to_be_right(
    refuse: Callable[..., Any], process: str, inputs: Any, hint: str
) -> None:
    assert hint in refuse(process, json={"inputs": inputs}).json()["detail"]


def test_all_members_at_fault_are_named_at_once(refuse: Callable[..., Any]) -> None:
    body = {"inputs": {"DISTANCE": "x", "STYLE": 1, "NO": 1}, "outputs": {"OUT": {}}}
    answer = refuse("native:buffer", json=body)
    assert sorted(set(pointers(answer))) == [
        "/inputs/DISTANCE",
        "/inputs/INPUT",
        "/inputs/NO",
        "/inputs/STYLE",
        "/outputs/OUT",
    ]
    assert "/inputs/DISTANCE" in answer.json()["detail"]


@pytest.mark.parametrize("value", [0, False, ""])
def test_a_given_value_that_is_zero_false_or_empty_is_not_missing(api: Any, value: Any) -> None:
    name = {int: "DISTANCE", bool: "DISSOLVE", str: "STYLE"}[type(value)]
    api.submit("native:buffer", inputs={"INPUT": LAYER, name: value})
    assert api.worker.sent[0].inputs[name].value is value or value == 0


def test_an_empty_text_is_given_to_a_required_input(api: Any) -> None:
    api.submit(inputs={"text": ""})
    assert api.worker.sent[0].inputs["text"].value == ""


@pytest.mark.parametrize(
    ("process", "outputs", "expected"),
    [
        ("test:echo", {"none": {}}, "/outputs/none"),
        (
            "test:sync",
            {"text": {"transmissionMode": "reference"}},
            "/outputs/text/transmissionMode",
        ),
        ("test:echo", {"text": {"transmissionMode": "post"}}, "/outputs/text/transmissionMode"),
        ("test:echo", {"file": {"format": {"mediaType": ""}}}, "/outputs/file/format/mediaType"),
        ("test:echo", {"file": {"format": {"mediaType": "a/b"}}}, "/outputs/file/format/mediaType"),
        ("test:echo", {"text": 3}, "/outputs/text"),
        ("test:echo", ["text"], "/outputs"),
    ],
)
def test_an_output_at_fault_is_named(
    refuse: Callable[..., Any], process: str, outputs: Any, expected: str
) -> None:
    answer = refuse(process, json={"inputs": {"text": "a"}, "outputs": outputs})
    assert (answer.status_code, pointers(answer)) == (400, [expected])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"inputs": [1]}, "/inputs"),
        ({"inputs": {"text": "a"}, "response": "xml"}, "/response"),
        ([], ""),
        (3, ""),
        (None, ""),
        ("text", ""),
    ],
)
def test_a_body_that_is_no_execute_request_is_refused(
    refuse: Callable[..., Any], body: Any, expected: str
) -> None:
    answer = refuse("test:echo", content=json.dumps(body))
    assert (answer.status_code, pointers(answer)) == (400, [expected])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"inputs": {',
        b'{"inputs": {"text": NaN}}',
        b'{"inputs": {"text": Infinity}}',
        b'{"inputs": {"text": 1e999}}',
        b'{"inputs": {"text": "\\ud800"}}',
        b'{"inputs": {"text": "\xff"}}',
        b"\xff\xfe{\x00}\x00",
        b'{"inputs": {"text": "a", "text": "b"}}',
        b'{"inputs": {}, "inputs": {"text": "a"}}',
        b'{"inputs": {"text": ' + b"[" * 65 + b"]" * 65 + b"}}",
        b'{"inputs": {"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    ],
)
def test_what_is_not_strict_json_is_refused(refuse: Callable[..., Any], body: bytes) -> None:
    answer = refuse("test:echo", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "urn:qanat:exception:invalid-request"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/xml"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=iso-8859-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_another_media_type_or_encoding_is_refused(
    refuse: Callable[..., Any], headers: dict[str, str]
) -> None:
    answer = refuse("test:echo", content=b'{"inputs": {"text": "a"}}', headers=headers)
    assert answer.status_code == 415
    assert answer.json()["type"] == "urn:qanat:exception:unsupported-media-type"


@pytest.mark.parametrize(
    "media_type", [None, "application/json", "Application/JSON; charset=UTF-8; x=y"]
)
def test_json_is_read_also_without_a_media_type(api: Any, media_type: str | None) -> None:
    headers = {"Prefer": "respond-async"} | ({"Content-Type": media_type} if media_type else {})
    answer = api.http.post(
        "/processes/test:echo/execution", content=b'{"inputs": {"text": "a"}}', headers=headers
    )
    assert answer.status_code == 201


def test_a_body_that_is_too_large_is_refused(make_api: Callable[..., Any]) -> None:
    api = make_api(body_limit=1000)
    body = json.dumps({"inputs": {"text": "x" * 1000}}).encode()
    whole = api.http.post("/processes/test:echo/execution", content=body)
    chunked = api.http.post(
        "/processes/test:echo/execution", content=iter([body[:600], body[600:]])
    )
    for answer in (whole, chunked):
        assert answer.status_code == 413
        assert "1000 bytes" in answer.json()["detail"]
    assert api.count() == 0


def test_unknown_members_of_the_request_are_passed_over(api: Any) -> None:
    api.submit(mode="async", process="http://x/processes/other")
    assert api.worker.sent[0].process_id == "test:echo"


def test_a_huge_value_is_not_sent_back(refuse: Callable[..., Any]) -> None:
    answer = refuse("native:buffer", json={"inputs": {"INPUT": LAYER, "DISTANCE": "x" * 100_000}})
    assert answer.status_code == 400
    assert len(answer.content) < 2000
