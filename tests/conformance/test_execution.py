"""Core: what an execution takes, when it is synchronous, and that inputs are checked."""

from base64 import b64encode
from typing import Any

import pytest

proves = pytest.mark.proves
GEOJSON = "application/geo+json"
GEOPACKAGE = "application/geopackage+sqlite3"
GML = "application/gml+xml; version=3.2"
BOX = {"bbox": [51.9, 7.0, 52.0, 7.1]}
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
LAYER = {"type": "FeatureCollection", "features": []}
TEXT = {"stringInput": "a"}


def looked_at(service: Any, **inputs: Any) -> Any:
    """What the process saw of its inputs."""
    answer = service.post("test:look", {"inputs": inputs, "response": "document"})
    assert answer.status_code == 200, answer.text
    return answer.json()["seen"]["value"]


@proves("/req/core/process-execute-op", "/req/core/process-execute-request")
def test_a_process_is_executed_by_a_post_of_json(service: Any, problems: Any) -> None:
    body = {
        "inputs": {**TEXT, "bboxInput": BOX},
        "outputs": {"stringInput": {"transmissionMode": "value"}},
        "response": "document",
    }
    assert problems("execute", body) == []
    answer = service.post("qanat:echo", body)
    assert (answer.status_code, answer.json()) == (200, {"stringInput": "a"})


@pytest.mark.parametrize(
    "body",
    ["[]", '"inputs"', "{", '{"inputs": []}', '{"inputs": {}, "response": "cooked"}', ""],
)
@proves("/req/core/process-execute-request", "/req/core/process-execute-input-validation")
def test_a_body_that_is_no_execute_request_is_refused(
    service: Any, problems: Any, body: str
) -> None:
    address = f"{service.url}/processes/echo/execution"
    headers = {"Content-Type": "application/json"}
    answer = service.client.post(address, content=body, headers=headers)
    assert (answer.status_code, problems("exception", answer.json())) == (400, [])


@pytest.mark.parametrize("value", ["", "a", "ä"])
@proves("/req/core/process-execute-inputs")
def test_a_value_stands_in_the_request(service: Any, value: str) -> None:
    answer = service.post(
        "echo", {"inputs": {"stringInput": value}, "outputs": {"stringInput": {}}}
    )
    assert (answer.status_code, answer.content) == (200, value.encode())


@pytest.mark.parametrize(
    ("name", "path", "output"),
    [
        ("stringInput", "/text.txt", b"hello"),
        ("arrayInput", "/numbers.json", b"[1,2,3]"),
        ("complexInput", "/image.tif", b"II*\0" + bytes(60)),
    ],
)
@proves("/req/core/process-execute-inputs")
def test_a_value_is_fetched_by_reference(service: Any, name: str, path: str, output: bytes) -> None:
    body = {
        "inputs": {**TEXT, name: {"href": service.files + path}},
        "outputs": {name: {}},
    }
    answer = service.post("echo", body)
    assert (answer.status_code, answer.content) == (200, output)


@pytest.mark.parametrize(
    ("given", "arrived"),
    [(1.5, [1.5]), ([1.5], [1.5]), ([1, 2, 3], [1, 2, 3]), ([{"value": 1}, 0], [1, 0])],
)
@proves("/req/core/process-execute-input-array")
def test_an_input_that_occurs_several_times_takes_an_array(
    service: Any, given: Any, arrived: Any
) -> None:
    assert looked_at(service, several=given) == {"several": arrived}


@proves("/req/core/process-execute-input-array")
def test_an_array_may_hold_values_that_are_arrays(service: Any) -> None:
    assert looked_at(service, rows=[[1, 2], [3]]) == {"rows": [[1, 2], [3]]}
    assert looked_at(service, rows=[1, 2]) == {"rows": [[1, 2]]}


@pytest.mark.parametrize("given", [[1, 2, 3, 4], ["a"], [[1]]])
@proves("/req/core/process-execute-input-array", "/req/core/process-execute-input-validation")
def test_each_value_of_an_array_is_checked(service: Any, given: Any) -> None:
    answer = service.post("test:look", {"inputs": {"several": given}})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith("/inputs/several")


