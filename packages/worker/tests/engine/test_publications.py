"""Models, scripts and plugins from folders: offered like any other, refused with their reason."""

import signal
from pathlib import Path
from typing import Any

import pytest
from qgis.core import (
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterExpression,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from qanat_common.errors import AlgorithmFailed
from qanat_common.protocol import Refusal
from qanat_worker.engine import trial
from qanat_worker.engine.describe import describe
from qanat_worker.engine.plugins import why_not
from qanat_worker.engine.scripts import NotPublished
from qanat_worker.port import ProducedFile

GEOJSON = "application/geo+json"
Source = QgsProcessingModelChildParameterSource


def reason(bench: Any, refused_id: str) -> str:
    found = [each.reason for each in bench.engine.offer().refused if each.id == refused_id]
    assert len(found) == 1, found
    return str(found[0])


def model(*params: Any) -> QgsProcessingModelAlgorithm:
    made = QgsProcessingModelAlgorithm("made", "tests")
    made.setName("made")
    for param in params:
        made.addModelParameter(param, QgsProcessingModelParameter(param.name()))
    return made


def step(made: QgsProcessingModelAlgorithm, name: str, algorithm: str, **sources: Any) -> None:
    child = QgsProcessingModelChildAlgorithm(algorithm)
    child.setChildId(name)
    for param, source in sources.items():
        child.addParameterSources(param, [source])
    output = QgsProcessingModelOutput("Result", "Result")
    output.setChildId(name)
    output.setChildOutputName("OUTPUT")
    child.setModelOutputs({"Result": output})
    made.addChildAlgorithm(child)
    made.updateDestinationParameters()


def refusal(made: QgsProcessingModelAlgorithm) -> str:
    found = describe(made)
    assert isinstance(found, Refusal), found
    return found.reason


def test_a_model_is_described_like_any_other(bench: Any) -> None:
    process = bench.process("model:surroundings")
    assert process.title == "surroundings"
    assert "What lies around places." in process.description
    assert process.keywords == ["towns"]
    assert {"places", "distance"} == set(process.inputs)
    assert len(process.outputs) == 1
    assert ("provider", "Models") in {(each.role, each.title) for each in process.metadata}


def test_a_model_hands_back_its_outputs_and_no_other(bench: Any, make: Any) -> None:
    """Trap T7: QGIS tells what its steps have made, too."""
    places = make.features(make.point(0, 0), make.point(5, 5), name=["a", "b"])
    made = bench.run("model:surroundings", places=places, distance=2)
    (name,) = made
    assert name == next(iter(bench.process("model:surroundings").outputs))
    assert made[name].media_type == GEOJSON


def test_files_between_the_steps_of_a_model_lie_in_the_job(bench: Any, data: Path) -> None:
    (made,) = bench.run("model:sunlit slopes", heights=data / "dem.tif").values()
    assert isinstance(made, ProducedFile)
    assert Path(made.path).stat().st_size > 1000


def test_a_text_that_a_model_evaluates_is_checked(bench: Any, make: Any) -> None:
    places = make.features(make.point(0, 0), make.point(5, 5), name=["a", "b"])
    (made,) = bench.run("model:chosen", places=places, rule="\"name\" = 'a'").values()
    assert isinstance(made, ProducedFile)
    refused = bench.rejection("model:chosen", places=places, rule="env('HOME')")
    assert "env" in str(refused)


def test_a_model_that_uses_what_is_refused_is_refused(bench: Any) -> None:
    assert reason(bench, "model:fetched") == (
        "it uses native:filedownloader, and it reads addresses that a client would choose"
    )


def test_a_model_that_uses_what_is_not_there_is_refused(engine: Any) -> None:
    made = model()
    step(made, "s", "saga:nothing")
    assert refusal(made) == "it uses saga:nothing, and that is not there"


def test_steps_that_are_made_for_models_are_allowed(engine: Any) -> None:
    made = model(QgsProcessingParameterFeatureSource("IN", "In"))
    step(made, "s", "native:filter", INPUT=Source.fromModelParameter("IN"))
    step(made, "t", "native:buffer", INPUT=Source.fromModelParameter("IN"))
    assert not isinstance(describe(made), Refusal)


def test_a_text_does_not_become_a_data_source_within_a_model(engine: Any) -> None:
    made = model(QgsProcessingParameterString("WHERE", "Where"))
    step(made, "s", "native:buffer", INPUT=Source.fromModelParameter("WHERE"))
    assert refusal(made) == (
        "its input WHERE is a text that becomes a data source: INPUT of native:buffer"
    )


@pytest.mark.parametrize(
    "source",
    [
        Source.fromExpression("'/' || @WHERE"),
        Source.fromExpressionText("/[% @WHERE %]"),
        Source.fromChildOutput("t", "CONCATENATION"),
    ],
)
def test_nor_does_a_part_of_one(engine: Any, source: Any) -> None:
    made = model(QgsProcessingParameterString("WHERE", "Where"))
    step(made, "s", "native:buffer", INPUT=source)
    step(
        made,
        "t",
        "native:stringconcatenation",
        INPUT_1=Source.fromModelParameter("WHERE"),
        INPUT_2=Source.fromStaticValue(".gpkg"),
    )
    assert "its input WHERE is a text that becomes a data source" in refusal(made)


def test_free_arguments_of_a_step_are_no_input_of_a_model(engine: Any) -> None:
    made = model(
        QgsProcessingParameterRasterLayer("IN", "In"), QgsProcessingParameterString("MORE", "More")
    )
    step(
        made,
        "s",
        "gdal:slope",
        INPUT=Source.fromModelParameter("IN"),
        EXTRA=Source.fromModelParameter("MORE"),
    )
    assert "its input MORE is a text that becomes free arguments" in refusal(made)


def test_what_an_administrator_wrote_into_a_step_may_be_there(engine: Any) -> None:
    made = model(QgsProcessingParameterRasterLayer("IN", "In"))
    step(
        made,
        "s",
        "gdal:slope",
        INPUT=Source.fromModelParameter("IN"),
        EXTRA=Source.fromStaticValue("-q"),
    )
    assert not isinstance(describe(made), Refusal)


def test_an_expression_of_a_client_may_be_one_within_a_model(engine: Any) -> None:
    made = model(
        QgsProcessingParameterFeatureSource("IN", "In"),
        QgsProcessingParameterExpression("RULE", "Rule"),
    )
    step(
        made,
        "s",
        "native:extractbyexpression",
        INPUT=Source.fromModelParameter("IN"),
        EXPRESSION=Source.fromModelParameter("RULE"),
    )
    assert not isinstance(describe(made), Refusal)


def test_a_script_may_be_a_class(bench: Any) -> None:
    process = bench.process("script:doubled")
    assert (process.title, process.description) == ("Doubled", "Twice a number.")
    assert process.keywords == ["arithmetic"]
    assert bench.run("script:doubled", NUMBER=21)["RESULT"].value == 42


def test_a_script_may_be_a_function(bench: Any) -> None:
    process = bench.process("script:halved")
    assert (process.title, process.description) == ("Halved", "Half a number.")
    assert bench.run("script:halved", NUMBER=21)["RESULT"].value == 10.5


def test_a_plugin_brings_its_provider(bench: Any) -> None:
    assert bench.process("terraces:steps").version == "1.2"
    assert bench.run("terraces:steps", HEIGHT=2)["STEPS"].value == 8
    counts = {each.id: (each.version, each.algorithms) for each in bench.engine.providers()}
    assert counts["terraces"] == ("1.2", 1)
    assert counts["script"][1] == 3
    assert counts["model"][1] == 3


@pytest.mark.parametrize(
    ("refused_id", "why"),
    [
        ("model:broken", "it cannot be loaded: it is no model of QGIS 3"),
        ("script:broken", "SyntaxError"),
        ("script:crashing", "it crashes the process that loads it (SIGABRT)"),
        ("script:ending", "it ends the process that loads it"),
        ("script:empty", "it has no class of QgsProcessingAlgorithm, and no function by @alg"),
        ("script:leaving", "SystemExit: 3"),
        ("script:missing", "No module named 'no_such_module'"),
        ("script:raising", "it cannot be loaded: ValueError: no"),
        ("script:helpless", "it cannot be described: ValueError: no"),
        ("script:slashed", "its name 'a/b' cannot stand in an address"),
        ("script:twins", "another one is named doubled as well"),
        ("plugin:broken", "it cannot be loaded: OSError: at file"),
        ("plugin:half", "KeyError: 'half'"),
        ("plugin:desktop", "its metadata.txt does not say hasProcessingProvider=yes"),
        ("plugin:old", "it is made for QGIS 2.0 to 2.99"),
        ("plugin:ahead", "it is made for QGIS 3.99 to 3.99"),
        ("plugin:past", "it is made for QGIS 3.0 to 3.4"),
        ("plugin:garbled", "its metadata.txt cannot be read"),
        ("plugin:json", "a Python module named json is loaded already"),
    ],
)
def test_what_is_broken_is_refused_with_its_reason(bench: Any, refused_id: str, why: str) -> None:
    assert why in reason(bench, refused_id)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_what_does_not_come_back_is_refused(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "SECONDS", 0.2)
    with pytest.raises(NotPublished, match=r"does not load within 0\.2 seconds"):
        trial.survive(signal.pause)


@pytest.mark.parametrize("most", ["", "3.99", "9"])
def test_a_plugin_for_this_qgis_is_loaded(engine: Any, most: str) -> None:
    said = {"hasprocessingprovider": "yes", "qgisminimumversion": "3.0"}
    assert why_not(said | ({"qgismaximumversion": most} if most else {})) is None


def test_where_a_script_failed_is_for_the_log_of_the_worker_only(bench: Any) -> None:
    assert bench.run("script:failing", NUMBER=2)["RESULT"].value == 0.5
    with pytest.raises(AlgorithmFailed) as caught:
        bench.run("script:failing", NUMBER=0)
    assert "ZeroDivisionError" in caught.value.detail
    assert "failing.py" not in caught.value.detail + bench.told.text()
    (note,) = caught.value.__notes__
    assert "failing.py" in note
    assert "line 11" in note
