"""The client of EOEPCA, ogc-api-processes-client, in its released version, against the service."""

from collections.abc import Iterator
from typing import Any

import pytest

client_of = pytest.importorskip("ogc_api_processes_client.api_client_wrapper")
models = pytest.importorskip("ogc_api_processes_client.models")
exceptions = pytest.importorskip("ogc_api_processes_client.exceptions")
Configuration = pytest.importorskip("ogc_api_processes_client.configuration").Configuration

ASYNC = {"Prefer": "respond-async"}
TEXT = {"inputs": {"stringInput": "hello"}, "response": "document"}


@pytest.fixture
def client(service: Any) -> Iterator[Any]:
    made = client_of.ApiClientWrapper(configuration=Configuration(host=service.url))
    yield made
    made.api_client.rest_client.pool_manager.clear()


def test_it_reads_what_the_service_is(client: Any) -> None:
    assert {link.rel for link in client.get_landing_page().links} >= {"service-desc"}
    assert client.get_conformance_classes().conforms_to


def test_it_lists_by_its_strict_models(client: Any) -> None:
    listed = client.get_processes()
    assert "qanat:echo" in {process.id for process in listed.processes}
    assert listed.links
    assert all(process.version for process in listed.processes)


def test_it_describes_every_process_by_its_strict_models(client: Any) -> None:
    """The id goes out percent-encoded: /processes/qanat%3Aecho."""
    for summary in client.get_processes().processes:
        process = client.get_process_description(summary.id)
        assert process.id == summary.id
        assert process.outputs


def test_it_starts_a_job_by_its_typed_request(client: Any, service: Any) -> None:
    """Of inputs it takes links only, of answers a status only: all else is ambiguous to it."""
    body = {"inputs": {"layer": {"href": f"{service.files}/layer.geojson"}}, "response": "document"}
    answer = client.execute("test:look", models.Execute.from_dict(body), _headers=dict(ASYNC))
    info = getattr(answer, "actual_instance", answer)
    assert info.job_id
    assert service.ended(f"{service.url}/jobs/{info.job_id}")["status"] == "successful"


def test_it_starts_a_job_without_a_content_type(client: Any, service: Any, layer: Any) -> None:
    """`execute_simple` sends what headers it is given, and JSON."""
    body = {"inputs": {"layer": layer}, "response": "document"}
    info = client.execute_simple("test:look", body, _headers=dict(ASYNC))
    assert (info.type, info.process_id) == ("process", "test:look")
    assert service.ended(f"{service.url}/jobs/{info.job_id}")["status"] == "successful"


def test_it_follows_a_job_to_its_end(client: Any, service: Any) -> None:
    info = client.execute_simple("echo", TEXT, _headers=dict(ASYNC))
    service.ended(f"{service.url}/jobs/{info.job_id}")
    status = client.get_status(info.job_id)
    assert (status.status.value, status.progress) == ("successful", 100)
    assert status.finished >= status.started >= status.created
    assert info.job_id in {job.job_id for job in client.get_jobs().jobs}


def test_it_reads_results_that_are_links(client: Any, service: Any) -> None:
    """A link is the one result that its models take without doubt."""
    outputs = {"blob": {"transmissionMode": "reference"}}
    body = {"inputs": {}, "outputs": outputs, "response": "document"}
    info = client.execute_simple("test:make", body, _headers=dict(ASYNC))
    service.ended(f"{service.url}/jobs/{info.job_id}")
    link = client.get_result(info.job_id)["blob"].actual_instance
    assert service.get(link.href).content == bytes(range(256))


def test_it_dismisses(client: Any, service: Any) -> None:
    body = {"inputs": {"seconds": 60}}
    info = client.execute_simple("test:nap", body, _headers=dict(ASYNC))
    assert client.dismiss(info.job_id).status.value == "dismissed"
    assert client.get_status(info.job_id).status.value == "dismissed"


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda client: client.get_process_description("no-such"), id="process"),
        pytest.param(lambda client: client.get_status("no-such"), id="status"),
        pytest.param(lambda client: client.get_result("no-such"), id="result"),
        pytest.param(lambda client: client.dismiss("no-such"), id="dismiss"),
    ],
)
def test_it_reads_our_exceptions(client: Any, ask: Any) -> None:
    with pytest.raises(exceptions.NotFoundException) as caught:
        ask(client)
    assert caught.value.data.type.startswith("http://www.opengis.net/def/exceptions/")
    assert (caught.value.data.status, bool(caught.value.data.detail)) == (404, True)
