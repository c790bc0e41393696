"""The official suite: Jobs (33 tests)."""

import uuid
from typing import Any

import pytest

cite = pytest.mark.cite
TEXT = "teststring"
NOT_READY = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/result-not-ready"
FINE = (200, 201)
ARRAYS = {"integer": [1, 2, 3], "string": ["test1", "test2", "test3"]}


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"outputs": None}, marks=cite("Jobs.testJobCreationDefaultOutputs")),
        pytest.param({}, marks=cite("Jobs.testJobCreationInputInline")),
        pytest.param({}, marks=cite("Jobs.testJobCreationInputInlineBinary")),
        pytest.param({}, marks=cite("Jobs.testJobCreationInputInlineMixed")),
        pytest.param({}, marks=cite("Jobs.testJobCreationInputInlineObject")),
        pytest.param({}, marks=cite("Jobs.testJobCreationInputs")),
        pytest.param({}, marks=cite("Jobs.testJobOp")),
        pytest.param({"response": "document"}, marks=cite("Jobs.testJobCreationSyncDocument")),
        pytest.param({"response": "raw"}, marks=cite("Jobs.testJobCreationSyncRawMixedMulti")),
        pytest.param({"response": "raw"}, marks=cite("Jobs.testJobCreationSyncRawRef")),
        pytest.param({"response": "raw"}, marks=cite("Jobs.testJobCreationSyncRawValueMulti")),
    ],
)
def test_a_normal_request_succeeds(suite: Any, asked: dict[str, Any]) -> None:
    """The original looks at the status alone; without a binary input it sends none."""
    body = {name: value for name, value in suite.normal(**asked).items() if value is not None}
    assert suite.post(body).status_code in FINE


@cite("Jobs.testJobCreationAutoExecutionMode")
def test_with_respond_async_it_is_accepted_or_done(suite: Any) -> None:
    assert suite.later(suite.normal()).status_code in FINE


@cite("Jobs.testJobCreationDefaultExecutionMode")
def test_without_a_preference_it_is_done(suite: Any) -> None:
    assert suite.post(suite.normal()).status_code == 200


@cite("Jobs.testJobCreationInputArray")
def test_an_array_is_taken(suite: Any) -> None:
    first = next(put for put in suite.inputs if put.of("array"))
    items = next(one["type"] for one in first.types if one["type"] != "array")
    outputs = [put.name for put in suite.outputs if put.of("array")][:1]
    inputs = {**suite.given(), first.name: ARRAYS.get(items, [])}
    body = {"inputs": inputs, "outputs": suite.wanted(*outputs) if outputs else {}}
    assert suite.post(body).status_code in FINE


@cite("Jobs.testJobCreationInputInlineBbox")
def test_a_bounding_box_is_taken(suite: Any) -> None:
    first = next(put for put in suite.inputs if put.bbox)
    crs = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
    boxes = [put.name for put in suite.outputs if put.bbox]
    inputs = {**suite.given(), first.name: {"bbox": [51.9, 7, 52, 7.1], "crs": crs}}
    for outputs in (suite.wanted(*boxes), {}):
        assert suite.post({"inputs": inputs, "outputs": outputs}).status_code in FINE


@cite("Jobs.testJobCreationInputRef")
def test_what_is_sent_comes_back_in_a_part(suite: Any) -> None:
    """There is no input that the suite takes for binary, so it sends no reference."""
    suite.echoed(suite.post(suite.normal()))


@cite("Jobs.testJobCreationInputValidation")
def test_a_wrong_input_is_refused(suite: Any) -> None:
    suite.echoed(suite.post(suite.normal()))
    typed = [p.name for p in suite.inputs if any("contentMediaType" in one for one in p.types)]
    assert typed, "the original would skip"
    wrong = {name: {"type": f"wrong/type_{uuid.uuid4()}"} for name in typed}
    answer = suite.post({"inputs": suite.given() | wrong, "outputs": suite.wanted()})
    assert answer.status_code in (400, 500)
    kind = answer.headers["Content-Type"]
    assert kind == "application/json" or kind.startswith("application/json;")
    suite.valid_remotely("exception", answer)


@cite("Jobs.testJobCreationOp")
def test_a_job_is_created_though_prefer_ends_with_a_blank(suite: Any) -> None:
    suite.told(suite.later(suite.normal(), "respond-async "))