@pytest.mark.parametrize(
    "given",
    [
        {"value": LAYER},
        {"value": LAYER, "mediaType": GEOJSON},
        {"value": LAYER, "format": {"mediaType": GEOJSON}},
        LAYER,
    ],
)
@proves("/req/core/process-execute-input-inline-object")
def test_an_object_is_taken_as_a_qualified_value_and_bare_geojson_too(
    service: Any, given: Any
) -> None:
    assert looked_at(service, layer=given)["layer"]["value"] == LAYER


@pytest.mark.parametrize(
    ("given", "media_type", "encoding"),
    [
        ({"value": LAYER}, GEOJSON, None),
        ({"value": "AA==", "mediaType": GEOPACKAGE, "encoding": "base64"}, GEOPACKAGE, "base64"),
        ({"value": "<g/>", "mediaType": GML}, GML, None),
        ({"value": "<g/>", "mediaType": "application/gml+xml"}, "application/gml+xml", None),
    ],
)
@proves("/req/core/process-execute-input-mixed-type")
@proves("/req/ogc-process-description/input-mixed-type")
def test_the_format_of_a_value_chooses_among_the_types(
    service: Any, given: Any, media_type: str, encoding: str | None
) -> None:
    seen = looked_at(service, layer=given)["layer"]
    assert (seen["mediaType"], seen["encoding"]) == (media_type, encoding)


@pytest.mark.parametrize(
    "given",
    [
        {"value": "<g/>", "mediaType": "image/png"},
        {"value": "no base64!", "mediaType": GEOPACKAGE, "encoding": "base64"},
        {"value": LAYER, "mediaType": GML},
    ],
)
@proves("/req/core/process-execute-input-mixed-type")
@proves("/req/core/process-execute-input-validation")
def test_a_value_is_checked_by_the_type_that_its_format_chose(service: Any, given: Any) -> None:
    answer = service.post("test:look", {"inputs": {"layer": given}})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith("/inputs/layer")


@pytest.mark.parametrize("qualified", [True, False])
@proves("/req/core/process-execute-input-inline-binary")
@proves("/req/ogc-process-description/input-binary")
def test_bytes_are_taken_as_base64(service: Any, qualified: bool) -> None:
    image = b"II*\0" + bytes(range(256))
    text = b64encode(image).decode()
    tiff = {"mediaType": "image/tiff; application=geotiff", "encoding": "base64"}
    given = {"value": text, **tiff} if qualified else text
    answer = service.post(
        "echo", {"inputs": {**TEXT, "complexInput": given}, "outputs": {"complexInput": {}}}
    )
    assert (answer.status_code, answer.content) == (200, image)
    assert answer.headers["Content-Type"] == "image/tiff; application=geotiff"


@pytest.mark.parametrize(
    "box", [BOX, {**BOX, "crs": CRS84}, {"bbox": [0, 0, 0, 1, 1, 1], "crs": f"{CRS84}h"}]
)
@proves("/req/core/process-execute-input-inline-bbox")
def test_a_bounding_box_is_taken_bare_and_qualified(service: Any, box: Any) -> None:
    for given in (box, {"value": box}):
        body = {"inputs": {**TEXT, "bboxInput": given}, "outputs": {"bboxInput": {}}}
        answer = service.post("echo", body)
        assert (answer.status_code, answer.json()) == (200, box)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("stringInput", 1),
        ("bboxInput", {"bbox": [0, 0, 1]}),
        ("bboxInput", [0, 0, 1, 1]),
        ("arrayInput", [1.5]),
        ("arrayInput", "teststring"),
        ("complexInput", {"type": "wrong/type"}),
        ("pause", 61),
        ("pause", "5"),
        ("unknown", 1),
    ],
)
@proves("/req/core/process-execute-input-validation")
@proves("/req/ogc-process-description/input-def")
def test_a_wrong_input_is_named_by_a_pointer(
    service: Any, problems: Any, name: str, given: Any
) -> None:
    answer = service.post("echo", {"inputs": {**TEXT, name: given}})
    assert (answer.status_code, problems("exception", answer.json())) == (400, [])
    assert answer.json()["errors"][0]["pointer"].startswith(f"/inputs/{name}")


@proves("/req/core/process-execute-input-validation")
def test_a_missing_input_is_named_and_no_job_is_made(service: Any) -> None:
    before = len(service.get("/jobs?limit=1000").json()["jobs"])
    answer = service.post("echo", {"inputs": {}})
    assert answer.status_code == 400
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/inputs/stringInput"]
    assert len(service.get("/jobs?limit=1000").json()["jobs"]) == before


