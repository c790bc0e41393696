"""The official suite: OGCProcessDescription (7 tests) and, run last there, JobList (2)."""

from typing import Any

import pytest

cite = pytest.mark.cite


@pytest.fixture
def echo(suite: Any) -> Any:
    """The description, after the list, as the original asks for them."""
    assert suite.get("/processes").status_code == 200
    return suite.get("/processes/echo")


@cite("OGCProcessDescription.testOGCProcessDescriptionJSON")
def test_the_description_is_valid(suite: Any, echo: Any) -> None:
    suite.valid("process", echo)


@cite("OGCProcessDescription.testOGCProcessDescriptionInputsDef")
def test_there_are_inputs(echo: Any) -> None:
    assert "inputs" in echo.json()


@cite("OGCProcessDescription.testOGCProcessDescriptionOutputsDef")
def test_there_are_outputs(echo: Any) -> None:
    assert "outputs" in echo.json()


@cite("OGCProcessDescription.testOGCProcessDescriptionInputDef")
def test_each_input_has_a_schema(echo: Any) -> None:
    assert all("schema" in about for about in echo.json()["inputs"].values())


@cite("OGCProcessDescription.testOGCProcessDescriptionOutputDef")
def test_each_output_has_a_schema(echo: Any) -> None:
    assert all("schema" in about for about in echo.json()["outputs"].values())


@cite("OGCProcessDescription.testOGCProcessDescriptionInputDefinitionOfMixedType")
def test_an_input_is_of_mixed_type(echo: Any) -> None:
    assert any("oneOf" in about["schema"] for about in echo.json()["inputs"].values())


@cite("OGCProcessDescription.testOGCProcessDescriptionOutputDefinitionOfMixedType")
def test_an_output_is_of_mixed_type(echo: Any) -> None:
    assert any("oneOf" in about["schema"] for about in echo.json()["outputs"].values())


@cite("JobList.testJobList")
def test_the_job_list_is_not_empty(suite: Any) -> None:
    suite.later(suite.normal())
    assert suite.get("/jobs").json()["jobs"]


@cite("JobList.testJobListSuccess")
def test_the_job_list_is_valid(suite: Any) -> None:
    suite.later(suite.normal())
    suite.valid_remotely("jobList", suite.get("/jobs"))
