"""The 2.0 draft, beside 1.0: results as they are preferred, profiles, and the status in both words."""

import json
from base64 import b64encode
from typing import Any

import pytest

proves = pytest.mark.proves
PROFILE = "https://www.opengis.net/def/profile/OGC/0/"
TYPE = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
MINIMAL, REPRESENTATION = {"Prefer": "return=minimal"}, {"Prefer": "return=representation"}
GEOPACKAGE = "application/geopackage+sqlite3"
SMALL = {"text": "hello", "number": 0, "flag": False}


def profiles(answer: Any) -> list[str]:
    found = [link for link in answer.headers.get_list("Link", True) if 'rel="profile"' in link]
    return [link.partition(">")[0].strip().removeprefix("<" + PROFILE) for link in found]


@proves("/req/core/job-success@2.0")
@proves("/rec/core/job-links@2.0")
def test_the_status_of_a_job_is_told_in_both_words(service: Any) -> None:
    job = service.submit("test:make", {"response": "document"})
    info = service.ended(job)
    assert info["id"] == info["jobID"] == job.rpartition("/")[2]
    assert (info["type"], info["processingEntityType"]) == ("process", "ogc-api-processes")
    rels = {link["rel"].rpartition("/")[2] for link in info["links"]}
    assert {"monitor", "results", "log"} <= rels
    failed = service.ended(service.submit("test:fail", {"inputs": {"x": "a"}}))
    assert failed["exception"]["status"] == 500
    assert failed["exception"]["detail"] == failed["message"]
    listed = service.get("/jobs?limit=1").json()["jobs"][0]
    assert listed["id"] == listed["jobID"]


@proves("/req/core/process-summary-links@2.0")
def test_a_summary_links_to_its_description_and_the_page_of_it(service: Any) -> None:
    for process in service.get("/processes").json()["processes"]:
        links = {link["rel"]: link["type"] for link in process["links"]}
        assert links["self"] == "application/json"
        assert links["alternate"] == "text/html"


@pytest.mark.parametrize("later", [False, True], ids=["sync", "results"])
@pytest.mark.parametrize("prefer", [MINIMAL, REPRESENTATION])
@proves("/req/core/process-execute-sync-many-json@2.0", "/req/core/job-results-async-many@2.0")
@proves("/rec/core/process-execute-honor-return-preference@2.0")
def test_several_results_are_a_document_for_those_who_say_how_they_prefer_it(
    service: Any, later: bool, prefer: dict[str, str]
) -> None:
    if later:
        job = service.submit("test:make", {}, **prefer)
        service.ended(job)
        answer = service.get(f"{job}/results")
    else:
        answer = service.post("test:make", {}, **prefer)
        assert answer.headers["Preference-Applied"] == prefer["Prefer"]
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert profiles(answer) == ["ogc-results"]
    document = answer.json()
    assert {name: document[name] for name in SMALL} == SMALL
    assert document["blob"]["value"] == b64encode(bytes(range(256))).decode()


@proves("/rec/core/process-execute-sync-many-json-prefer-minimal@2.0")
@proves("/rec/core/process-execute-sync-many-json-prefer-representation@2.0")
def test_what_is_large_is_a_link_where_little_is_preferred(service: Any) -> None:
    text = "large " * 20_000
    inputs = {"complexInput": {"value": f"<a>{text}</a>", "mediaType": "application/gml+xml"}}
    body = {"inputs": {"stringInput": "a", **inputs}}
    small = service.post("echo", body, **MINIMAL).json()
    assert small["stringInput"] == "a"
    assert text in service.get(small["complexInput"]["href"]).text
    whole = service.post("echo", body, **REPRESENTATION).json()
    assert text in whole["complexInput"]["value"]


@proves(
    "/req/core/process-execute-sync-one@2.0",
    "/req/core/process-execute-sync-one-default-content@2.0",
)
def test_one_result_is_the_value_itself(service: Any) -> None:
    for headers in ({}, MINIMAL, REPRESENTATION):
        answer = service.post("test:make", {"outputs": {"layer": {}}}, **headers)
        assert answer.headers["Content-Type"] == "application/geo+json"
        assert answer.json() == {"type": "FeatureCollection", "features": []}


@proves("/req/core/process-execute-sync-one@2.0")
def test_accept_chooses_the_format_of_one_result(service: Any) -> None:
    """The engine makes no other format here: the job is told which one is asked for."""
    body = {"outputs": {"layer": {}}}
    asked = {"Accept": "application/geo+json", "Prefer": "respond-async"}
    job = service.post("test:make", body, **asked).headers["Location"]
    service.ended(job)
    request = service.get(f"{job}/inputs").json()
    assert request["outputs"]["layer"]["format"] == {"mediaType": "application/geo+json"}


@proves("/req/core/process-execute-sync-outputs-empty@2.0")
@proves("/req/core/process-execute-success-async-outputs-empty@2.0")
@proves("/req/core/job-results-exception/results-not-available@2.0")
def test_who_asks_for_no_outputs_gets_none(service: Any) -> None:
    now = service.post("test:make", {"outputs": {}}, **MINIMAL)
    assert (now.status_code, now.content) == (204, b"")
    job = service.submit("test:make", {"outputs": {}}, **MINIMAL)
    assert service.ended(job)["status"] == "successful"
    for path in ("results", "results/text"):
        answer = service.get(f"{job}/{path}")
        assert (answer.status_code, answer.json()["type"]) == (404, TYPE + "result-not-available")