@pytest.mark.parametrize(
    ("name", "path"),
    [("arrayInput", "/words.json"), ("arrayInput", "/text.txt"), ("complexInput", "/text.txt")],
)
@proves("/req/core/process-execute-input-validation")
def test_a_fetched_value_is_checked_as_well(
    service: Any, problems: Any, name: str, path: str
) -> None:
    inputs = {**TEXT, name: {"href": service.files + path}}
    answer = service.post("echo", {"inputs": inputs})
    assert (answer.status_code, problems("exception", answer.json())) == (400, [])
    assert name in answer.json()["detail"]


@pytest.mark.parametrize("missing", ["/missing", None])
@proves("/req/core/process-execute-input-validation")
def test_a_value_that_cannot_be_fetched_is_the_clients_error(
    service: Any, missing: str | None
) -> None:
    href = service.files + missing if missing else "http://127.0.0.1:1/x"
    answer = service.post("echo", {"inputs": {**TEXT, "complexInput": {"href": href}}})
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("input-not-fetched")


@pytest.mark.parametrize(
    ("process", "status"), [("test:async", 201), ("test:sync", 200), ("test:make", 200)]
)
@proves("/req/core/process-execute-default-execution-mode")
def test_without_a_preference_an_execution_is_synchronous_where_it_can_be(
    service: Any, process: str, status: int
) -> None:
    inputs = {} if process == "test:make" else {"x": "a"}
    answer = service.post(process, {"inputs": inputs})
    assert answer.status_code == status
    assert "Preference-Applied" not in answer.headers


@pytest.mark.parametrize(
    ("process", "status", "applied"),
    [
        ("test:async", 201, "respond-async"),
        ("test:sync", 200, None),
        ("test:make", 201, "respond-async"),
    ],
)
@proves("/req/core/process-execute-auto-execution-mode", "/rec/core/process-execute-mode-auto")
@proves("/rec/core/process-execute-preference-applied")
@proves("/rec/core/process-execute-honor-prefer")
def test_respond_async_is_followed_where_it_can_be(
    service: Any, process: str, status: int, applied: str | None
) -> None:
    inputs = {} if process == "test:make" else {"x": "a"}
    answer = service.post(process, {"inputs": inputs}, Prefer="respond-async")
    assert answer.status_code == status
    assert answer.headers.get("Preference-Applied") == applied


@pytest.mark.parametrize(("seconds", "status"), [(0, 200), (20, 201)])
@proves("/rec/core/process-execute-honor-prefer", "/rec/core/process-execute-handle-prefer")
def test_a_job_that_ends_while_its_client_waits_answers_with_its_results(
    service: Any, seconds: float, status: int
) -> None:
    prefer = "respond-async, wait=1" if seconds else "respond-async, wait=10"
    answer = service.post("test:nap", {"inputs": {"seconds": seconds}}, Prefer=prefer)
    assert answer.status_code == status
    assert "wait=" in answer.headers["Preference-Applied"]
    if status == 201:
        service.request("DELETE", answer.headers["Location"])


@proves("/req/core/process-execute-default-outputs")
def test_without_outputs_all_are_given(service: Any) -> None:
    made = {"text", "number", "flag", "layer", "table", "blob"}
    for more in ({}, {"outputs": {}}):
        answer = service.post("test:make", {"response": "document", **more})
        assert set(answer.json()) == made


@proves("/req/core/process-execute-success-async")
def test_an_asynchronous_execution_tells_its_job(service: Any, problems: Any) -> None:
    answer = service.post("echo", {"inputs": TEXT}, Prefer="respond-async")
    info = answer.json()
    assert (answer.status_code, problems("statusInfo", info)) == (201, [])
    assert answer.headers["Location"] == f"{service.url}/jobs/{info['jobID']}"
    assert info["processID"] == "echo"
    assert service.ended(answer.headers["Location"])["status"] == "successful"


@proves("/req/core/test-process", "/rec/core/test-process")
def test_the_echo_waits_when_it_is_told_to(service: Any) -> None:
    job = service.submit("echo", {"inputs": {**TEXT, "pause": 60}})
    seen = service.until(lambda: (info := service.status(job)).get("progress", 0) > 0 and info, 20)
    assert seen["status"] == "running"
    service.request("DELETE", job)