@cite("Jobs.testJobCreationRequest")
def test_an_execute_request_creates_a_job(suite: Any) -> None:
    suite.told(suite.later(suite.normal()))


@cite("Jobs.testJobCreationSuccessAsync")
def test_a_created_job_has_a_valid_status(suite: Any) -> None:
    answer = suite.later(suite.normal())
    suite.valid("statusInfo", answer)
    suite.told(answer)


@cite("Jobs.testJobCreationSyncRawValueOne")
def test_one_raw_output_is_the_text(suite: Any) -> None:
    answer = suite.post(suite.one_output())
    assert answer.status_code in FINE
    assert TEXT in answer.text


@pytest.mark.parametrize("collection", ["jobs", "processes"])
@cite("Jobs.testJobExceptionNoSuchJob")
def test_an_unknown_job_is_an_exception(suite: Any, collection: str) -> None:
    """The original asks below /processes in some of its versions."""
    answer = suite.get(f"/{collection}/invalid-job-{uuid.uuid4()}")
    assert answer.status_code >= 400
    suite.valid("jobList", answer)


@pytest.mark.parametrize("collection", ["jobs", "processes"])
@cite("Jobs.testJobResultsNoSuchJob")
def test_results_of_an_unknown_job_are_an_exception(suite: Any, collection: str) -> None:
    answer = suite.get(f"/{collection}/invalid-job-{uuid.uuid4()}/results")
    assert answer.status_code >= 400
    suite.valid("results", answer)


@cite("Jobs.testJobResultsExceptionResultsNotReady")
def test_results_are_not_ready_while_the_echo_pauses(suite: Any) -> None:
    assert any(put.name == "pause" for put in suite.inputs), "the original would skip"
    first = suite.inputs[0].name
    answer = suite.later(suite.one_output(**{first: TEXT, "pause": 5}))
    job = answer.headers["Location"]
    suite.get(job)
    results = suite.get(f"{job}/results")
    assert (results.status_code, results.json()["type"]) == (404, NOT_READY)
    suite.valid_remotely("exception", results)


@cite("Jobs.testJobResultsFailed")
def test_a_request_without_inputs_is_an_exception(suite: Any) -> None:
    answer = suite.post({"invalid-execute-request": "true)"})
    assert answer.status_code > 200
    suite.valid("executeResponse", answer)


@cite("Jobs.testJobResults")
def test_a_job_is_created_and_found(suite: Any) -> None:
    answer = suite.post(suite.normal(), "respond-async")
    assert answer.status_code == 201
    status = suite.get(answer.headers["Location"])
    assert status.status_code == 200
    suite.valid_remotely("statusInfo", status)


@cite("Jobs.testJobResultsAsyncDocument")
def test_a_document_may_be_asked_for_later(suite: Any) -> None:
    assert suite.later(suite.normal(response="document")).status_code in FINE


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, marks=cite("Jobs.testJobResultsAsyncRawMixedMulti")),
        pytest.param({}, marks=cite("Jobs.testJobResultsAsyncRawRef")),
        pytest.param({}, marks=cite("Jobs.testJobResultsAsyncRawValueMulti")),
    ],
)
def test_raw_outputs_may_be_asked_for_later(suite: Any, more: dict[str, Any]) -> None:
    """The original sends the same for all three, and fetches the status only."""
    answer = suite.later(suite.normal(**more))
    suite.valid("statusInfo", suite.get(answer.headers["Location"]))


@cite("Jobs.testJobResultsAsyncRawValueOne")
def test_one_raw_output_is_found_by_the_links_of_its_job(suite: Any) -> None:
    answer = suite.later(suite.one_output())
    if answer.status_code == 200:
        assert answer.json() == TEXT
        return
    suite.loop(suite.get(answer.headers["Location"]).json())


@cite("Jobs.testJobResultsSync")
def test_a_synchronous_answer_has_no_link_that_the_suite_cannot_read(suite: Any) -> None:
    """A link in the form of RFC 8288 is an error of the original; one without <> is none of ours."""
    answer = suite.post(suite.normal())
    assert answer.status_code in FINE
    assert answer.headers.get_list("Link") == []


@cite("Jobs.testJobSuccess")
def test_the_status_is_json_without_an_accept_header(suite: Any) -> None:
    suite.told(suite.later(suite.normal(), "respond-async "))
