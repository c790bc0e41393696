"""Every type of parameters by the same table: its example, the three falsy values, wrong ones."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from qgis.core import (
    QgsApplication,
    QgsProcessingFeedback,
    QgsProcessingParameterDefinition,
)

from qanat_common.errors import InputRejected
from qanat_common.protocol import Inline, LocalFile
from qanat_worker.engine.describe import describe_input
from qanat_worker.engine.execution import _default
from qanat_worker.engine.parameters import CONVERTERS
from qanat_worker.engine.parameters.base import LiteralConverter
from qanat_worker.engine.parameters.examples import EXAMPLES
from qanat_worker.engine.workspace import Workspace
from qanat_worker.port import Engine

LITERALS = sorted(
    name
    for name, each in CONVERTERS.items()
    if isinstance(each, LiteralConverter) and not each.in_projects
)
"""Those with names of a project's parts are tried in one (test_projects.py)."""
SEVERAL = {"enum": '["Mean", "Count"]', "field": '["name", "people"]'}
"""Examples of parameters that take several values, which those of QGIS's registry do not."""


@pytest.fixture
def job(engine: Engine, tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, QgsProcessingFeedback(False))


def param_of(name: str) -> Any:
    """A parameter of a type, as QGIS's registry makes it, else that of an algorithm; None if none."""
    registry = QgsApplication.processingRegistry()
    kind = registry.parameterType(name)
    if kind is not None:
        made = kind.create("X")
        if name == "enum":
            made.setOptions(["Round", "Flat"])
        if name == "number":
            made.setDataType(type(made).Double)
        return made
    for algorithm in registry.algorithms():
        for param in algorithm.parameterDefinitions():
            if param.type() == name:
                found = param.clone()
                found.setName("X")
                return found
    return None


def test_every_type_has_an_example() -> None:
    assert set(EXAMPLES) == set(CONVERTERS)


@pytest.mark.parametrize("name", sorted(CONVERTERS))
def test_the_examples_are_values_that_the_schema_takes(engine: Engine, name: str) -> None:
    param = param_of(name)
    if param is None:
        pytest.skip(f"QGIS of this machine has no type {name}")
    about = describe_input(param)
    for text in EXAMPLES[name]:
        value = json.loads(text)
        if text in SEVERAL.values() or (name, text) == ("enum", "0"):
            continue
        for one in value if about.repeated else [value]:
            bare = one.get("value", one) if isinstance(one, dict) and "layer" not in one else one
            if not (isinstance(one, dict) and "href" in one):
                able = about.schema_.get("oneOf", [about.schema_])
                assert any(Draft4Validator(each).is_valid(bare) for each in able), (text, able)


@pytest.mark.parametrize("name", LITERALS)
def test_the_examples_are_taken(job: Workspace, name: str) -> None:
    param = param_of(name)
    if param is None:
        pytest.skip(f"QGIS of this machine has no type {name}")
    for text in EXAMPLES[name]:
        if text in SEVERAL.values() or (name, text) == ("datetime", EXAMPLES["datetime"][1]):
            continue
        CONVERTERS[name].convert(param, Inline(value=json.loads(text)), job)


@pytest.mark.parametrize("name", LITERALS)
def test_a_value_in_a_file_is_the_same_value(job: Workspace, name: str) -> None:
    param = param_of(name)
    if param is None:
        pytest.skip(f"QGIS of this machine has no type {name}")
    path = job.folder / "value.json"
    path.write_text(EXAMPLES[name][0])
    given = LocalFile(path=str(path), media_type="application/json")
    inline = Inline(value=json.loads(EXAMPLES[name][0]))
    from_file = CONVERTERS[name].convert(param, given, job)
    assert str(from_file)[:20] == str(CONVERTERS[name].convert(param, inline, job))[:20]


TAKEN: dict[str, list[Any]] = {
    "boolean": [False],
    "string": [""],
    "raster_calc_expression": [""],
    **{name: [0] for name in ("number", "distance", "area", "volume", "duration")},
    "enum": [0],
    "coordinateoperation": [""],
    "field": [""],
    "attribute": [""],
    "scale": [0],
}
"""Type → the falsy values that are values of it; all others are refused, none is taken as absent."""


@pytest.mark.parametrize("value", [False, 0, ""], ids=["false", "zero", "empty"])
@pytest.mark.parametrize("name", LITERALS)
def test_a_falsy_value_is_a_value_or_refused(job: Workspace, name: str, value: Any) -> None:
    param = param_of(name)
    if param is None:
        pytest.skip(f"QGIS of this machine has no type {name}")
    takes = any(each is value or (each == value and type(each) is type(value))
                for each in TAKEN.get(name, []))  # fmt: skip
    if takes:
        made = CONVERTERS[name].convert(param, Inline(value=value), job)
        assert made == value
        return
    with pytest.raises(InputRejected) as caught:
        CONVERTERS[name].convert(param, Inline(value=value), job)
    assert caught.value.faults[0].pointer == "/inputs/X"


@pytest.mark.parametrize("value", [{"no": "such"}, [{"no": "such"}], None, [None]])
@pytest.mark.parametrize("name", LITERALS)
def test_a_wrong_value_is_refused_with_the_name_and_the_reason(
    job: Workspace, name: str, value: Any
) -> None:
    param = param_of(name)
    if param is None:
        pytest.skip(f"QGIS of this machine has no type {name}")
    with pytest.raises(InputRejected) as caught:
        CONVERTERS[name].convert(param, Inline(value=value), job)
    assert caught.value.detail.startswith("X ")
    assert caught.value.faults[0].message


