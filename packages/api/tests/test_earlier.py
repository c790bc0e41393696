"""What was run before, on the page of a process: its last jobs, how long it takes, results as inputs."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from qanat_common.errors import Unavailable
from qanat_common.ogc import GEOJSON
from qanat_common.protocol import Reference, Value

BASE = "http://qanat.test"
LAYER = json.dumps({"type": "FeatureCollection", "features": []}).encode()
RESULT = "inputs/INPUT/result"


@pytest.fixture
def made(api: Any) -> str:
    """The path of a job that made a layer, a picture and a number."""
    api.worker.returns(
        file=("cities.geojson", LAYER, GEOJSON),
        blob=("photo.png", b"\x89PNG", "image/png"),
        count=Value(value=3),
    )
    path: str = api.submit()
    return path


def test_results_that_fit_may_be_chosen_for_a_layer(page: Callable[..., Any], made: str) -> None:
    (chosen,) = page("/processes/native:buffer").find("select", name=RESULT)
    assert "Echo: file" in chosen.text
    assert "photo" not in chosen.text
    values = [e.attributes["value"] for e in page("/processes/native:buffer").find("option")]
    assert f"{BASE}{made}/results/file" in values


def test_where_nothing_was_made_there_is_nothing_to_choose(page: Callable[..., Any]) -> None:
    assert page("/processes/native:buffer").find("select", name=RESULT) == []
    assert "Run before" not in page("/processes/native:buffer").text


def test_a_chosen_result_is_an_input_that_needs_no_request(api: Any, made: str) -> None:
    href = f"{BASE}{made}/results/file"
    answer = api.http.post(
        "/processes/native:buffer/form",
        files=[(RESULT, (None, href)), ("inputs/INPUT/file", ("", b""))],
        headers={"Accept": "text/html", "Sec-Fetch-Site": "same-origin"},
        follow_redirects=False,
    )
    assert answer.status_code == 303, answer.text
    given = api.worker.sent[-1].inputs["INPUT"]
    assert isinstance(given, Reference)
    assert (given.href, given.media_type) == (href, GEOJSON)
    assert given.key == f"{made[1:]}/cities.geojson"


def test_a_choice_stays_where_something_else_is_wrong(
    api: Any, read_page: Callable[..., Any], made: str
) -> None:
    href = f"{BASE}{made}/results/file"
    answer = api.http.post(
        "/processes/native:buffer/form",
        files=[(RESULT, (None, href)), ("inputs/DISTANCE", (None, "far"))],
        headers={"Accept": "text/html", "Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 400
    (option,) = read_page(answer).find("option", value=href)
    assert "selected" in option.attributes


def test_the_last_jobs_of_a_process_can_be_run_again(
    api: Any, page: Callable[..., Any], made: str
) -> None:
    shown = page("/processes/test:echo")
    job = made.rpartition("/")[2]
    assert f"{BASE}/processes/test:echo?again={job}" in shown.hrefs
    assert f"{BASE}{made}" in shown.hrefs
    assert "Takes as a rule" in shown.text
    assert "(median; runs: 1)" in " ".join(shown.text.split())
    assert f"{BASE}{made}" not in page("/processes/native:buffer").hrefs


def test_a_job_that_failed_says_nothing_of_how_long_it_takes(
    api: Any, page: Callable[..., Any]
) -> None:
    api.worker.fails("process-failed", "no")
    api.submit()
    shown = page("/processes/test:echo")
    assert "Failed" in shown.text
    assert "Takes as a rule" not in shown.text


def test_while_the_store_is_away_the_page_is_there_all_the_same(
    api: Any, page: Callable[..., Any], made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*asked: Any) -> None:
        raise Unavailable("the store is away")

    monkeypatch.setattr(api.store, "list", away)
    shown = page("/processes/native:buffer")
    assert shown.status == 200
    assert shown.find("select", name=RESULT) == []
