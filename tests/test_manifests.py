"""The manifests and units of docs/how-to: as the API that reads them wants them, and with settings that exist."""

import configparser
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from qanat.settings import Settings

ROOT = Path(__file__).parents[1]
HOW_TO = ROOT / "docs" / "how-to"
MANIFESTS = sorted(HOW_TO.glob("kubernetes/*.yaml"))
UNITS = sorted(HOW_TO.glob("systemd/*.service"))
NEEDED = {
    ("apps/v1", "Deployment"): ("spec.selector.matchLabels", "spec.template.spec.containers"),
    ("v1", "Service"): ("spec.selector", "spec.ports"),
    ("v1", "ConfigMap"): ("data",),
    ("v1", "Secret"): ("stringData",),
    ("keda.sh/v1alpha1", "ScaledObject"): ("spec.scaleTargetRef.name", "spec.triggers"),
}
"""API and kind → what it requires (Kubernetes 1.30, KEDA 2.14)."""


def documents() -> list[dict[str, Any]]:
    return [one for path in MANIFESTS for one in yaml.safe_load_all(path.read_text("utf-8"))]


def at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document[name]
    return document


@pytest.mark.parametrize(
    "document", documents(), ids=lambda one: f"{one['kind']}-{one['metadata']['name']}"
)
def test_a_manifest_has_what_its_kind_requires(document: dict[str, Any]) -> None:
    for path in NEEDED[document["apiVersion"], document["kind"]]:
        assert at(document, path), path
    if document["kind"] == "Deployment":
        labels = at(document, "spec.template.metadata.labels")
        assert at(document, "spec.selector.matchLabels").items() <= labels.items()


def test_deployments_run_without_privilege_and_are_watched() -> None:
    for document in documents():
        if document["kind"] != "Deployment":
            continue
        (container,) = at(document, "spec.template.spec.containers")
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in at(document, "spec.template.spec.volumes")}
        for probe, path in (("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
            assert container[probe]["httpGet"] == {"path": path, "port": 9180}


def test_a_worker_may_drain_before_it_is_killed() -> None:
    (worker,) = [
        one
        for one in documents()
        if one["metadata"]["name"] == "qanat-worker" and one["kind"] == "Deployment"
    ]
    spec = at(worker, "spec.template.spec")
    own = {one["name"]: one["value"] for one in spec["containers"][0]["env"]}
    assert spec["terminationGracePeriodSeconds"] > int(own["QANAT_WORKER__DRAIN_TIMEOUT"])


def test_every_setting_in_a_manifest_exists() -> None:
    named = {name for path in MANIFESTS for name in re.findall(r"QANAT_[A-Z_]+", path.read_text())}
    for name in named:
        model: Any = Settings
        for part in name.removeprefix("QANAT_").lower().split("__"):
            assert part in model.model_fields, name
            model = model.model_fields[part].annotation


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_of_ours_and_lets_jobs_end(unit: Path) -> None:
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.read(unit)
    service = read["Service"]
    assert re.match(r"/opt/qanat/bin/(pyqgiswps|qanat-%i) -c ", service["ExecStart"])
    assert int(service["TimeoutStopSec"]) > Settings().worker.drain_timeout
    assert service["NoNewPrivileges"] == "yes"