POINT = {"type": "Point", "coordinates": [0, 0]}
LAYER = {"type": "FeatureCollection", "features": []}
HUGE = 10**30
ODD: list[Any] = [
    *(False, 0, "", None, [], {}, [[]], [None], [{}], [0], [""]),
    *(True, -1, 1.5, HUGE, -HUGE, 10**400, 1e308, float("inf"), [HUGE, HUGE], [[HUGE]]),
    *("\x00", " ", "x", "x" * 50_000, "(" * 5000, "+".join("1" * 20_000), "{}", "/etc/passwd"),
    *("1,2", "POINT(nan nan)", "POINT(1e999 0)", "0,0 [EPSG:]", f"{'9' * 5000},1"),
    *("2020-02-30", "2020-01-01T25:00:00", "EPSG:99999999999999999999", "+proj=merc +lat_ts=1e999"),
    *({"type": "Point"}, {"type": "Point", "coordinates": ["a", "b"]}, [POINT, POINT]),
    *({**LAYER, "features": [None]}, {**LAYER, "features": 0}, {**LAYER, "crs": 7}),
    *({"bbox": None}, {"bbox": [0, 0, 1, "a"]}, {"bbox": [0, 0, 1, 1], "crs": 0}),
    *({"bbox": [0, 0, 10**400, 1]}, {"bbox": [0, 0, HUGE, HUGE]}, {"bbox": [0, 0, 0, 0, 0]}),
    *({"layer": None}, {"layer": ""}, {"layer": {"value": 0}}, {"layer": POINT, "field": 0}),
    *({"layer": {"value": "A", "encoding": 0}}, {"layer": {"value": POINT, "mediaType": []}}),
    *({"layer": POINT, "type": None}, {"layer": POINT, "minZoom": HUGE, "name": ""}),
    [{"name": "a", "type": "text", "expression": "1", "length": HUGE}],
    [{"name": "a", "type": [], "expression": None, "input": "1", "aggregate": []}],
    [{"minimum": 0, "maximum": 10**400, "color": "#000000"}],
]
"""Values of all kinds, each odd to most types."""


@pytest.mark.parametrize("name", sorted(CONVERTERS))
@pytest.mark.parametrize("encoding", [None, "base64"])
def test_an_odd_value_is_taken_or_refused_in_a_short_sentence(
    engine: Engine, tmp_path: Path, name: str, encoding: Any
) -> None:
    param = param_of(name)
    if param is None:
        pytest.skip(f"QGIS of this machine has no type {name}")
    refused = []
    for at, value in enumerate(ODD):
        folder = tmp_path / str(at)
        folder.mkdir()
        job = Workspace(folder, QgsProcessingFeedback(False))
        try:
            CONVERTERS[name].convert(param, Inline(value=value, encoding=encoding), job)
        except InputRejected as error:
            refused.append((value, error.detail, error.faults[0].pointer))
    assert [value for value, detail, _ in refused if len(detail) > 1500] == []
    assert all(detail.startswith("X ") for _, detail, _ in refused)
    assert all(f"{pointer}/".startswith("/inputs/X/") for _, _, pointer in refused)


NEVER_ABSENT = {"tininputlayers"}
"""Types of which QGIS itself takes no absent value, optional or not; no algorithm has it optional."""


@pytest.mark.parametrize("name", sorted(CONVERTERS))
def test_an_optional_input_may_be_absent_and_a_required_one_without_default_may_not(
    job: Workspace, name: str
) -> None:
    param = param_of(name)
    if param is None or QgsApplication.processingRegistry().parameterType(name) is None:
        pytest.skip(f"QGIS of this machine makes no parameter of type {name}")
    param.setDefaultValue(None)
    about = describe_input(param)
    assert about.min_occurs == (0 if "default" in about.schema_ else 1)
    param.setFlags(param.flags() | QgsProcessingParameterDefinition.FlagOptional)
    assert describe_input(param).min_occurs == 0
    absent = _default(param, job)
    assert name in NEVER_ABSENT or param.checkValueIsAcceptable(absent, job.context), absent


ONE_OR_SEVERAL = {
    "enum": ("Round", 0, [0]),
    "field": ("name", "name", ["name"]),
    "band": (1, 1, [1]),
}
"""Type → a value, and what QGIS is given where it takes one and where it takes several."""


@pytest.mark.parametrize("name", sorted(ONE_OR_SEVERAL))
def test_a_list_is_for_what_takes_several(job: Workspace, name: str) -> None:
    value, one, several = ONE_OR_SEVERAL[name]
    param = param_of(name)
    convert = CONVERTERS[name].convert
    assert convert(param, Inline(value=value), job) == one
    for wrong in ([], [value, value]):
        with pytest.raises(InputRejected, match=r"^X must be one"):
            convert(param, Inline(value=wrong), job)
    param.setAllowMultiple(True)
    assert convert(param, Inline(value=value), job) == several
    assert convert(param, Inline(value=[value]), job) == several
    assert convert(param, Inline(value=[]), job) == []
