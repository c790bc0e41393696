"""Small pictures of rasters: colours, stretch, what is no data; and none where there is nothing to see."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from osgeo import gdal

from qanat_worker.engine.pictures import picture, pictures
from qanat_worker.port import ProducedFile, ProducedPicture

LONGEST = 64
COLOURS = (gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand, gdal.GCI_AlphaBand)
CODES = {gdal.GDT_Byte: "B", gdal.GDT_UInt16: "H", gdal.GDT_Int16: "h", gdal.GDT_Float32: "f"}


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """A GeoTIFF of some bands; `before` does more to it while it is empty."""

    def made(
        width: int,
        *bands: Sequence[float],
        kind: int = gdal.GDT_Float32,
        before: Callable[[Any], Any] = lambda opened: None,
    ) -> Path:
        path = tmp_path / "raster.tif"
        height = len(bands[0]) // width
        options = ["PHOTOMETRIC=MINISBLACK", "ALPHA=NO"] if len(bands) != 1 else []
        opened = gdal.GetDriverByName("GTiff").Create(
            str(path), width, height, len(bands), kind, options
        )
        # GDAL 3.10 takes colours only before there is data.
        before(opened)
        for at, values in enumerate(bands):
            data = struct.pack(f"<{len(values)}{CODES[kind]}", *values)
            opened.GetRasterBand(at + 1).WriteRaster(0, 0, width, height, data)
        del opened
        return path

    return made


def shown(path: Path, longest: int = LONGEST) -> tuple[ProducedPicture, list[bytes]]:
    """The picture, and its bands as they are read back."""
    target = path.with_suffix(".png")
    made = picture(path, target, longest)
    assert made is not None
    assert sorted(each.name for each in path.parent.iterdir()) == ["raster.png", "raster.tif"]
    opened = gdal.OpenEx(str(target), allowed_drivers=["PNG"])
    assert (opened.RasterXSize, opened.RasterYSize) == (made.width, made.height)
    return made, [
        bytes(opened.GetRasterBand(at + 1).ReadRaster()) for at in range(opened.RasterCount)
    ]


def test_values_are_stretched_from_dark_to_light(make: Callable[..., Path]) -> None:
    path = make(10, [float(value) for value in range(1000, 1100)])
    before = path.read_bytes()
    made, (grey, alpha) = shown(path)
    assert (made.width, made.height) == (10, 10)
    assert grey[0] == 0
    assert grey[-1] == 255
    assert list(grey) == sorted(grey)
    assert set(alpha) == {255}
    assert path.read_bytes() == before


def test_a_few_outliers_do_not_darken_the_rest(make: Callable[..., Path]) -> None:
    _, (grey, _) = shown(make(20, [float(value) for value in range(399)] + [100_000.0]))
    assert max(grey[:380]) > 100


def test_what_is_no_data_is_transparent(make: Callable[..., Path]) -> None:
    nothing = -9999.0
    values = [nothing if at % 2 else float(at) for at in range(100)]
    path = make(10, values, before=lambda made: made.GetRasterBand(1).SetNoDataValue(nothing))
    _, (grey, alpha) = shown(path)
    assert [each == 0 for each in alpha] == [bool(at % 2) for at in range(100)]
    assert max(grey) == 255


def test_numbers_that_are_none_are_transparent_where_they_are_said_to_be(
    make: Callable[..., Path],
) -> None:
    nan = float("nan")
    values = [nan, *map(float, range(99))]
    path = make(10, values, before=lambda made: made.GetRasterBand(1).SetNoDataValue(nan))
    _, (_, alpha) = shown(path)
    assert alpha[0] == 0
    assert set(alpha[1:]) == {255}


def test_bytes_are_shown_as_they_are(make: Callable[..., Path]) -> None:
    values = [40, 50, 60, 70] * 4
    _, (grey, _) = shown(make(4, values, kind=gdal.GDT_Byte))
    assert list(grey) == values


@pytest.mark.parametrize("value", [7.0, -3.5])
def test_one_value_everywhere_is_one_grey(make: Callable[..., Path], value: float) -> None:
    _, (grey, alpha) = shown(make(4, [value] * 16))
    assert len(set(grey)) == 1
    assert set(alpha) == {255}


def test_colours_stay(make: Callable[..., Path]) -> None:
    def colour(opened: Any) -> None:
        for at, meaning in enumerate(COLOURS):
            opened.GetRasterBand(at + 1).SetColorInterpretation(meaning)

    bands = [[200] * 16, [100] * 16, [50] * 16, [255, 0] * 8]
    _, (red, green, blue, alpha) = shown(make(4, *bands, kind=gdal.GDT_Byte, before=colour))
    assert (set(red), set(green), set(blue)) == ({200}, {100}, {50})
    assert list(alpha) == [255, 0] * 8


def test_a_table_of_colours_is_followed(make: Callable[..., Path]) -> None:
    def colour(opened: Any) -> None:
        table = gdal.ColorTable()
        table.SetColorEntry(0, (255, 0, 0, 255))
        table.SetColorEntry(1, (0, 0, 255, 255))
        opened.GetRasterBand(1).SetColorTable(table)
        opened.GetRasterBand(1).SetNoDataValue(1)

    _, (red, _, blue, alpha) = shown(make(4, [0, 1] * 8, kind=gdal.GDT_Byte, before=colour))
    assert list(red[:1]) == [255]
    assert list(blue[1:2]) == [255]
    assert list(alpha) == [255, 0] * 8


def test_of_several_bands_without_colours_the_first_is_shown(make: Callable[..., Path]) -> None:
    bands = [list(range(100)), [5] * 100]
    _, (grey, _) = shown(make(10, *bands, kind=gdal.GDT_UInt16))
    assert max(grey) == 255


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(300, 100, (64, 21)), (100, 300, (21, 64)), (1000, 1, (64, 1))],
)
def test_the_longer_side_is_bounded(
    make: Callable[..., Path], width: int, height: int, expected: tuple[int, int]
) -> None:
    made, _ = shown(make(width, [float(at) for at in range(width * height)]))
    assert (made.width, made.height) == expected


def test_what_has_no_values_has_no_picture(make: Callable[..., Path]) -> None:
    path = make(4, [1.0] * 16, before=lambda made: made.GetRasterBand(1).SetNoDataValue(1.0))
    assert picture(path, path.with_suffix(".png"), LONGEST) is None


@pytest.mark.parametrize("content", [b"", b"II*\0garbage", b"GIF89a", b"<VRTDataset></VRTDataset>"])
def test_what_is_no_raster_has_no_picture(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.tif"
    path.write_bytes(content)
    assert picture(path, tmp_path / "x.png", LONGEST) is None
    assert [each.name for each in tmp_path.iterdir()] == ["x.tif"]


def test_gdal_still_tells_of_what_is_wrong_afterwards(tmp_path: Path) -> None:
    picture(tmp_path / "none.tif", tmp_path / "x.png", LONGEST)
    assert gdal.GetConfigOption("GDAL_PAM_ENABLED") is None


def test_raster_results_of_a_job_have_pictures(bench: Any, data: Path, tmp_path: Path) -> None:
    made = bench.run("native:hillshade", INPUT=data / "dem.tif")
    assert isinstance(made["OUTPUT"], ProducedFile)
    found = pictures(made, tmp_path, LONGEST)
    assert max(found["OUTPUT"].width, found["OUTPUT"].height) <= LONGEST
    assert Path(found["OUTPUT"].path).read_bytes().startswith(b"\x89PNG")
