"""Small pictures of rasters, as PNG: of each a copy in few pixels, stretched, without what is no data.

Colours stay where a raster has them, as bytes or as a table; else its first band is grey, from dark to light between
the values that leave out the lowest and the highest 2 % of its pixels. No file of the job is changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from osgeo import gdal

from qanat_worker.engine.datasets import tried
from qanat_worker.port import Produced, ProducedFile, ProducedPicture

DRIVERS = ["GTiff", "COG", "PNG", "JPEG"]
"""What is opened; a COG is a GeoTIFF to those who read it."""

CUT = 0.02
"""This part of the pixels is left out at each end of a stretch."""

BUCKETS = 1000
"""Of so many the histogram is made from which a stretch is read."""

COLOURS = (gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand)


def pictures(
    outputs: Mapping[str, Produced], folder: Path, longest: int
) -> dict[str, ProducedPicture]:
    """Of the outputs that are rasters; `longest` is how many pixels the longer side may have."""
    made: dict[str, ProducedPicture] = {}
    for number, (name, output) in enumerate(outputs.items()):
        if isinstance(output, ProducedFile) and output.media_type.startswith("image/"):
            found = picture(Path(output.path), folder / f"picture-{number}.png", longest)
            if found is not None:
                made[name] = found
    return made


def picture(source: Path, target: Path, longest: int) -> ProducedPicture | None:
    """A picture of a raster at `target`; None where it cannot be opened, or has no values."""
    with _alone():
        opened = tried(gdal.OpenEx, str(source), gdal.OF_RASTER, allowed_drivers=DRIVERS)
        small = _small(opened, longest) if opened is not None and opened.RasterCount else None
        if small is None:
            return None
        mask = _mask(small)
        bands = _bands(small) if any(mask) else None
        if bands is None:
            return None
        shown = _together(small, [*bands, mask])
        done = tried(gdal.GetDriverByName("PNG").CreateCopy, str(target), shown)
        if done is None:
            return None
        del done
    return ProducedPicture(path=str(target), width=small.RasterXSize, height=small.RasterYSize)


@contextmanager
def _alone() -> Iterator[None]:
    """GDAL says nothing, and writes nothing beside the files it reads and makes."""
    before = gdal.GetConfigOption("GDAL_PAM_ENABLED")
    gdal.SetConfigOption("GDAL_PAM_ENABLED", "NO")
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        yield
    finally:
        gdal.PopErrorHandler()
        gdal.SetConfigOption("GDAL_PAM_ENABLED", before)


def _small(opened: gdal.Dataset, longest: int) -> Any:
    """A copy in memory, in as few pixels as are shown; never more than there are."""
    width, height = opened.RasterXSize, opened.RasterYSize
    share = min(1.0, longest / max(width, height))
    return tried(
        gdal.Translate,
        "",
        opened,
        format="MEM",
        width=max(1, round(width * share)),
        height=max(1, round(height * share)),
    )


def _bands(small: gdal.Dataset) -> list[bytes] | None:
    """What is shown of each pixel, one byte in each of one or three bands."""
    told = [small.GetRasterBand(at + 1) for at in range(small.RasterCount)]
    if told[0].GetColorTable() is not None:
        return _by_table(told[0])
    coloured = {band.GetColorInterpretation(): band for band in told}
    if all(colour in coloured for colour in COLOURS):
        shown = [coloured[colour] for colour in COLOURS]
    else:
        shown = told[:1]
    stretched = [_stretched(band) for band in shown]
    return [band for band in stretched if band is not None] if all(stretched) else None


def _by_table(band: gdal.Band) -> list[bytes]:
    """The colours that a table has for the values of a band."""
    table = band.GetColorTable()
    known = [table.GetColorEntry(at) for at in range(min(table.GetCount(), 256))]
    entries = known + [(0, 0, 0, 255)] * (256 - len(known))
    values = bytes(band.ReadRaster(buf_type=gdal.GDT_Byte))
    return [values.translate(bytes(entry[part] for entry in entries)) for part in range(3)]


def _stretched(band: gdal.Band) -> bytes | None:
    """The values as bytes: bytes as they are; others from 0 to 255 over most of them."""
    if band.DataType == gdal.GDT_Byte:
        return bytes(band.ReadRaster())
    ends = _ends(band)
    if ends is None:
        return None
    low, high = ends
    single = tried(
        gdal.Translate,
        "",
        band.GetDataset(),
        format="MEM",
        bandList=[band.GetBand()],
        outputType=gdal.GDT_Byte,
        scaleParams=[[low, high, 0, 255]],
        noData="none",
    )
    return None if single is None else bytes(single.GetRasterBand(1).ReadRaster())


def _ends(band: gdal.Band) -> tuple[float, float] | None:
    """The values between which most pixels lie; None where none has a value."""
    told = tried(band.ComputeStatistics, False)
    if told is None:
        return None
    least, most = told[0], told[1]
    if not least < most:
        return least - 1, most + 1
    counts = tried(band.GetHistogram, least, most, BUCKETS, include_out_of_range=1, approx_ok=0)
    if not counts:
        return least, most
    low, high = _bucket(counts), BUCKETS - 1 - _bucket(counts[::-1])
    step = (most - least) / BUCKETS
    return (least + low * step, least + (high + 1) * step) if low < high else (least, most)


def _bucket(counts: Sequence[int]) -> int:
    """The first bucket that is not cut off."""
    left = sum(counts) * CUT
    for at, count in enumerate(counts):
        left -= count
        if left < 0:
            return at
    return 0


def _mask(small: gdal.Dataset) -> bytes:
    """How much each pixel is there: 0 where it is no data."""
    band = small.GetRasterBand(1)
    table = band.GetColorTable()
    there = bytes(band.GetMaskBand().ReadRaster(buf_type=gdal.GDT_Byte))
    if table is None:
        return there
    known = [table.GetColorEntry(at)[3] for at in range(min(table.GetCount(), 256))]
    values = bytes(band.ReadRaster(buf_type=gdal.GDT_Byte))
    opaque = values.translate(bytes(known + [255] * (256 - len(known))))
    return bytes(map(min, there, opaque))


def _together(small: gdal.Dataset, bands: Sequence[bytes]) -> gdal.Dataset:
    """Bands of bytes as one raster, the last of them its opacity."""
    width, height = small.RasterXSize, small.RasterYSize
    made = gdal.GetDriverByName("MEM").Create("", width, height, len(bands), gdal.GDT_Byte)
    for at, values in enumerate(bands):
        made.GetRasterBand(at + 1).WriteRaster(0, 0, width, height, values)
    colours = COLOURS if len(bands) > 2 else (gdal.GCI_GrayIndex,)
    for at, colour in enumerate((*colours, gdal.GCI_AlphaBand)):
        made.GetRasterBand(at + 1).SetColorInterpretation(colour)
    return made
