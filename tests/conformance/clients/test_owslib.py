"""OWSLib, in its released version, against the service."""

from typing import Any

import pytest
from owslib.ogcapi.processes import Processes

TEXT = {"stringInput": "hello"}


@pytest.fixture
def client(service: Any) -> Processes:
    return Processes(service.url)


def test_it_reads_what_the_service_is(client: Processes, service: Any) -> None:
    assert {link["rel"] for link in client.links} >= {"service-desc"}
    assert client.conformance()["conformsTo"]
    assert client.api()["openapi"].startswith("3.0.")


def test_it_lists_and_describes(client: Processes) -> None:
    assert "echo" in {process["id"] for process in client.processes()}
    assert client.process("qanat:echo")["inputs"]["stringInput"]["schema"] == {"type": "string"}


def test_it_executes_though_it_prefers_what_there_is_not(client: Processes) -> None:
    """It sends `Prefer: respond-sync`, which nobody has registered."""
    assert client.execute("qanat:echo", TEXT) == TEXT
    outputs = {"stringInput": {"transmissionMode": "value"}}
    assert client.execute("echo", TEXT, outputs=outputs) == TEXT


def test_it_executes_with_a_layer_in_either_style(client: Processes, layer: Any) -> None:
    seen = client.execute("test:look", {"layer": layer})["seen"]["value"]
    assert seen["layer"]["value"]["type"] == "FeatureCollection"


def test_it_starts_a_job_and_goes_on_to_prefer_so(client: Processes, service: Any) -> None:
    """Its headers are shared: each GET after an asynchronous execution bears `Prefer`."""
    info = client.execute("echo", TEXT, async_=True)
    assert info["status"] in ("accepted", "running", "successful")
    job = client.response_headers["Location"]
    assert job == f"{service.url}/jobs/{info['jobID']}"
    assert client.process("echo")["id"] == "echo"
    assert client.processes()
    assert service.ended(job)["status"] == "successful"


@pytest.mark.parametrize(
    ("process", "inputs", "word"),
    [
        ("no-such", TEXT, "no-such-process"),
        ("echo", {"stringInput": 1}, "/inputs/stringInput"),
        ("test:fail", {"x": "a"}, "it failed"),
    ],
)
def test_it_tells_what_was_wrong(client: Processes, process: str, inputs: Any, word: str) -> None:
    with pytest.raises(RuntimeError, match=word):
        client.execute(process, inputs)
