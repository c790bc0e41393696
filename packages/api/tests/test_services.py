"""Services over HTTP: who runs the processes, and one process that several services offer."""

from collections.abc import Callable
from typing import Any

import pytest

from qanat_api.catalog import NOTHING, build
from qanat_common.ogc import Process
from qanat_common.protocol import Catalog, Offer, OfferEntry, ProviderInfo, ServiceEntry, Value


@pytest.fixture
def two(api: Any, make_snapshot: Callable[..., Any], echo: Process) -> Any:
    """An api with a process that two services offer."""
    api.catalogue.snapshot = make_snapshot(q340=(echo,), q322=(echo,))
    return api


def test_a_process_is_listed_for_each_service_that_offers_it(two: Any) -> None:
    listed = [each["id"] for each in two.http.get("/processes").json()["processes"]]
    of_one = two.http.get("/processes?service=q322").json()["processes"]

    assert listed == ["test:echo", "test:echo@q322"]
    assert [each["id"] for each in of_one] == ["test:echo@q322"]


def test_a_job_goes_to_the_service_that_was_asked_for(two: Any) -> None:
    for name in ("test:echo", "test:echo@q322", "test:echo@q340"):
        two.submit(name)

    assert [job.service for job in two.worker.sent] == ["q340", "q322", "q340"]
    assert {job.process_id for job in two.worker.sent} == {"test:echo"}


def test_a_status_has_the_id_by_which_the_process_was_run(two: Any) -> None:
    job = two.submit("test:echo@q322")
    two.submit("test:echo")

    assert two.http.get(job).json()["processID"] == "test:echo@q322"
    found = two.http.get("/jobs?processID=test:echo@q322").json()["jobs"]
    assert [f"/jobs/{each['jobID']}" for each in found] == [job]


def test_pages_of_a_process_at_a_service(two: Any, page: Callable[..., Any]) -> None:
    shown = page("/processes/test:echo@q322")

    assert "test:echo@q322" in shown.text
    assert "http://qanat.test/processes/test:echo@q340" in shown.hrefs
    assert "http://qanat.test/services/q322" in shown.hrefs
    two.worker.returns(text=Value(value="a"))
    job = two.submit("test:echo@q322")
    assert "test:echo@q322" in page(job).text
    assert page(f"{job}/results").status == 200


def test_the_services_are_told(two: Any) -> None:
    document = two.http.get("/services").json()

    assert [each["name"] for each in document["services"]] == ["q322", "q340"]
    assert document["services"][0]["qgisVersions"] == ["3.22"]


def test_a_service_tells_what_it_runs_with_and_how_busy_it_is(api: Any, echo: Process) -> None:
    native = ProviderInfo(id="native", name="QGIS", version="3.40.3", algorithms=1)
    entry = ServiceEntry(
        name="q322",
        queue="qanat.q322",
        title="Vectors",
        digests=["a", "b"],
        workers=2,
        slots=3,
        draining=1,
        labels={"site": "north"},
        offers=[
            OfferEntry(digest="a", qgis="3.22.16"),
            OfferEntry(digest="b", qgis="3.40.3", providers=[native]),
        ],
    )
    api.submit()
    api.catalogue.snapshot = make_built(entry, echo)

    document = api.http.get("/services/q322").json()

    assert document["oldestWaitingSeconds"] >= 0
    told = {name: document[name] for name in ("title", "slots", "waiting", "alike", "labels")}
    assert told == {
        "title": "Vectors",
        "slots": 3,
        "waiting": 1,
        "alike": False,
        "labels": {"site": "north"},
    }
    assert document["qgisVersions"] == ["3.40.3", "3.22.16"]
    assert [provider["version"] for provider in document["providers"]] == ["3.40.3"]


def make_built(entry: ServiceEntry, echo: Process) -> Any:
    offers = {digest: Offer(processes=[echo]) for digest in entry.digests}
    return build(Catalog(complete=True, services=[entry]), offers, (), NOTHING)


def test_pages_of_services(two: Any, page: Callable[..., Any]) -> None:
    assert "http://qanat.test/services/q322" in page("/services").hrefs
    assert "q340" in page("/services/q340").text


def test_there_is_no_such_service(two: Any) -> None:
    answer = two.http.get("/services/none")

    assert answer.status_code == 404
    assert "'none'" in answer.json()["detail"]
