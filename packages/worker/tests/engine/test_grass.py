"""GRASS, where it is installed: its programs run in the job's folder, and texts stay one argument."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from qanat_worker.engine import expressions
from qanat_worker.port import Engine, ProducedFile


@pytest.fixture
def grass(missing: Callable[[str], NoReturn]) -> None:
    """GRASS, which need not be installed at home."""
    if shutil.which("grass") is None:
        missing("grass-core is not installed (apt install grass-core)")


@pytest.fixture
def own(engine: Engine) -> str:
    """What the provider is called: it has lost its number."""
    ids = {process.id.partition(":")[0] for process in engine.offer().processes}
    return "grass" if "grass" in ids else "grass7"


@pytest.mark.usefixtures("grass")
def test_nearly_all_its_algorithms_are_offered(engine: Engine, own: str) -> None:
    offered = [each for each in engine.offer().processes if each.id.startswith(f"{own}:")]
    assert len(offered) > 295
    refused = {each.id for each in engine.offer().refused if each.id.startswith(own)}
    assert {f"{own}:nviz", f"{own}:v.in.wfs", f"{own}:v.out.postgis"} <= refused


@pytest.mark.usefixtures("grass")
def test_a_raster_is_computed_from_a_raster(bench: Any, own: str, data: Path) -> None:
    made = bench.run(
        f"{own}:r.slope.aspect", {"slope": "image/tiff; application=geotiff"},
        elevation=data / "dem.tif",
    )["slope"]  # fmt: skip
    assert isinstance(made, ProducedFile)
    assert Path(made.path).stat().st_size > 1000


@pytest.mark.usefixtures("grass")
@pytest.mark.filterwarnings("ignore:QgsProcessingAlgorithm:DeprecationWarning")
def test_a_vector_is_computed_from_a_vector(bench: Any, make: Any, own: str) -> None:
    points = make.features(make.point(1, 2), make.point(2, 3), name=["a", "b"])
    made = bench.run(
        f"{own}:v.buffer", {"output": "application/geo+json"},
        input=points, distance=0.5, type=["point"], where="name = 'b'",
    )["output"]  # fmt: skip
    assert isinstance(made, ProducedFile)
    assert '"Polygon"' in Path(made.path).read_text("utf-8")


@pytest.mark.usefixtures("grass")
def test_a_text_does_not_come_out_of_its_quotes(bench: Any, make: Any, own: str) -> None:
    points = make.features(make.point(1, 2))
    for text in ('1"; touch owned; "', "$(touch owned)", "`touch owned`"):
        bench.rejection(f"{own}:v.buffer", input=points, distance=1, cats=text)
        bench.rejection(f"{own}:v.buffer", input=points, distance=1, where=text)


@pytest.mark.parametrize(
    ("name", "text", "right"),
    [
        ("where", "name = 'a' and n > -1", True),
        ("from_where", 'name = "a"', False),
        ("where", "name = '$HOME'", False),
        ("txtrules", "1 thru 3 = 1 low\n* = 2 high\n", True),
        ("config_txt", "a\0b", False),
        ("cats", "1,3,7-9", True),
        ("cats", "1' 2", False),
        ("expression", "A*2", True),
        ("expression", "A\nB", False),
    ],
)
def test_texts_for_its_programs_are_vetted(name: str, text: str, right: bool) -> None:
    check = expressions.check_of("grass7:v.buffer", name, "string")
    assert check is not None
    assert (check(text) is None) == right
