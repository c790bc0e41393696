"""The command as it is run: a process of its own, a real broker and store, and OWSLib as a client."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from kombu import Connection, Queue
from owslib.ogcapi.processes import Processes

from qanat_common.listing import JobFilter
from qanat_common.protocol import Offer, Process, RunJob, Succeeded, Value, queue_name
from qanat_common.store import Store

pytestmark = pytest.mark.timeout(120)


@dataclass
class Running:
    process: subprocess.Popen[bytes]
    url: str
    output: Path
    first: list[int]
    """The statuses of its first answers at /readyz."""


@pytest.fixture
def running(
    valkey: Any,
    store: Store,
    registry: Any,
    echo: Process,
    tmp_path: Path,
    until: Callable[..., Any],
    free_ports: Callable[[int], list[int]],
    catalog_of: Callable[..., Any],
) -> Iterator[Running]:
    """qanat-api with the process test:echo."""
    registry.say(catalog_of(store.put_offer(Offer(processes=[echo]))))
    (port,) = free_ports(1)
    own = {
        "QANAT_BROKER_URL": valkey.broker_url,
        "QANAT_STORE_URL": valkey.url,
        "QANAT_STORAGE_URL": f"file://{tmp_path}/storage",
        "QANAT_API__PORT": str(port),
        "QANAT_API__REGISTRY_URL": registry.url,
        "QANAT_LOG__FORMAT": "json",
        "QANAT_API__DRAIN_TIMEOUT": "2",
    }
    output = tmp_path / "output"
    with output.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "qanat_api"],
            env=os.environ | own,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    url, first = f"http://127.0.0.1:{port}", list[int]()

    def ready() -> bool:
        assert process.poll() is None, output.read_text()
        try:
            first.append(httpx2.get(f"{url}/readyz").status_code)
        except httpx2.TransportError:
            return False
        return first[-1] == 200

    try:
        until(ready, 60)
        yield Running(process, url, output, first)
    finally:
        process.kill()
        process.wait(10)


@pytest.fixture
def worker(valkey: Any, store: Store) -> Iterator[None]:
    """Takes jobs off the queue, and ends each with a text and a number."""
    stopping = threading.Event()

    def take(body: Any, message: Any) -> None:
        job = RunJob.model_validate(body[1]["job"])
        message.ack()
        store.claim(job, "token", "boot", 3)
        text = job.inputs["text"].value
        outputs = {"text": Value(value=f"{text}!"), "count": Value(value=len(text))}
        store.finish(job.job_id, "token", Succeeded(outputs=outputs))

    def work() -> None:
        with Connection(valkey.broker_url) as connection:
            queue = Queue(queue_name("q322"), routing_key=queue_name("q322"))
            with connection.Consumer(queue, callbacks=[take], accept=["json"]):
                while not stopping.is_set():
                    try:
                        connection.drain_events(timeout=0.2)
                    except TimeoutError:
                        continue

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stopping.set()
    thread.join(5)


def test_no_connection_is_taken_before_the_processes_are_known(running: Running) -> None:
    assert running.first == [200]


@pytest.mark.usefixtures("worker")
def test_owslib_lists_describes_and_executes(running: Running) -> None:
    client = Processes(running.url + "/")
    assert [process["id"] for process in client.processes()] == ["test:echo"]
    assert client.process("test:echo")["title"] == "Echo"
    inputs, outputs = {"text": "hello"}, {"text": {}, "count": {}}
    now = client.execute("test:echo", inputs=inputs, outputs=outputs, response="document")
    assert now == {"text": "hello!", "count": 5}
    later = client.execute(
        "test:echo", inputs=inputs, outputs=outputs, response="document", async_=True
    )
    assert later["type"] == "process"
    # its headers stay: from now on every GET of this client carries Prefer
    assert [process["id"] for process in client.processes()] == ["test:echo"]


@pytest.mark.usefixtures("worker")
def test_an_execution_is_answered_over_a_real_broker(
    running: Running, until: Callable[..., Any]
) -> None:
    address = f"{running.url}/processes/test:echo/execution"
    with httpx2.Client() as client:
        now = client.post(address, json={"inputs": {"text": "a"}, "outputs": {"text": {}}})
        assert (now.status_code, now.text) == (200, "a!")
        later = client.post(
            address, json={"inputs": {"text": "b"}}, headers={"Prefer": "respond-async"}
        )
        job = later.headers["Location"]
        until(lambda: client.get(job).json()["status"] == "successful")
        assert client.get(f"{job}/results/count").text == "1"
        assert "Server" not in now.headers


def test_sigterm_ends_it_in_order_and_a_waiting_client_is_told(
    running: Running, store: Store, until: Callable[..., Any]
) -> None:
    answers: list[httpx2.Response] = []

    def wait_for_a_job_that_nobody_runs() -> None:
        address = f"{running.url}/processes/test:echo/execution"
        answers.append(httpx2.post(address, json={"inputs": {"text": "a"}}, timeout=20))

    client = threading.Thread(target=wait_for_a_job_that_nobody_runs)
    client.start()
    (job,) = until(lambda: store.list(JobFilter(), 10).records)
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(10) == 0
    client.join(10)
    assert answers[0].status_code == 503
    assert job.job_id in answers[0].json()["detail"]
    assert store.get(job.job_id).status == "accepted"
    assert "Traceback" not in running.output.read_text()


def test_a_job_whose_client_is_gone_is_dismissed(
    running: Running, store: Store, until: Callable[..., Any]
) -> None:
    address = f"{running.url}/processes/test:echo/execution"
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.post(address, json={"inputs": {"text": "a"}}, timeout=httpx2.Timeout(5, read=0.5))
    (job,) = until(lambda: store.list(JobFilter(), 10).records)
    until(lambda: store.get(job.job_id).status == "dismissed")


def test_a_job_that_is_waited_for_by_preference_goes_on_without_its_client(
    running: Running, store: Store, until: Callable[..., Any]
) -> None:
    address = f"{running.url}/processes/test:echo/execution"
    headers = {"Prefer": "respond-async, wait=2"}
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.post(
            address,
            json={"inputs": {"text": "a"}},
            headers=headers,
            timeout=httpx2.Timeout(5, read=0.5),
        )
    (job,) = until(lambda: store.list(JobFilter(), 10).records)
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(10) == 0
    assert store.get(job.job_id).status == "accepted"


def test_it_is_quiet_and_idle_when_nobody_asks(running: Running) -> None:
    before = cpu_seconds(running.process.pid)
    threading.Event().wait(2)
    assert cpu_seconds(running.process.pid) - before < 0.1
    lines = running.output.read_text().splitlines()
    assert all(line.startswith("{") for line in lines), lines
    assert len(lines) < 6


def cpu_seconds(pid: int) -> float:
    """What a process has used of a core so far: fields 14 and 15 of proc(5) stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def test_a_port_that_is_taken_ends_it_with_a_word(running: Running, tmp_path: Path) -> None:
    port = running.url.rpartition(":")[2]
    second = subprocess.run(
        [sys.executable, "-m", "qanat_api"],
        env=os.environ | {"QANAT_API__PORT": port, "QANAT_STORAGE_URL": f"file://{tmp_path}"},
        capture_output=True,
        timeout=90,
        check=False,
    )
    assert second.returncode != 0
    assert b"address already in use" in second.stderr.lower()
