"""The echo: what it offers, what it gives back, and that it stands beside an engine or alone."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from qanat_common.errors import InputRejected
from qanat_common.ogc import OutputRequest
from qanat_common.protocol import Inline, LocalFile, LogLevel, Value
from qanat_worker.echo import GML, IDS, TIFF, alone, echo
from qanat_worker.parent import load
from qanat_worker.port import ProducedFile, Task

BOX = {"bbox": [51.9, 7.0, 52.0, 7.1], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}


@dataclass
class Notes:
    """Feedback that is kept."""

    percents: list[float] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def progress(self, percent: float) -> None:
        self.percents.append(percent)

    def log(self, level: LogLevel, message: str) -> None:
        self.lines.append(message)


def task(folder: Path, inputs: dict[str, Any], outputs: Any = None) -> Task:
    given = {
        name: value if isinstance(value, Inline | LocalFile) else Inline(value=value)
        for name, value in inputs.items()
    }
    return Task(process_id="echo", inputs=given, outputs=outputs, folder=str(folder))


def test_plain_values_come_back_as_they_are(tmp_path: Path) -> None:
    given = {"stringInput": "", "bboxInput": BOX, "arrayInput": [0]}
    outputs = echo(task(tmp_path, given), Notes())
    assert outputs == {name: Value(value=value) for name, value in given.items()}


def test_only_what_is_asked_for_comes_back(tmp_path: Path) -> None:
    given = {"stringInput": "a", "arrayInput": [1]}
    outputs = echo(task(tmp_path, given, {"arrayInput": OutputRequest()}), Notes())
    assert list(outputs) == ["arrayInput"]


@pytest.mark.parametrize(
    ("given", "content", "name"),
    [
        (
            Inline(value=b64encode(b"II*\0").decode(), media_type=TIFF, encoding="base64"),
            b"II*\0",
            "complexInput.tif",
        ),
        (Inline(value="<ä/>", media_type=GML), "<ä/>".encode(), "complexInput.gml"),
    ],
)
def test_what_has_a_media_type_comes_back_as_a_file(
    tmp_path: Path, given: Inline, content: bytes, name: str
) -> None:
    made = echo(task(tmp_path, {"complexInput": given}), Notes())["complexInput"]
    assert isinstance(made, ProducedFile)
    assert (made.name, made.media_type) == (name, given.media_type)
    assert Path(made.path).read_bytes() == content


def test_a_fetched_file_comes_back_itself(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    path.write_bytes(b"II*\0")
    given = LocalFile(path=str(path), media_type="image/tiff")
    made = echo(task(tmp_path, {"complexInput": given}), Notes())["complexInput"]
    assert made == ProducedFile(path=str(path), name="x.tif", media_type=TIFF)


@pytest.mark.parametrize(
    ("name", "content", "value"),
    [
        ("stringInput", "hello", "hello"),
        ("arrayInput", "[1, 2]", [1, 2]),
        ("bboxInput", '{"bbox": [0, 0, 1, 1]}', {"bbox": [0, 0, 1, 1]}),
    ],
)
def test_a_fetched_value_comes_back_as_a_value(
    tmp_path: Path, name: str, content: str, value: Any
) -> None:
    path = tmp_path / "x"
    path.write_text(content)
    assert echo(task(tmp_path, {name: LocalFile(path=str(path))}), Notes()) == {
        name: Value(value=value)
    }


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("arrayInput", '["a"]'),
        ("arrayInput", "no JSON"),
        ("bboxInput", "[0, 0, 1, 1]"),
        ("pause", "61"),
        ("complexInput", "neither"),
    ],
)
def test_a_fetched_value_of_a_wrong_kind_is_rejected(
    tmp_path: Path, name: str, content: str
) -> None:
    path = tmp_path / "x"
    path.write_text(content)
    with pytest.raises(InputRejected, match=name):
        echo(task(tmp_path, {name: LocalFile(path=str(path))}), Notes())


def test_a_pause_tells_how_far_it_is(tmp_path: Path) -> None:
    notes = Notes()
    echo(task(tmp_path, {"stringInput": "a", "pause": 0.25}), notes)
    assert notes.lines == ["The echo comes in 0.25 s."]
    assert len(notes.percents) > 1
    assert notes.percents == sorted(notes.percents)


def test_it_stands_alone_without_qgis() -> None:
    engine = load("echo")({})
    assert tuple(process.id for process in engine.offer().processes) == IDS
    assert [provider.id for provider in engine.providers()] == ["qanat"]
    assert engine.versions() == alone({}).versions() == {}


def test_the_first_input_is_a_required_text_with_an_output_of_its_name() -> None:
    described = alone({}).offer().processes[0]
    first = next(iter(described.inputs))
    assert described.inputs[first].schema_ == {"type": "string"}
    assert first in described.outputs
    assert [name for name, about in described.inputs.items() if about.min_occurs] == [first]


def test_beside_an_engine_both_run_their_own(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(echo=True)
    offered = {process.id for process in bench.ready[-1].offer.processes}
    assert offered >= {"qanat:echo", "where"}
    assert bench.values("qanat:echo", stringInput="hello") == {"stringInput": "hello"}
    assert bench.run("talk", "j2", x=1).status == "successful"


def test_a_dismissed_pause_ends_at_once(
    make_bench: Callable[..., Any], until: Callable[..., Any]
) -> None:
    bench = make_bench(echo=True)
    running = bench.begin("qanat:echo", stringInput="a", pause=60)
    until(lambda: bench.record().progress > 0)
    bench.store.dismiss("j1")
    running.join(5)
    assert not running.is_alive()
    assert bench.record().status == "dismissed"
