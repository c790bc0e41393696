"""What each result of a case must be: the table of the suite's types of results."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from osgeo import gdal
from qgis.core import (
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingUtils,
    QgsRenderChecker,
    QgsVectorLayer,
)
from tests.e2e.qgis_suite import places
from tests.e2e.qgis_suite.cases import Case
from tests.e2e.qgis_suite.compare import Comparison
from tests.e2e.qgis_suite.verdict import Different

Expected = Mapping[str, Any]


@dataclass(frozen=True)
class Checker:
    """Checks the results of a case; `data` is the folder of the suite's data."""

    data: Path
    context: QgsProcessingContext

    def check(self, case: Case, results: Mapping[str, Any]) -> None:
        """Raise `Different` unless every result is what it must be."""
        for name, expected in case.results.items():
            if results.get(name) is None:
                raise Different(f"{name}: absent; there is {', '.join(results) or 'nothing'}")
            try:
                CHECKS[expected["type"]](self, expected, results[name])
            except Different as error:
                raise Different(f"{name}: {error}") from error

    def vector(self, expected: Expected, result: Any) -> None:
        """A layer, equal to one of the expected ones."""
        found = self._layer(result)
        if found is None or not found.isValid():
            raise Different("no valid layer")
        if expected.get("compare") is False:
            return
        comparison = Comparison.of(expected.get("compare") or {})
        first: Different | None = None
        for path in self._paths(expected):
            wanted = places.vector_layer(path, "expected")
            if not wanted.isValid():
                raise Different(f"the expected layer {path} cannot be read")
            try:
                comparison.check(wanted, found, expected.get("pk"))
            except Different as error:
                first = first or error
            else:
                return
        raise first or Different("nothing is expected")

    def _layer(self, result: Any) -> QgsVectorLayer | None:
        if isinstance(result, QgsMapLayer):
            return result
        return QgsProcessingUtils.mapLayerFromString(places.detecting_crs(result), self.context)

    def _paths(self, expected: Expected) -> list[str]:
        names = expected.get("uri") or expected["name"]
        several = [names] if isinstance(names, str) else names
        return [places.located(self.data, name) for name in several]

    def raster(self, expected: Expected, result: Any) -> None:
        """A raster whose values have one of the expected hashes."""
        hashes = expected["hash"]
        wanted = {hashes} if isinstance(hashes, str) else set(hashes)
        found = list(_hashes(Path(str(result))))
        if not wanted.intersection(found):
            raise Different(f"raster with hash {found[0][:12]}…, expected {sorted(wanted)}")

    def file(self, expected: Expected, result: Any) -> None:
        """A text file with the lines of one of the expected ones."""
        lines = _lines(Path(str(result)))
        several = [_lines(Path(path)) for path in self._paths(expected)]
        if lines in several:
            return
        wanted = several[0]
        pairs = enumerate(zip(lines, wanted, strict=False))
        at = next((at for at, (one, two) in pairs if one != two), min(len(lines), len(wanted)))
        told = [part[at] if at < len(part) else "(end)" for part in (lines, wanted)]
        raise Different(f"line {at + 1}: {told[0]!r}, expected {told[1]!r}")

    def regex(self, expected: Expected, result: Any) -> None:
        """A text file in which every rule is found."""
        text = Path(str(result)).read_text("utf-8")
        for rule in expected.get("rules", []):
            if not re.search(rule, text):
                raise Different(f"{rule!r} is not in: {text[:300]!r}")

    def directory(self, expected: Expected, result: Any) -> None:
        """A folder with the expected files, down to its last subfolder."""
        for path in self._paths(expected):
            _check_folder(Path(path), Path(str(result)))


CHECKS: Mapping[str, Callable[[Checker, Expected, Any], None]] = {
    "vector": Checker.vector,
    "table": Checker.vector,
    "rasterhash": Checker.raster,
    "file": Checker.file,
    "regex": Checker.regex,
    "directory": Checker.directory,
}


def _hashes(path: Path) -> Iterator[str]:
    """The hashes of a raster as its driver may read it: floating point in 32 or in 64 bits.

    How GDAL reads an ASCII grid depends on what the process did before (trap T1).
    """
    if not path.exists():
        raise Different("no file")
    opened = gdal.Open(str(path))
    if opened is None:
        raise Different("no raster that can be read")
    read = [opened.ReadAsArray()]
    if opened.GetDriver().ShortName == "AAIGrid":
        again = gdal.OpenEx(str(path), gdal.OF_RASTER, open_options=["DATATYPE=Float64"])
        read.append(again.ReadAsArray())
    for values in list(read):
        if values.dtype.kind == "f":
            read += [values.astype(kind) for kind in (np.float32, np.float64)]
    for values in read:
        yield hashlib.sha224(np.ascontiguousarray(np.nan_to_num(values)).data).hexdigest()


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines(keepends=True)


def _check_folder(expected: Path, result: Path) -> None:
    """Masks of images are no files of their own: they say where an image may differ."""
    wanted = {path.name for path in expected.iterdir() if not path.stem.endswith("_mask")}
    found = {path.name for path in result.iterdir()} if result.is_dir() else set()
    if wanted != found:
        raise Different(f"{result.name} has {sorted(found)}, expected {sorted(wanted)}")
    for name in sorted(wanted):
        if (expected / name).is_dir():
            _check_folder(expected / name, result / name)
        else:
            IN_FOLDERS[Path(name).suffix](expected / name, result / name)


def _check_tile(expected: Path, result: Path) -> None:
    layers = [QgsVectorLayer(str(path), path.stem) for path in (expected, result)]
    if not all(layer.isValid() for layer in layers):
        raise Different(f"{result.name} cannot be read")
    Comparison().check(*layers, None)


def _check_image(expected: Path, result: Path) -> None:
    if not QgsRenderChecker().compareImages(expected.stem, str(expected), str(result)):
        raise Different(f"the image {result.name} differs")


IN_FOLDERS: Mapping[str, Callable[[Path, Path], None]] = {
    ".pbf": _check_tile,
    ".png": _check_image,
}
