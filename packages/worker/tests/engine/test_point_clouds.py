"""Point clouds as inputs: in the form of Entwine, and COPC where QGIS reads it."""

import json
import zipfile
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from qgis.core import QgsProcessingFeedback, QgsProviderRegistry

from qanat_common.protocol import Inline, LocalFile
from qanat_worker.engine import formats
from qanat_worker.engine.sources import CLOUD, OF_ALL_KINDS, Kind, layers_of
from qanat_worker.engine.values import Unusable
from qanat_worker.engine.workspace import Workspace
from qanat_worker.port import Engine

MESH = "MESH2D\nND 1 0 0 1\nND 2 1 0 2\nND 3 0 1 3\nE3T 1 1 2 3 1\n"


@pytest.fixture
def job(engine: Engine, tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, QgsProcessingFeedback(False))


def opened(given: LocalFile, kind: Kind, job: Workspace) -> Any:
    """The one layer of a file."""
    layers_of(given, kind, "INPUT", "INPUT", job)
    (layer,) = job.layers["INPUT"]
    return layer


@pytest.fixture
def cloud(tmp_path: Path) -> Path:
    """A point cloud of two points in the form of Entwine."""
    box = [0, 0, 0, 10, 10, 10]
    dimensions = [
        {"name": name, "type": "signed", "size": 4, "scale": 0.01, "offset": 0} for name in "XYZ"
    ]
    dimensions.append({"name": "Intensity", "type": "unsigned", "size": 2})
    about = {
        "bounds": box, "boundsConforming": box, "dataType": "binary", "hierarchyType": "json",
        "points": 2, "schema": dimensions, "span": 128, "version": "1.0.0",
        "srs": {"authority": "EPSG", "horizontal": "32632", "wkt": ""},
    }  # fmt: skip
    points = pack("<iiiH", 100, 200, 300, 7) + pack("<iiiH", 900, 800, 700, 9)
    members = {
        "ept.json": json.dumps(about).encode(),
        "ept-hierarchy/0-0-0-0.json": b'{"0-0-0-0": 2}',
        "ept-data/0-0-0-0.bin": points,
    }
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("kind", [CLOUD, OF_ALL_KINDS])
def test_a_point_cloud_comes_in_a_zip(job: Workspace, cloud: Path, kind: Kind) -> None:
    assert "ept" in QgsProviderRegistry.instance().providerList()
    layer = opened(LocalFile(path=str(cloud)), kind, job)
    assert layer.pointCount() == 2
    assert "Intensity" in [each.name() for each in layer.attributes().attributes()]


@pytest.mark.parametrize("kind", [CLOUD, OF_ALL_KINDS])
def test_a_cloud_optimised_point_cloud_is_read_where_qgis_can(job: Workspace, kind: Kind) -> None:
    """The file has the same two points."""
    given = LocalFile(path=str(Path(__file__).parent / "points.copc.laz"))
    if "copc" not in QgsProviderRegistry.instance().providerList():
        assert formats.COPC not in kind.offered
        with pytest.raises(Unusable, match=r"in a format that is read here: .*Entwine"):
            opened(given, kind, job)
        return
    layer = opened(given, kind, job)
    assert layer.pointCount() == 2
    assert layer.extent().xMaximum() == 9


def test_any_kind_of_layer_has_an_extent(bench: Any, cloud: Path, data: Path) -> None:
    for given in (cloud, data / "dem.tif", data / "cities.geojson", Inline(value=MESH)):
        made = bench.features("native:polygonfromlayerextent", INPUT=given)
        assert made[0]["geometry"]["type"] == "Polygon"
