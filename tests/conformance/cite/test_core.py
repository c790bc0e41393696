"""The official suite: General, LandingPage, Conformance, ProcessList, Process (12 tests)."""

import uuid
from typing import Any

import pytest

cite = pytest.mark.cite
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
CORE = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core"
REST_ASSURED = {"Accept": "application/json, application/javascript, text/javascript, text/json"}
JAVA = {"Accept": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"}


def test_the_suite_can_begin_with_the_accept_header_of_java(suite: Any) -> None:
    answer = suite.get("", JAVA)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"]


@cite("GeneralHttp.testHttp")
def test_the_status_line_says_http_1_1(suite: Any) -> None:
    assert suite.get("/", {"Accept": "*/*"}).http_version == "HTTP/1.1"


@cite("LandingPage.testLandingPageRetrieval")
def test_the_landing_page_is_json(suite: Any) -> None:
    answer = suite.get("/", REST_ASSURED)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")


@cite("LandingPage.testLandingPageValidation")
def test_the_landing_page_has_its_links(suite: Any) -> None:
    answer = suite.get("/", REST_ASSURED)
    assert answer.status_code == 200
    rels = {link["rel"] for link in answer.json()["links"]}
    assert rels & {"service-desc", "service-doc"}
    assert rels & {f"{REL}conformance", "conformance"}
    assert rels & {f"{REL}processes", "processes"}
    suite.valid_remotely("landingPage", answer)


@cite("Conformance.testValidateConformanceOperationAndResponse")
def test_the_conformance_classes_are_texts_and_core_is_one(suite: Any) -> None:
    answer = suite.get("/conformance", REST_ASSURED)
    assert answer.status_code == 200
    suite.valid_remotely("confClasses", answer)
    assert all(isinstance(uri, str) for uri in answer.json()["conformsTo"])
    assert CORE in answer.json()["conformsTo"]


@cite("ProcessList.testPlLimitDefinition")
def test_the_limit_is_defined(suite: Any) -> None:
    """The original looks into its own API definition only, and always passes."""
    assert suite.options


@cite("ProcessList.testPlLimitResponse")
def test_a_limit_of_one_gives_exactly_one(suite: Any) -> None:
    assert len(suite.get("/processes?limit=1").json()["processes"]) == 1


@cite("ProcessList.testPlLinks")
def test_the_list_has_an_array_of_links(suite: Any) -> None:
    assert isinstance(suite.get("/processes?limit=1").json()["links"], list)


@cite("ProcessList.testProcessList")
def test_the_list_has_a_process(suite: Any) -> None:
    assert suite.get("/processes").json()["processes"]


@cite("ProcessList.testProcessListSuccess")
def test_the_list_is_valid(suite: Any) -> None:
    answer = suite.get("/processes")
    assert answer.headers["Content-Type"]
    suite.valid_remotely("processList", answer)


@cite("Process.testProcess")
def test_the_echo_can_be_had(suite: Any) -> None:
    suite.valid("process", suite.get("/processes/echo"))


@cite("Process.testProcessSuccess")
def test_the_echo_is_valid(suite: Any) -> None:
    answer = suite.get("/processes/echo")
    assert answer.status_code == 200
    suite.valid("process", answer)


@cite("Process.testProcessExceptionNoSuchProcess")
def test_an_unknown_process_is_an_exception(suite: Any) -> None:
    answer = suite.get(f"/processes/invalid-process-{uuid.uuid4()}")
    assert answer.status_code >= 400
    suite.valid("process", answer)
