"""What services tell at /metrics, and whoever names it: the page, the alert rules, the dashboard, KEDA."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
PAGE = HOW_TO / "watch.md"
ALERTS = HOW_TO / "prometheus" / "alerts.yaml"
DASHBOARD = HOW_TO / "prometheus" / "grafana.json"
SCALING = HOW_TO / "kubernetes" / "keda.yaml"
NAME = re.compile(r"\bqps_[a-z_]+")
PARTS = {"histogram": ("", "_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
OF_PROMETHEUS = {"le", "job"}


@pytest.fixture
def told(
    cluster: Any, until: Callable[..., Any], free_ports: Callable[[int], list[int]]
) -> set[str]:
    """The names of all metrics that the three services tell, after a job was run."""
    services = dict(zip(("registry", "worker", "api"), free_ports(3), strict=True))
    for service, port in services.items():
        cluster.environ[f"QANAT_{service.upper()}__MONITOR__PORT"] = str(port)
    for service in services:
        cluster.kill(service)
        cluster.start(service)
    cluster.wait_for("fake:echo", 60)
    run = f"{cluster.url}/processes/fake:echo/execution"
    assert httpx2.post(run, json={"inputs": {"x": "y"}}, timeout=60).status_code == 200

    def ready(port: int) -> bool:
        try:
            return bool(httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=10).is_success)
        except httpx2.TransportError:
            return False

    found = set()
    for port in services.values():
        until(lambda port=port: ready(port), 60)
        text = httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text
        for name, kind in re.findall(r"^# TYPE (qps_\w+) (\w+)$", text, re.MULTILINE):
            found |= {name + part for part in PARTS.get(kind, ())}
    return found


def expressions() -> Iterator[str]:
    """What Prometheus and Grafana are to compute."""
    for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for trigger in yaml.safe_load(SCALING.read_text("utf-8"))["spec"]["triggers"]:
        yield from filter(None, [trigger["metadata"].get("query")])


def rows() -> list[list[str]]:
    """The table of metrics: names, labels, services."""
    lines = PAGE.read_text("utf-8").splitlines()
    return [line.strip("| ").split("|") for line in lines if line.startswith("| `qps_")]


@pytest.mark.parametrize("servers", ["embedded"], indirect=True)
def test_every_metric_that_is_named_is_told_and_the_page_names_all(told: set[str]) -> None:
    used = {name for each in expressions() for name in NAME.findall(each)}
    assert used
    assert used <= told

    documented = {name for row in rows() for name in NAME.findall(row[0])}
    assert documented <= told
    assert {name for name in told if not name.endswith(("_bucket", "_sum", "_count"))} == documented


def test_every_label_that_is_named_is_one_of_a_metric() -> None:
    labels = OF_PROMETHEUS | {word for row in rows() for word in re.findall(r"\w+", row[1])}
    for each in expressions():
        for listed in re.findall(r"\bby \(([^)]*)\)", each):
            assert set(listed.split(", ")) <= labels, each
        for chosen in re.findall(r"\{([^}]*)\}", each):
            assert set(re.findall(r"(\w+)=", chosen)) <= labels, each


def test_every_alert_says_what_is_wrong_and_how_much_it_matters() -> None:
    (group,) = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(set(names)) == len(names)
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        assert rule["annotations"]["summary"]


def test_the_panels_of_the_dashboard_have_room_and_ask_the_chosen_source() -> None:
    board = json.loads(DASHBOARD.read_text("utf-8"))
    (source,) = board["templating"]["list"]
    taken = {(p["gridPos"]["x"], p["gridPos"]["y"]) for p in board["panels"]}
    assert len(taken) == len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in board["panels"]:
        asked = {panel["datasource"]["uid"], *(t["datasource"]["uid"] for t in panel["targets"])}
        assert asked == {f"${{{source['name']}}}"}
