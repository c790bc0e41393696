"""Tiny jobs that load what the first real ones would: their children find it in memory."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from osgeo import gdal
from pydantic import JsonValue

from qanat_common.errors import QanatError
from qanat_common.protocol import Inline, LocalFile, LogLevel, ResolvedInputs
from qanat_worker.engine.workspace import empty_project
from qanat_worker.port import Engine, Task

_FEATURES: list[JsonValue] = [
    {
        "type": "Feature",
        "properties": {"name": str(number), "value": number},
        "geometry": {"type": "Point", "coordinates": [number, number / 2]},
    }
    for number in range(3)
]


class Silence:
    """Feedback that nobody hears."""

    def progress(self, percent: float) -> None:
        """Nothing."""

    def log(self, level: LogLevel, message: str) -> None:
        """Nothing."""


def jobs(raster: Path) -> list[tuple[str, ResolvedInputs]]:
    """What is run: vector and raster, native and by GDAL's tools; nothing that draws."""
    points = Inline(value={"type": "FeatureCollection", "features": _FEATURES})
    grid = LocalFile(path=str(raster), media_type="image/tiff")
    return [
        ("native:buffer", {"INPUT": points, "DISTANCE": Inline(value=1)}),
        ("native:reprojectlayer", {"INPUT": points, "TARGET_CRS": Inline(value="EPSG:3857")}),
        (
            "native:extractbyexpression",
            {"INPUT": points, "EXPRESSION": Inline(value='"value" > 1')},
        ),
        ("native:slope", {"INPUT": grid}),
        ("gdal:aspect", {"INPUT": grid}),
        ("gdal:buffervectors", {"INPUT": points, "DISTANCE": Inline(value=1)}),
    ]


def run(engine: Engine) -> None:
    """Run each twice."""
    with _folder() as folder:
        raster = folder / "grid.tif"
        _write_grid(raster)
        for number, (process_id, inputs) in enumerate(jobs(raster) * 2):
            _run(engine, process_id, inputs, folder / str(number))


def rehearse(engine: Engine) -> None:
    """Run the first of them once, in a child: the memory that every job writes is its own then."""
    with _folder() as folder:
        process_id, inputs = jobs(folder)[0]
        _run(engine, process_id, inputs, folder / "0")


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder to work in that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="warm-up-"))
    before = Path.cwd()
    try:
        yield folder
    finally:
        os.chdir(before)
        shutil.rmtree(folder, ignore_errors=True)


def _run(engine: Engine, process_id: str, inputs: ResolvedInputs, folder: Path) -> None:
    folder.mkdir()
    os.chdir(folder)
    task = Task(process_id=process_id, inputs=inputs, outputs=None, folder=str(folder))
    with suppress(QanatError):
        engine.run(task, Silence())
    empty_project()


def _write_grid(path: Path) -> None:
    made = gdal.GetDriverByName("GTiff").Create(str(path), 8, 8, 1, gdal.GDT_Float32)
    made.SetGeoTransform((0, 1, 0, 8, 0, -1))
    made.GetRasterBand(1).WriteRaster(0, 0, 8, 8, bytes(range(64)), buf_type=gdal.GDT_Byte)
    del made