@proves("/req/core/process-execute-sync-outputs-omitted@2.0")
def test_who_says_nothing_of_outputs_gets_all(service: Any) -> None:
    assert set(service.post("test:make", {}, **MINIMAL).json()) == {
        *SMALL,
        *("layer", "table", "blob"),
    }


@proves("/req/core/job-result-op@2.0", "/req/core/job-results-async-one@2.0")
def test_each_result_has_an_address(service: Any) -> None:
    job = service.submit("test:make", {}, **MINIMAL)
    service.ended(job)
    answer = service.get(f"{job}/results/blob")
    assert (answer.content, answer.headers["Content-Type"]) == (bytes(range(256)), GEOPACKAGE)
    assert service.get(f"{job}/results/text").text == "hello"


@proves(
    "/req/core/job-results-param-outputs@2.0", "/req/core/job-results-param-outputs-response@2.0"
)
def test_results_may_be_some_of_the_outputs(service: Any) -> None:
    job = service.submit("test:make", {}, **MINIMAL)
    service.ended(job)
    assert service.get(f"{job}/results?outputs=text,flag").json() == {
        "text": "hello",
        "flag": False,
    }
    assert service.get(f"{job}/results?outputs=text").json() == {"text": "hello"}
    old = service.submit("test:make", {})
    service.ended(old)
    assert service.get(f"{old}/results?outputs=text").text == "hello"
    two = service.get(f"{old}/results?outputs=text,flag")
    assert two.headers["Content-Type"].startswith("multipart/related")
    document = service.submit("test:make", {"response": "document"})
    service.ended(document)
    assert service.get(f"{document}/results?outputs=flag").json() == {"flag": False}
    parameters = service.get("/api").json()["components"]["parameters"]
    assert parameters["outputs"]["explode"] is False


@proves("/req/core/job-results-exception/invalid-query-parameter-value@2.0")
def test_an_output_that_there_is_not_cannot_be_named(service: Any) -> None:
    job = service.submit("test:make", {"outputs": {"text": {}, "flag": {}}}, **MINIMAL)
    service.ended(job)
    answer = service.get(f"{job}/results?outputs=text,none")
    assert answer.status_code == 400
    assert answer.json()["type"] == TYPE + "invalid-query-parameter-value"
    assert "text, flag" in answer.json()["detail"]


@proves("/req/core/job-results-exception/no-such-output@2.0")
def test_an_output_that_was_not_made_is_told(service: Any) -> None:
    job = service.submit("test:make", {"outputs": {"text": {}}}, **MINIMAL)
    service.ended(job)
    for name, status in (("none", 400), ("blob", 404)):
        answer = service.get(f"{job}/results/{name}")
        assert (answer.status_code, answer.json()["type"]) == (status, TYPE + "no-such-output")


@proves("/req/core/job-results-profile@2.0")
@pytest.mark.parametrize(
    "name", ["ogc-results", PROFILE + "ogc-results", "[ogc-profile:ogc-results]"]
)
def test_results_are_a_document_where_the_profile_says_so(service: Any, name: str) -> None:
    job = service.submit("test:make", {"outputs": {"text": {}}})
    service.ended(job)
    for answer in (
        service.get(f"{job}/results?profile={name}"),
        service.client.post(
            service.address(f"/processes/test:make/execution?profile={name}"),
            json={"outputs": {"text": {}}},
        ),
    ):
        assert answer.headers["Content-Type"] == "application/json"
        assert profiles(answer) == ["ogc-results"]
        assert answer.json() == {"text": "hello"}
        assert "Preference-Applied" not in answer.headers


@proves("/req/query-param-profile/definition", "/req/query-param-profile/response")
def test_profiles_are_taken_and_named(service: Any) -> None:
    job = service.submit("echo", {"inputs": {"stringInput": "a"}})
    service.ended(job)
    for path, name in (
        ("/processes", "ogc-process-list"),
        ("/processes?limit=1", "ogc-process-list"),
        ("/processes/echo", "ogc-process-description"),
        ("/jobs", "jobs-list"),
        (job, "job-description"),
    ):
        mark = "&" if "?" in path else "?"
        for asked in (path, f"{path}{mark}profile={name}", f"{path}{mark}profile=none,{name}"):
            answer = service.get(asked)
            assert (answer.status_code, profiles(answer)) == (200, [name])
    assert service.get(f"{job}?profile=job-description").json()["processID"] == (
        f"{service.url}/processes/echo"
    )
    assert service.get(job).json()["processID"] == "echo"


@proves("/rec/core/process-execute-honor-return-preference@2.0")
def test_the_words_of_1_0_go_before_the_preference(service: Any) -> None:
    reference = {"text": {"transmissionMode": "reference"}}
    assert service.post("test:make", {"outputs": reference}, **MINIMAL).status_code == 204
    raw = service.post("test:make", {"response": "raw"}, **MINIMAL)
    assert raw.headers["Content-Type"].startswith("multipart/related")
    assert "Preference-Applied" not in raw.headers
    document = service.post("test:make", {"response": "document"}, **REPRESENTATION)
    assert json.loads(document.content)["text"] == "hello"
