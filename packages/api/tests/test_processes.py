"""The process list and the descriptions."""

from collections.abc import Callable
from typing import Any

import pytest

from qanat_api.catalog import NOTHING
from qanat_common.ogc import Metadata

OGC = "http://www.opengis.net/def/rel/ogc/1.0/"


def ids(answer: Any) -> list[str]:
    return [process["id"] for process in answer.json()["processes"]]


def rel(document: dict[str, Any], name: str) -> str | None:
    return next((link["href"] for link in document["links"] if link["rel"] == name), None)


def test_every_process_is_listed_unless_a_limit_is_given(api: Any) -> None:
    everything = ["native:buffer", "test:async", "test:echo", "test:sync"]
    assert ids(api.http.get("/processes")) == everything
    assert ids(api.http.get("/processes?limit=1")) == everything[:1]
    assert ids(api.http.get("/processes?limit=5000")) == everything


def test_pages_lead_through_the_whole_list_and_back(api: Any) -> None:
    first = api.http.get("/processes?limit=3")
    assert rel(first.json(), "prev") is None
    second = api.http.get(rel(first.json(), "next"))
    assert ids(first) + ids(second) == ids(api.http.get("/processes"))
    assert rel(second.json(), "next") is None
    assert ids(api.http.get(rel(second.json(), "prev"))) == ids(first)


def test_a_page_before_the_first_is_no_larger_than_what_is_left(api: Any) -> None:
    page = api.http.get("/processes?limit=3&offset=1")
    assert ids(api.http.get(rel(page.json(), "prev"))) == ["native:buffer"]
    beyond = api.http.get("/processes?limit=3&offset=100")
    assert (ids(beyond), rel(beyond.json(), "next")) == ([], None)
    assert ids(api.http.get(rel(beyond.json(), "prev"))) == ["test:async", "test:echo", "test:sync"]


def test_links_say_what_was_asked_for_and_nothing_else(api: Any) -> None:
    page = api.http.get("/processes?provider=test&q=echo&limit=1&_=x").json()
    assert rel(page, "self") == "http://qanat.test/processes?q=echo&provider=test&limit=1"
    assert rel(page, "next") == "http://qanat.test/processes?q=echo&provider=test&limit=1&offset=1"
    assert rel(api.http.get("/processes?q=echo").json(), "self").endswith("/processes?q=echo")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("provider=native", ["native:buffer", "native:buffer@q322"]),
        ("provider=NATIVE", ["native:buffer", "native:buffer@q322"]),
        ("provider=Test%20provider", ["test:echo"]),
        ("provider=test", ["test:echo", "test:sync"]),
        ("provider=native,test", ["native:buffer", "native:buffer@q322", "test:echo", "test:sync"]),
        (
            "provider=native&provider=test",
            ["native:buffer", "native:buffer@q322", "test:echo", "test:sync"],
        ),
        ("provider=none", []),
        ("provider=", ["native:buffer", "native:buffer@q322", "test:echo", "test:sync"]),
        ("provider=test&q=sync", ["test:sync"]),
        ("q=buffer&q=native", ["native:buffer", "native:buffer@q322"]),
        ("service=q340", ["native:buffer", "test:echo"]),
        ("service=q322", ["native:buffer@q322", "test:sync"]),
        ("service=q322,q340", ["native:buffer", "native:buffer@q322", "test:echo", "test:sync"]),
        ("service=q322&provider=native", ["native:buffer@q322"]),
        ("service=none", []),
    ],
)
def test_processes_are_found_by_provider_and_service(
    api: Any, make_snapshot: Callable[..., Any], buffer: Any, echo: Any, query: str, expected: Any
) -> None:
    note = Metadata(role="provider", title="Test Provider")
    noted = echo.model_copy(update={"metadata": [note]})
    sync = echo.model_copy(update={"id": "test:sync"})
    api.catalogue.snapshot = make_snapshot(q322=(buffer, sync), q340=(buffer, noted))
    answer = api.http.get(f"/processes?{query}")
    assert ids(answer) == expected
    for process in answer.json()["processes"]:
        described = api.http.get(rel(process, "self")).json()
        assert described["id"] == process["id"]
    shown = api.http.get(f"/processes?{query}", headers={"Accept": "text/html"})
    assert all(f"/processes/{name}" in shown.text for name in expected)


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=ten", "limit=", "offset=-1"])
def test_a_wrong_page_is_refused(api: Any, query: str) -> None:
    answer = api.http.get(f"/processes?{query}")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(query.partition("=")[0])


