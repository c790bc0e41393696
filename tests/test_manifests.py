"""The manifests and units of docs/how-to: as the API that reads them wants them, and with settings that exist."""

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from qanat.settings import Settings

ROOT = Path(__file__).parents[1]
HOW_TO = ROOT / "docs" / "how-to"
MANIFESTS = sorted(HOW_TO.glob("kubernetes/*.yaml"))
UNITS = sorted(HOW_TO.glob("systemd/*.service"))
KUBERNETES = ("1.30", "1.34", "1.37")
"""The versions whose own schemas (strict: nothing unknown) the manifests are held to."""

SCALED_OBJECT = Path(__file__).with_name("scaled_object.json")
LEAST_EXPOSED = 2.5
"""What `systemd-analyze security` may say at most; 10 is unprotected."""


def documents() -> list[dict[str, Any]]:
    return [one for path in MANIFESTS for one in yaml.safe_load_all(path.read_text("utf-8"))]


def at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document[name]
    return document


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize(
    "document", documents(), ids=lambda one: f"{one['kind']}-{one['metadata']['name']}"
)
def test_a_manifest_is_what_its_schema_says(document: dict[str, Any], version: str) -> None:
    if document["apiVersion"].startswith("keda.sh/"):
        schema = json.loads(SCALED_OBJECT.read_text("utf-8"))
        jsonschema.validate(document, schema, jsonschema.Draft202012Validator)
    else:
        kubernetes_validate.validate(document, version, strict=True)


def test_a_mistake_in_a_manifest_is_seen() -> None:
    for document in documents():
        document["spec"] = {**document.get("spec", {}), "replica": 3}
        with pytest.raises(jsonschema.ValidationError, match=r"replica|'spec' was unexpected"):
            test_a_manifest_is_what_its_schema_says(document, KUBERNETES[0])


def test_what_belongs_together_bears_the_same_labels_and_names() -> None:
    deployments = {}
    for one in documents():
        if one["kind"] == "Deployment":
            labels = at(one, "spec.template.metadata.labels")
            assert at(one, "spec.selector.matchLabels").items() <= labels.items()
            deployments[one["metadata"]["name"]] = labels
    for one in documents():
        if one["kind"] == "Service":
            assert at(one, "spec.selector") in deployments.values()
        if one["kind"] == "ScaledObject":
            assert at(one, "spec.scaleTargetRef.name") in deployments


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


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A root in which the units are installed, and the commands that they start."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed here: units are not looked at by it")
    units, commands = tmp_path / "etc/systemd/system", tmp_path / "opt/qanat/bin"
    for folder in (units, commands):
        folder.mkdir(parents=True)
    for unit in UNITS:
        shutil.copy(unit, units)
    for name in ("pyqgiswps", "qanat-api", "qanat-registry", "qanat-worker"):
        (commands / name).symlink_to(shutil.which("true") or "/bin/true")
    return units


def analyzed(*words: str) -> str:
    done = subprocess.run(
        ["systemd-analyze", "--no-pager", *words], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_finds_nothing_wrong_with_a_unit(installed: Path, unit: Path) -> None:
    for name in (
        (unit.name,) if "@" not in unit.name else ("qanat@api.service", "qanat@worker.service")
    ):
        given = (installed / unit.name).read_text("utf-8")
        (installed / name).write_text(
            given.replace("/opt/qanat", f"{installed.parents[2]}/opt/qanat")
        )
        assert analyzed("verify", "--man=no", str(installed / name)).strip() == ""


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_exposes_little_by_the_measure_of_systemd(installed: Path, unit: Path) -> None:
    told = analyzed("security", "--offline=yes", str(installed / unit.name))
    found = re.search(r"exposure level for \S+: ([0-9.]+)", told)
    assert found is not None, told
    assert float(found[1]) <= LEAST_EXPOSED, told
