"""cuiman, in its released version, against the service. It needs Python 3.12."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

if sys.version_info < (3, 12):
    pytest.skip("cuiman needs Python 3.12 or newer", allow_module_level=True)

cuiman = pytest.importorskip("cuiman")
models = pytest.importorskip("gavicore.models")

ASYNC = {"headers": {"Prefer": "respond-async"}}
TEXT = {"stringInput": "hello"}


@pytest.fixture
def client(service: Any, tmp_path: Path) -> Iterator[Any]:
    made = cuiman.Client(api_url=service.url, config_path=str(tmp_path / "config"))
    yield made
    made.close()


def request(**body: Any) -> Any:
    return models.ProcessRequest(**body)


def test_it_reads_what_the_service_is(client: Any) -> None:
    assert client.get_capabilities().links
    assert client.get_conformance().conformsTo


def test_it_lists_and_describes_every_process(client: Any) -> None:
    listed = client.get_processes()
    assert "qanat:echo" in {process.id for process in listed.processes}
    for summary in listed.processes:
        assert client.get_process(summary.id).id == summary.id


def test_it_starts_and_follows_a_job(client: Any, service: Any) -> None:
    info = client.execute_process("echo", request(inputs=TEXT, response="document"), **ASYNC)
    service.ended(f"{service.url}/jobs/{info.jobID}")
    job = client.get_job(info.jobID)
    assert (job.status.value, job.progress, job.processID) == ("successful", 100, "echo")
    assert job.created.tzinfo is not None
    assert client.get_job_results(info.jobID).model_dump(mode="json") == TEXT
    assert info.jobID in {one.jobID for one in client.get_jobs().jobs}


def test_it_takes_a_synchronous_answer_as_it_is(client: Any, layer: Any) -> None:
    """It sends no Prefer by itself; the answer must be JSON."""
    body = request(inputs={"layer": layer}, response="document")
    seen = client.execute_process("test:look", body)["seen"]["value"]
    assert seen["layer"]["value"]["type"] == "FeatureCollection"


def test_it_reads_results_that_are_links(client: Any, service: Any) -> None:
    outputs = {"blob": {"transmissionMode": "reference"}}
    body = request(outputs=outputs, response="document")
    info = client.execute_process("test:make", body, **ASYNC)
    service.ended(f"{service.url}/jobs/{info.jobID}")
    link = client.get_job_results(info.jobID).root["blob"]
    assert service.get(link.model_dump()["href"]).content == bytes(range(256))


def test_it_dismisses(client: Any) -> None:
    info = client.execute_process("test:nap", request(inputs={"seconds": 60}), **ASYNC)
    assert client.dismiss_job(info.jobID).status.value == "dismissed"


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (lambda client: client.get_process("no-such"), 404),
        (lambda client: client.get_job("no-such"), 404),
        (lambda client: client.execute_process("echo", request(inputs={})), 400),
        (lambda client: client.execute_process("test:fail", request(inputs={"x": "a"})), 500),
    ],
)
def test_it_reads_our_exceptions(client: Any, ask: Any, status: int) -> None:
    with pytest.raises(cuiman.ClientError) as caught:
        ask(client)
    assert caught.value.api_error.status == status
    assert caught.value.api_error.title not in (None, "Received invalid error description from API")


def test_its_asynchronous_client_does_the_same(service: Any, tmp_path: Path) -> None:
    async def ask() -> Any:
        made = cuiman.AsyncClient(api_url=service.url, config_path=str(tmp_path / "config"))
        try:
            return await made.execute_process("echo", request(inputs=TEXT, response="document"))
        finally:
            await made.close()

    assert asyncio.run(ask()) == TEXT
