"""What the settings of a service allow, deny and open, beside the tables."""

from pathlib import Path
from typing import Any

import pytest
from osgeo import gdal
from qgis.core import QgsApplication

from qanat_common.errors import InputRejected
from qanat_common.ogc import Process
from qanat_common.protocol import Inline, LocalFile
from qanat_worker.engine import execution
from qanat_worker.engine.describe import describe
from qanat_worker.engine.policy import Policy
from qanat_worker.port import Engine, ProducedFile, Task

HIDDEN = {"HideFromToolbox"}
OPEN = Policy(opened=["gdal:t*.EXTRA"])
SUPERSEDED = {"HideFromToolbox", "HideFromModeler", "Deprecated"}


def described(engine: Engine, algorithm_id: str, rules: Policy) -> Process:
    algorithm = QgsApplication.processingRegistry().algorithmById(algorithm_id)
    assert algorithm is not None
    found = describe(algorithm, rules)
    assert isinstance(found, Process), found
    return found


@pytest.mark.parametrize(
    ("rules", "offered"),
    [
        (Policy(), {"native:buffer", "gdal:hillshade"}),
        (Policy(allow=["gdal:*"]), {"gdal:hillshade"}),
        (Policy(allow=["native:b?ffer", "qgis:*"]), {"native:buffer"}),
        (Policy(deny=["*:buffer"]), {"gdal:hillshade"}),
        (Policy(allow=[]), set()),
        (Policy(hazards=["*"]), {"native:buffer", "gdal:hillshade", "native:filedownloader"}),
        (Policy(hazards=["*"], deny=["*"]), set()),
        (Policy(allow=["gdal:*"], hazards=["native:*"]), {"gdal:hillshade"}),
    ],
)
def test_patterns_say_what_is_offered(rules: Policy, offered: set[str]) -> None:
    ids = ("native:buffer", "gdal:hillshade", "native:filedownloader")
    assert {each for each in ids if rules.why_not(each, set()) is None} == offered


def test_a_reason_says_whose_rule_it_is() -> None:
    assert "settings" in (Policy(allow=["gdal:*"]).why_not("native:buffer", set()) or "")
    assert "settings" in (Policy(deny=["native:*"]).why_not("native:buffer", set()) or "")
    assert "addresses" in (Policy().why_not("native:filedownloader", set()) or "")


def test_what_needs_the_network_is_offered_only_where_jobs_may_open_connections() -> None:
    fenced = Policy(hazards=["native:*", "qgis:advanced*"], network=False)
    assert "worker.network" in (fenced.why_not("native:filedownloader", set()) or "")
    assert "worker.network" in (fenced.why_not_within("native:httprequest", set()) or "")
    assert fenced.why_not("native:savelog", HIDDEN) is None
    assert fenced.why_not("qgis:advancedpythonfieldcalculator", set()) is None
    assert Policy(hazards=["native:*"]).why_not("native:filedownloader", set()) is None
    assert "addresses" in (Policy(network=True).why_not("native:filedownloader", set()) or "")


def test_what_qgis_has_replaced_is_offered_by_a_switch_and_what_it_hides_is_not() -> None:
    assert Policy().why_not("qgis:old", SUPERSEDED)
    assert Policy(deprecated=True).why_not("qgis:old", SUPERSEDED) is None
    assert Policy(deprecated=True).why_not("qgis:old", SUPERSEDED | {"SecurityRisk"})
    assert Policy(deprecated=True).why_not("native:condition", HIDDEN)
    assert Policy(deprecated=True).why_not("native:zonalstatistics", SUPERSEDED)


def test_a_denied_id_may_be_a_step_of_a_model_and_a_hazard_may_not() -> None:
    rules = Policy(allow=["model:*"], deny=["native:*"])
    assert rules.why_not_within("native:buffer", set()) is None
    assert rules.why_not_within("native:filedownloader", set())
    assert rules.why_not_within("native:savelog", HIDDEN)
    assert Policy(hazards=["native:savelog"]).why_not_within("native:savelog", HIDDEN) is None


def test_free_arguments_are_described_where_the_settings_open_them(engine: Engine) -> None:
    assert "EXTRA" not in described(engine, "gdal:translate", Policy()).inputs
    opened = described(engine, "gdal:translate", OPEN)
    assert opened.inputs["EXTRA"].min_occurs == 0
    assert not [note for note in opened.metadata or [] if "EXTRA" in (note.title or "")]


@pytest.mark.parametrize(("rules", "comes"), [(OPEN, True), (Policy(), False)])
def test_what_is_opened_comes_to_the_tool_as_it_is(
    engine: Engine, told: Any, data: Path, tmp_path: Path, rules: Policy, comes: bool
) -> None:
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("gdal:translate")
    given = {"INPUT": LocalFile(path=str(data / "dem.tif")), "EXTRA": Inline(value="-outsize 2 3")}
    task = Task(process_id="gdal:translate", inputs=given, outputs=None, folder=str(tmp_path))
    process = described(engine, "gdal:translate", OPEN)
    if not comes:
        with pytest.raises(InputRejected):
            execution.run(algorithm, process, rules, task, told)
        return
    made = execution.run(algorithm, process, rules, task, told)["OUTPUT"]
    assert isinstance(made, ProducedFile)
    assert gdal.Open(made.path).RasterXSize == 2