def test_a_summary_has_no_inputs_and_leads_to_its_description(api: Any) -> None:
    summary = api.http.get("/processes?limit=1").json()["processes"][0]
    assert not summary.keys() & {"inputs", "outputs"}
    assert summary["jobControlOptions"] == ["sync-execute", "async-execute", "dismiss"]
    described = api.http.get(rel(summary, "self")).json()
    assert described["id"] == summary["id"]
    assert rel(described, OGC + "execute").endswith("/processes/native:buffer/execution")


@pytest.mark.parametrize("name", ["native:buffer", "native%3Abuffer", "native%3abuffer"])
def test_an_id_may_be_percent_encoded(api: Any, name: str) -> None:
    assert api.http.get(f"/processes/{name}").json()["id"] == "native:buffer"


def test_a_description_is_that_of_the_worker(api: Any, documents: dict[str, Any]) -> None:
    described = api.http.get("/processes/native:buffer").json()
    assert list(described["inputs"]) == list(documents["buffer"]["inputs"])
    assert (
        described["inputs"]["INPUT"]["schema"] == documents["buffer"]["inputs"]["INPUT"]["schema"]
    )
    assert described["inputs"]["DISTANCE"]["minOccurs"] == 0
    assert None not in described.values()


def test_an_unknown_process_has_the_type_of_the_standard(api: Any) -> None:
    asked = [api.http.get("/processes/no:such"), api.execute("no:such", inputs={})]
    for answer in asked:
        assert answer.status_code == 404
        assert answer.json()["type"] == (
            "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-process"
        )


def test_while_no_worker_is_there_a_process_is_not_said_to_be_unknown(
    api: Any, make_snapshot: Callable[..., Any]
) -> None:
    api.catalogue.snapshot = make_snapshot()
    answer = api.execute("test:echo", inputs={"text": "a"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"


def test_the_newest_qgis_runs_what_several_services_offer(
    api: Any, make_snapshot: Callable[..., Any], buffer: Any
) -> None:
    api.catalogue.snapshot = make_snapshot(q322=(buffer,), q34=(buffer,), q340=(buffer,))
    listed = ["native:buffer", "native:buffer@q322", "native:buffer@q34"]
    assert ids(api.http.get("/processes")) == listed
    for name, service in (
        ("native:buffer", "q340"),
        ("native:buffer@q322", "q322"),
        ("native:buffer%40q34", "q34"),
    ):
        api.submit(name, inputs={"INPUT": {"value": {"type": "FeatureCollection"}}})
        assert api.worker.sent[-1].service == service
        assert api.worker.sent[-1].process_id == "native:buffer"


def test_a_process_of_a_service_is_described_under_its_own_id(api: Any) -> None:
    described = api.http.get("/processes/native:buffer@q322").json()
    assert described["id"] == "native:buffer@q322"
    assert rel(described, "self").endswith("/processes/native:buffer@q322")
    assert api.http.get("/processes/native:buffer@other").status_code == 404


def test_before_the_registry_was_heard_a_process_is_not_denied(api: Any) -> None:
    api.catalogue.snapshot = NOTHING
    assert ids(api.http.get("/processes")) == []
    answer = api.http.get("/processes/native:buffer")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert api.http.get("/readyz").status_code == 503
