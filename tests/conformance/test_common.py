"""OGC API - Common, Part 1: parameters of queries, and what its other classes ask beyond Processes."""

import re
from typing import Any

import pytest

proves = pytest.mark.proves
TEXT = {"stringInput": "a"}


def ids(service: Any, query: str) -> list[str]:
    """The processes of jobs that are listed."""
    answer = service.get(f"/jobs?limit=1000&{query}")
    assert answer.status_code == 200, answer.text
    return [info["processID"] for info in answer.json()["jobs"]]


def seen(service: Any, query: str) -> Any:
    """What arrives at the engine of a process that is run by a query."""
    answer = service.get(f"/processes/test:look/execution?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def jobs(service: Any) -> None:
    """There are jobs of three processes; one has a comma and a blank in its id."""
    for process, inputs in (("echo", TEXT), ("test:async", {"x": "a"})):
        service.submit(process, {"inputs": inputs})
    service.submit("test:this%2C%20that", {"inputs": {"x": "a"}})


@pytest.fixture
def by_query(services: dict[str, Any]) -> Any:
    """Takes parameters of all types: inputs may stand in queries."""
    return services["by query"]


@pytest.mark.parametrize(
    "asked",
    [
        *("/processes?limit=0", "/processes?limit=ten", "/processes?offset=-1", "/?f=xml"),
        *("/jobs?limit=0", "/jobs?status=done", "/jobs?datetime=now", "/jobs?minDuration=1.5"),
        *("/jobs?type=task", "/jobs?cursor=x", "/api?f=yaml"),
    ],
)
@proves("/req/core/query-param-value-invalid@common")
def test_a_wrong_value_of_a_parameter_is_refused_by_its_name(service: Any, asked: str) -> None:
    answer = service.get(asked)
    assert answer.status_code == 400
    assert re.search(r"\?(\w+)=", asked)[1] in answer.json()["detail"]  # type: ignore[index]  # each has one


@proves("/req/core/query-param-capitalization@common")
def test_names_and_values_of_parameters_are_case_sensitive(service: Any, jobs: None) -> None:
    assert len(service.get("/processes?limit=1").json()["processes"]) == 1
    whole = service.get("/processes").json()["processes"]
    assert service.get("/processes?LIMIT=1&Limit=1").json()["processes"] == whole
    assert service.get("/jobs?status=Accepted").status_code == 400
    assert ids(service, "processID=Echo") == []


@proves("/req/core/query-param-list-delimiter@common")
def test_lists_are_separated_by_commas(service: Any, jobs: None) -> None:
    assert set(ids(service, "processID=echo,test:async")) == {"echo", "test:async"}
    assert service.get("/jobs?status=running,accepted,failed").status_code == 200
    for delimiter in (";", "|", "%20"):
        assert service.get(f"/jobs?status=running{delimiter}failed").status_code == 400
        assert ids(service, f"processID=echo{delimiter}test:async") == []


@proves("/req/core/query-param-list-escape@common")
def test_an_item_with_a_comma_and_a_blank_is_escaped(service: Any, jobs: None) -> None:
    assert set(ids(service, "processID=test:this%2C%20that")) == {"test:this, that"}
    both = "processID=echo&processID=test:this%2C%20that"
    assert set(ids(service, both)) == {"echo", "test:this, that"}


@proves("/req/core/query-param-list-empty@common")
def test_an_empty_item_of_a_list_is_no_item_and_no_error(service: Any, jobs: None) -> None:
    for query in ("processID=echo,,test:async", "processID=,echo,test:async,"):
        assert set(ids(service, query)) == {"echo", "test:async"}
    assert service.get("/jobs?status=").status_code == 200


@proves("/req/core/query-param-value-boolean@common")
def test_a_boolean_is_true_or_false(by_query: Any) -> None:
    assert seen(by_query, "flag=true") == {"flag": True}
    assert seen(by_query, "flag=false") == {"flag": False}
    for text in ("yes", "1", "TRUE"):
        answer = by_query.get(f"/processes/test:look/execution?flag={text}")
        assert answer.status_code == 400


@proves("/req/core/query-param-value-integer@common")
def test_an_integer_is_digits(service: Any, by_query: Any) -> None:
    assert len(service.get("/processes?limit=2").json()["processes"]) == 2
    assert service.get("/processes?limit=1.0").status_code == 400
    assert seen(by_query, "several=-7,12") == {"several": [-7, 12]}


@proves("/req/core/query-param-value-decimal@common")
def test_a_decimal_has_a_period(by_query: Any) -> None:
    assert seen(by_query, "several=-1.25,0.5") == {"several": [-1.25, 0.5]}


@proves("/req/core/query-param-value-double@common")
def test_a_double_may_have_an_exponent(by_query: Any) -> None:
    assert seen(by_query, "several=1.5e3,-2e-2") == {"several": [1500, -0.02]}


@proves("/rec/landing-page/api-definition-op@common")
def test_the_api_definition_is_at_api(service: Any) -> None:
    told = {link["rel"]: link["href"] for link in service.get("/").json()["links"]}
    assert told["service-desc"].startswith(f"{service.url}/api")
    assert service.get("/api").status_code == 200


@proves("/req/json/content@common")
def test_landing_page_and_conformance_are_valid(service: Any, problems: Any) -> None:
    for path, schema in (("/", "landingPage"), ("/conformance", "confClasses")):
        assert problems(schema, service.get(path).json()) == []


@proves("/rec/core/etag@common")
def test_what_did_not_change_is_not_sent_again(service: Any) -> None:
    for path in ("/", "/conformance", "/api", "/processes", "/processes/echo"):
        first = service.get(path)
        again = service.get(path, If_None_Match=first.headers["ETag"])
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("language", ["en", "de", "fr"])
@proves("/rec/core/string-i18n@common")
def test_a_page_says_its_language(service: Any, language: str) -> None:
    page = service.get("/", Accept="text/html", Accept_Language=language)
    assert page.headers["Content-Language"] == language
    assert f'<html lang="{language}"' in page.text
