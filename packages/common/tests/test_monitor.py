"""The port for those who watch: alive, ready with its reasons, metrics."""

import socket
from collections.abc import Iterator

import pytest
from prometheus_client import Counter

from qanat_common.errors import Unavailable
from qanat_common.monitor import Monitor, MonitorSettings, metrics


class Scene:
    """A monitor whose one check fails when it is told to."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port = int(taken.getsockname()[1])
        self.away = False
        self.metrics = metrics("qanat-common")
        settings = MonitorSettings(port=self.port)
        facts = {"sandbox": "landlock-6+seccomp"}
        self.monitor = Monitor(settings, {"store": self.check}, self.metrics, lambda: facts)

    def check(self) -> None:
        if self.away:
            raise Unavailable("The job store cannot be reached.")

    def get(self, path: str) -> tuple[str, str]:
        """The first line of the answer, and its body."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as client:
            client.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            answer = b"".join(iter(lambda: client.recv(65536), b"")).decode()
        head, _, body = answer.partition("\r\n\r\n")
        return head.splitlines()[0], body


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    made.monitor.start()
    yield made
    made.monitor.stop()


def test_it_is_ready_while_no_check_fails(scene: Scene) -> None:
    line, body = scene.get("/readyz")
    assert "200" in line
    assert '"store": "ok"' in body
    assert '"sandbox": "landlock-6+seccomp"' in body


def test_what_is_away_is_named_and_alive_it_is_all_the_same(scene: Scene) -> None:
    scene.away = True

    line, body = scene.get("/readyz")

    assert "503" in line
    assert "The job store cannot be reached." in body
    assert "200" in scene.get("/livez")[0]


def test_metrics_are_those_of_prometheus(scene: Scene) -> None:
    Counter("qps_things", "Things.", registry=scene.metrics).inc(3)

    line, body = scene.get("/metrics?x=1")

    assert "200" in line
    assert "qps_things_total 3.0" in body
    assert 'qps_build_info{qgis="",version="' in body


def test_there_is_nothing_else(scene: Scene) -> None:
    assert "404" in scene.get("/")[0]


def test_a_port_that_is_taken_ends_the_command(scene: Scene) -> None:
    second = Monitor(MonitorSettings(port=scene.port), {}, scene.metrics)
    with pytest.raises(SystemExit):
        second.start()


def test_without_a_port_nothing_listens() -> None:
    quiet = Monitor(MonitorSettings(), {}, metrics("qanat-common"))
    quiet.start()
    quiet.stop()
