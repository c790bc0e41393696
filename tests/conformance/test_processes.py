"""Core and OGC process description: the list and the descriptions."""

from typing import Any
from urllib.parse import quote

import pytest

proves = pytest.mark.proves
NO_SUCH_PROCESS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-process"


def ids(answer: Any) -> list[str]:
    return [process["id"] for process in answer.json()["processes"]]


def link(answer: Any, rel: str) -> str | None:
    found = [each["href"] for each in answer.json()["links"] if each["rel"] == rel]
    return found[0] if found else None


@proves("/req/core/process-list", "/req/core/process-list-success")
def test_every_process_is_listed(service: Any, problems: Any) -> None:
    answer = service.get("/processes")
    assert (answer.status_code, problems("processList", answer.json())) == (200, [])
    assert {"qanat:echo", "echo", "test:sync", "test:look"} <= set(ids(answer))
    for process in answer.json()["processes"]:
        own = {each["rel"]: each["href"] for each in process["links"]}
        assert own["self"] == f"{service.url}/processes/{quote(process['id'], safe=':')}"


@proves("/req/core/pl-limit-definition", "/req/core/pl-limit-response")
def test_limit_bounds_the_list(service: Any) -> None:
    everything = len(ids(service.get("/processes")))
    for limit in (1, 2, everything, 10000):
        assert len(ids(service.get(f"/processes?limit={limit}"))) == min(limit, everything)


@pytest.mark.parametrize("limit", ["0", "-1", "1.5", "many", "", "1e2"])
@proves("/req/core/pl-limit-definition")
def test_a_limit_that_is_no_whole_number_from_1_on_is_refused(
    service: Any, problems: Any, limit: str
) -> None:
    answer = service.get(f"/processes?limit={limit}")
    assert (answer.status_code, problems("exception", answer.json())) == (400, [])
    assert "limit" in answer.json()["detail"]


@proves("/req/core/pl-limit-definition")
def test_the_api_definition_has_the_limit(service: Any) -> None:
    definition = service.get("/api").json()
    named = definition["paths"]["/processes"]["get"]["parameters"]
    limit = next(
        definition["components"]["parameters"][each["$ref"].rpartition("/")[2]]
        for each in named
        if each["$ref"].endswith("/limit")
    )
    assert (limit["name"], limit["in"], limit.get("required", False)) == ("limit", "query", False)
    assert (limit["schema"]["type"], limit["schema"]["minimum"]) == ("integer", 1)


@proves("/req/core/pl-links", "/rec/core/next-1", "/rec/core/next-2", "/rec/core/next-3")
def test_following_next_gives_every_process_once(service: Any) -> None:
    answer, found = service.get("/processes?limit=2"), []
    assert link(answer, "self") is not None
    assert ids(service.get(link(answer, "self") or "")) == ids(answer)
    while True:
        found += ids(answer)
        after = link(answer, "next")
        if after is None:
            break
        assert "limit=2" in after
        answer = service.get(after)
    assert found == ids(service.get("/processes"))


@pytest.mark.parametrize("path", ["echo", "qanat:echo", "qanat%3Aecho", "qanat%3aecho"])
@proves("/req/core/process", "/req/core/process-success", "/req/core/test-process")
def test_a_process_is_described(service: Any, problems: Any, path: str) -> None:
    answer = service.get(f"/processes/{path}")
    assert (answer.status_code, problems("process", answer.json())) == (200, [])
    assert answer.json()["id"] == path.replace("%3A", ":").replace("%3a", ":")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/processes/no-such"), ("POST", "/processes/no-such/execution")],
)
@proves("/req/core/process-exception/no-such-process")
def test_an_unknown_process_is_told_by_the_type_of_the_standard(
    service: Any, problems: Any, method: str, path: str
) -> None:
    answer = service.request(method, path)
    assert (answer.status_code, answer.json()["type"]) == (404, NO_SUCH_PROCESS)
    assert problems("exception", answer.json()) == []


@proves("/req/ogc-process-description/json-encoding", "/rec/core/ogc-process-description")
@proves("/req/ogc-process-description/input-def", "/req/ogc-process-description/output-def")
def test_every_description_is_valid_by_the_closed_schema_of_1_0(
    service: Any, problems: Any
) -> None:
    for name in ids(service.get("/processes")):
        description = service.get(f"/processes/{name}").json()
        assert problems("process", description) == [], name
        for about in (*description["inputs"].values(), *description["outputs"].values()):
            assert problems("schema", about["schema"]) == []


@proves("/req/ogc-process-description/inputs-def", "/req/ogc-process-description/outputs-def")
def test_inputs_and_outputs_stand_under_their_ids(service: Any) -> None:
    echo = service.get("/processes/echo").json()
    assert list(echo["inputs"]) == [
        *("stringInput", "bboxInput", "arrayInput", "complexInput", "pause")
    ]
    assert set(echo["outputs"]) == set(echo["inputs"]) - {"pause"}
    required = [name for name, about in echo["inputs"].items() if about["minOccurs"] > 0]
    assert required == ["stringInput"]


@proves("/req/ogc-process-description/input-mixed-type")
@proves("/req/ogc-process-description/output-mixed-type")
@proves("/req/ogc-process-description/input-binary")
def test_several_types_are_a_oneof_and_binary_is_encoded_text(service: Any) -> None:
    echo = service.get("/processes/echo").json()
    for about in (echo["inputs"]["complexInput"], echo["outputs"]["complexInput"]):
        one_of = about["schema"]["oneOf"]
        kinds = {each["contentMediaType"]: each for each in one_of}
        assert kinds["image/tiff; application=geotiff"]["contentEncoding"] == "base64"
        assert "contentEncoding" not in kinds["application/gml+xml; version=3.2"]


@proves("/rec/ogc-process-description/format-key")
@proves("/rec/ogc-process-description/format-short-code")
def test_the_meaning_of_a_value_is_told_by_its_format(service: Any) -> None:
    box = service.get("/processes/echo").json()["inputs"]["bboxInput"]["schema"]
    assert box["allOf"][0] == {"format": "ogc-bbox"}
    layer = service.get("/processes/test:look").json()["inputs"]["layer"]["schema"]
    assert layer["oneOf"][0]["format"] == "geojson-feature-collection"
