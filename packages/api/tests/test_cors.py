"""Pages of other sites: they may nothing unless the settings say so."""

from collections.abc import Callable
from typing import Any

import pytest

APP = "https://app.example.org"
PREFLIGHT = {
    "Origin": APP,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,prefer",
}


@pytest.fixture
def open_api(make_api: Callable[..., Any]) -> Any:
    return make_api(cors={"origins": [APP], "max_age": 60})


def test_by_default_no_other_site_may_read_anything(api: Any) -> None:
    answers = [
        api.http.get("/processes", headers={"Origin": APP}),
        api.http.options("/processes/test:echo/execution", headers=PREFLIGHT),
    ]
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_site_that_may_is_told_so_and_reads_the_headers_it_needs(open_api: Any) -> None:
    answer = open_api.http.get("/processes", headers={"Origin": APP})
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert "Access-Control-Allow-Credentials" not in answer.headers
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Location", "Link", "Preference-Applied", "Retry-After", "ETag"} <= set(exposed)
    assert "Origin" in answer.headers["Vary"].split(", ")
    assert "Accept" in answer.headers["Vary"].split(", ")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_a_preflight_is_answered(open_api: Any, method: str) -> None:
    asked = PREFLIGHT | {"Access-Control-Request-Method": method}
    answer = open_api.http.options("/processes/test:echo/execution", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert method in answer.headers["Access-Control-Allow-Methods"]
    assert "Prefer" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Max-Age"] == "60"


def test_another_site_may_not(open_api: Any) -> None:
    other = {"Origin": "https://evil.example"}
    assert "Access-Control-Allow-Origin" not in open_api.http.get("/", headers=other).headers
    refused = open_api.http.options("/", headers=PREFLIGHT | other)
    assert refused.status_code == 400
    assert "Access-Control-Allow-Origin" not in refused.headers


def test_errors_can_be_read_too_even_those_that_are_our_own_fault(open_api: Any) -> None:
    missing = open_api.http.get("/jobs/none", headers={"Origin": APP})
    open_api.worker.error = RuntimeError("broken")
    body = {"inputs": {"text": "a"}}
    broken = open_api.http.post(
        "/processes/test:echo/execution", json=body, headers={"Origin": APP}
    )
    assert (missing.status_code, broken.status_code) == (404, 500)
    for answer in (missing, broken):
        assert answer.headers["Access-Control-Allow-Origin"] == APP


def test_all_sites_may_where_the_settings_say_all(make_api: Callable[..., Any]) -> None:
    answer = make_api(cors={"origins": ["*"]}).http.get("/", headers={"Origin": APP})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_options_without_an_origin_still_tells_the_methods(open_api: Any) -> None:
    answer = open_api.http.options("/processes")
    assert (answer.status_code, answer.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")
