"""Each format in which a layer may come, with the CRS that it has then; and what is refused."""

import json
import subprocess
import zipfile
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessingFeedback,
    QgsProcessingParameterFile,
)

from qanat_common.protocol import Inline, LocalFile
from qanat_worker.engine import formats, opening
from qanat_worker.engine.datasets import has_driver, offered
from qanat_worker.engine.parameters import CONVERTERS
from qanat_worker.engine.parameters.layers import MESH, RASTER, VECTOR
from qanat_worker.engine.sources import Kind, layers_of
from qanat_worker.engine.values import Unusable
from qanat_worker.engine.workspace import Workspace
from qanat_worker.port import Engine


@pytest.fixture
def job(engine: Engine, tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, QgsProcessingFeedback(False))


def opened(given: Any, kind: Kind, job: Workspace) -> Any:
    """The one layer of a value."""
    layers_of(given, kind, "INPUT", "INPUT", job)
    (layer,) = job.layers["INPUT"]
    return layer


def as_bytes(path: Path) -> Inline:
    return Inline(value=b64encode(path.read_bytes()).decode(), encoding="base64")


def tool(*words: Any) -> None:
    """A tool of GDAL, in a process of its own: within this one it would bring drivers back."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def zipped(folder: Path, **members: bytes) -> Path:
    path = folder / "z.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("driver", "suffix", "crs"),
    [
        ("GeoJSON", ".geojson", "EPSG:3857"),
        ("GPKG", ".gpkg", "EPSG:3857"),
        ("FlatGeobuf", ".fgb", "EPSG:3857"),
        ("GML", ".gml", "EPSG:3857"),
        ("CSV", ".csv", ""),
        ("KML", ".kml", "EPSG:4326"),
        ("LIBKML", ".kmz", "EPSG:4326"),
        ("GPX", ".gpx", "EPSG:4326"),
        ("DXF", ".dxf", ""),
        ("XLSX", ".xlsx", ""),
        ("ODS", ".ods", ""),
        ("Parquet", ".parquet", "EPSG:3857"),
    ],
)
def test_a_vector_layer_keeps_its_crs(
    job: Workspace, data: Path, driver: str, suffix: str, crs: str
) -> None:
    if not has_driver(driver):
        pytest.skip(f"GDAL of this machine has no {driver}")
    path = job.folder / f"x{suffix}"
    options = {"GPX": ["-nln", "waypoints"], "DXF": ["-select", ""]}.get(driver, [])
    crs_asked = crs if driver in ("KML", "LIBKML", "GPX") else "EPSG:3857"
    tool(
        "ogr2ogr",
        "-skipfailures",
        "-f",
        driver,
        "-t_srs",
        crs_asked,
        *options,
        path,
        data / "cities.geojson",
    )
    layer = opened(as_bytes(path) if suffix != ".csv" else LocalFile(path=str(path)), VECTOR, job)
    assert (layer.featureCount(), layer.crs().authid()) == (10, crs)


def test_a_csv_with_degrees_in_its_columns_is_in_longitude_and_latitude(job: Workspace) -> None:
    given = Inline(value="name,lon,lat\na,10,50\n", media_type="text/csv")
    assert opened(given, VECTOR, job).crs().authid() == "EPSG:4326"


@pytest.mark.parametrize("header", ["name,x,y", "lon,lat,wkt"])
def test_a_csv_with_other_columns_has_no_crs(job: Workspace, header: str) -> None:
    given = Inline(value=f"{header}\n1,2,POINT(1 2)\n", media_type="text/csv")
    assert not opened(given, VECTOR, job).crs().isValid()


def test_a_mapinfo_table_comes_in_a_zip(job: Workspace, data: Path) -> None:
    made = job.folder / "made"
    made.mkdir()
    tool("ogr2ogr", "-f", "MapInfo File", made / "cities.tab", data / "cities.geojson")
    path = zipped(job.folder, **{each.name: each.read_bytes() for each in made.iterdir()})
    layer = opened(as_bytes(path), VECTOR, job)
    assert (layer.name(), layer.featureCount()) == ("cities", 10)


@pytest.mark.parametrize(
    ("driver", "suffix", "kind"),
    [
        ("GTiff", ".tif", "Float32"),
        ("PNG", ".png", "UInt16"),
        ("JPEG", ".jpg", "Byte"),
        ("AAIGrid", ".asc", "Float32"),
        ("GPKG", ".gpkg", "Byte"),
        ("JP2OpenJPEG", ".jp2", "UInt16"),
        ("GIF", ".gif", "Byte"),
        ("BMP", ".bmp", "Byte"),
        ("netCDF", ".nc", "Float32"),
        ("GRIB", ".grb", "Float32"),
    ],
)
def test_a_raster_may_have_many_formats(
    job: Workspace, data: Path, driver: str, suffix: str, kind: str
) -> None:
    if not has_driver(driver):
        pytest.skip(f"GDAL of this machine has no {driver}")
    path = job.folder / f"x{suffix}"
    tool("gdal_translate", "-of", driver, "-ot", kind, "-a_nodata", "none", data / "dem.tif", path)
    layer = opened(as_bytes(path), RASTER, job)
    assert (layer.width(), layer.height()) == (120, 120)
    silent = {".png", ".jpg", ".asc", ".gif", ".bmp"}
    assert layer.crs().isValid() == (suffix not in silent)


def test_a_format_that_gdal_lacks_is_not_offered() -> None:
    assert formats.PARQUET in offered(formats.VECTOR_OUTPUTS, lambda name: True)
    assert formats.PARQUET not in offered(formats.VECTOR_OUTPUTS, lambda name: name != "Parquet")
    assert (formats.PARQUET in offered(formats.VECTOR_OUTPUTS)) == has_driver("Parquet")
    assert formats.ZIP in offered(formats.VECTOR_INPUTS, lambda name: False)


def test_the_drivers_of_every_format_are_known_to_gdal() -> None:
    """What Debian's GDAL has: a name that is misspelt would never be offered."""
    every = {*formats.IN_ZIP, *formats.VECTOR_OUTPUTS, *formats.RASTER_OUTPUTS} - {formats.PARQUET}
    lacking = {form.title for form in every if form not in offered([form])}
    assert lacking == set()


MESH_2DM = (
    "MESH2D\nND 1 10.0 50.0 1.0\nND 2 10.1 50.0 2.0\nND 3 10.1 50.1 3.0\nND 4 10.0 50.1 4.0\n"
    "E3T 1 1 2 3 1\nE3T 2 1 3 4 1\n"
)
DATASET = (
    'DATASET\nOBJTYPE "mesh2d"\nBEGSCL\nND 4\nNC 2\nNAME "depth"\nTIMEUNITS hours\n'
    "TS 0 0\n1\n2\n3\n4\nTS 0 1\n5\n6\n7\n8\nENDDS\n"
)
PLY = (
    "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"
    "property float z\nelement face 1\nproperty list uchar int vertex_index\nend_header\n"
    "0 0 1\n1 0 2\n0 1 3\n3 0 1 2\n"
)


@pytest.mark.parametrize(("text", "vertices"), [(MESH_2DM, 4), (PLY, 3)])
def test_a_mesh_is_known_by_its_first_line(job: Workspace, text: str, vertices: int) -> None:
    assert opened(Inline(value=text), MESH, job).dataProvider().vertexCount() == vertices


def test_a_mesh_in_a_zip_has_its_datasets_and_its_crs(job: Workspace) -> None:
    prj = QgsCoordinateReferenceSystem("EPSG:32632").toWkt().encode()
    members = {"river.2dm": MESH_2DM.encode(), "depth.dat": DATASET.encode(), "river.prj": prj}
    layer = opened(as_bytes(zipped(job.folder, **members)), MESH, job)
    assert layer.name() == "river"
    assert layer.crs().authid() == "EPSG:32632"
    assert len(layer.datasetGroupsIndexes()) == 2


def test_datasets_that_do_not_fit_a_mesh_are_refused(job: Workspace) -> None:
    members = {"river.2dm": MESH_2DM.encode(), "depth.dat": b"nothing"}
    with pytest.raises(Unusable, match=r"datasets in 'depth\.dat' that do not fit"):
        opened(as_bytes(zipped(job.folder, **members)), MESH, job)


def test_dataset_groups_must_be_there(bench: Any) -> None:
    refused = bench.rejection("native:exportmeshvertices", INPUT=MESH_2DM, DATASET_GROUPS=[5])
    assert refused.detail == (
        "DATASET_GROUPS names no dataset group of INPUT: 5; it has: 0 (Bed Elevation)"
    )


@pytest.mark.parametrize(
    "crs",
    [
        {"type": "name", "properties": {"name": "EPSG:999999"}},
        {"type": "name", "properties": {"name": "nonsense"}},
        {"type": "name", "properties": {}},
        {"type": "link", "properties": {"href": "http://127.0.0.1:1/"}},
        "EPSG:3857",
        3857,
    ],
)
def test_a_crs_that_is_not_known_is_refused(bench: Any, make: Any, crs: Any) -> None:
    refused = bench.rejection("native:centroids", INPUT={**make.features(), "crs": crs})
    assert "has a crs that is not known here" in refused.detail
    assert '"name": "EPSG:…"' in refused.detail


@pytest.mark.parametrize(
    ("crs", "x"),
    [
        ("EPSG:3857", 9e-5),
        ("urn:ogc:def:crs:EPSG::3857", 9e-5),
        ("http://www.opengis.net/def/crs/EPSG/0/3857", 9e-5),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", 10),
        ("urn:ogc:def:crs:EPSG::4326", 10),
        ("CRS84", 10),
    ],
)
def test_a_crs_may_be_named_as_anywhere(bench: Any, make: Any, crs: str, x: float) -> None:
    if crs == "CRS84":
        crs = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
    made = bench.features("native:centroids", INPUT=make.features(make.point(10, 0), crs=crs))
    assert made[0]["geometry"]["coordinates"][0] == pytest.approx(x, rel=0.01)


def test_a_file_with_a_crs_that_is_not_known_is_refused(
    bench: Any, make: Any, tmp_path: Path
) -> None:
    for name, refused in (("EPSG:999999", True), ("EPSG:3857", False)):
        path = tmp_path / "x.geojson"
        path.write_text(json.dumps(make.features(make.point(10, 0), crs=name)))
        if refused:
            assert "not known here" in bench.rejection("native:centroids", INPUT=path).detail
        else:
            assert len(bench.features("native:centroids", INPUT=path)) == 1


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": ["a", 1]},
        {"type": "Point", "coordinates": [1]},
        {"type": "Point"},
        {"type": "Circle", "coordinates": [1, 2]},
        {"type": "Polygon", "coordinates": [[1, 2], [3, 4]]},
        {"type": "GeometryCollection", "geometries": [{"type": "Point"}]},
        {"type": "GeometryCollection"},
        "POINT (1 2)",
        5,
    ],
)
def test_a_geometry_that_is_none_is_not_lost_without_a_word(
    bench: Any, make: Any, geometry: Any
) -> None:
    given = make.features(make.point(0, 0), geometry)
    refused = bench.rejection("native:centroids", INPUT=given)
    assert "a feature (number 1) whose geometry is none" in refused.detail


@pytest.mark.parametrize(
    "geometry",
    [None, {"type": "Point", "coordinates": []}],
)
def test_an_empty_geometry_is_one(bench: Any, make: Any, geometry: Any) -> None:
    given = make.features(make.point(0, 0), geometry, name=["a", "b"])
    made = bench.features("native:orderbyexpression", INPUT=given, EXPRESSION='"name"')
    assert [each["properties"]["name"] for each in made] == ["a", "b"]


@pytest.mark.parametrize("crs", [None, "absent"])
def test_geojson_without_a_crs_is_in_crs84(bench: Any, make: Any, crs: Any) -> None:
    points = make.features(make.point(10, 50))
    points |= {} if crs else {"crs": None}
    made = bench.run(
        "native:reprojectlayer", {"OUTPUT": "text/csv"}, INPUT=points, TARGET_CRS="EPSG:3857"
    )
    assert "1113194" in Path(made["OUTPUT"].path).read_text()


def test_gpx_is_the_one_of_its_layers_that_holds_something(job: Workspace) -> None:
    text = (
        '<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk>'
        '<trkseg><trkpt lat="1" lon="2"/><trkpt lat="3" lon="4"/></trkseg></trk></gpx>'
    )
    layer = opened(Inline(value=text), VECTOR, job)
    assert layer.customProperty(opening.INNER_NAME) == "tracks"
    assert layer.featureCount() == 1


@pytest.mark.parametrize(
    ("extension", "file_filter", "media_types"),
    [
        ("qml", "", ["application/xml"]),
        ("", "GPX (*.gpx *.GPX);;Tables (*.csv)", ["application/gpx+xml", "text/csv"]),
        ("", "All files (*.*)", ["text/plain", "application/octet-stream"]),
        ("", "", ["text/plain", "application/octet-stream"]),
    ],
)
def test_a_file_has_the_media_types_of_its_suffixes(
    engine: Engine, extension: str, file_filter: str, media_types: list[str]
) -> None:
    param = file_parameter(extension, file_filter)
    schema = CONVERTERS["file"].schema(param)
    told = [each["contentMediaType"] for each in schema.get("oneOf", [schema])]
    assert told == media_types


@pytest.mark.parametrize(
    ("given", "suffix"),
    [
        (Inline(value="a,b"), ".gpx"),
        (Inline(value="a,b", media_type="text/csv"), ".csv"),
        (Inline(value="a,b", media_type="text/CSV; header=present"), ".csv"),
        (Inline(value="a,b", media_type="image/png"), ".gpx"),
    ],
)
def test_a_file_gets_the_suffix_of_what_it_is(job: Workspace, given: Inline, suffix: str) -> None:
    param = file_parameter("", "GPX (*.gpx *.GPX);;Tables (*.csv)")
    assert Path(CONVERTERS["file"].convert(param, given, job)).suffix == suffix


def test_a_file_that_is_fetched_keeps_its_suffix_where_it_may(job: Workspace) -> None:
    param = file_parameter("", "GPX (*.gpx *.GPX);;Tables (*.csv)")
    for name, suffix in (("t.csv", ".csv"), ("t.exe", ".gpx")):
        path = job.folder / name
        path.write_text("a,b")
        given = LocalFile(path=str(path))
        assert Path(CONVERTERS["file"].convert(param, given, job)).suffix == suffix


def file_parameter(extension: str, file_filter: str) -> QgsProcessingParameterFile:
    kind = QgsProcessingParameterFile.File
    return QgsProcessingParameterFile("X", "x", kind, extension, None, False, file_filter)


def test_a_layer_with_settings_may_be_qualified(bench: Any, make: Any) -> None:
    text = "name,lon,lat,height\na,0,0,1\nb,1,0,2\nc,0,1,3\nd,1,1,4\n"
    layer = {"value": text, "mediaType": "text/csv"}
    made = bench.run(
        "qgis:idwinterpolation",
        INTERPOLATION_DATA=[{"layer": layer, "field": "height"}],
        EXTENT={"bbox": [0, 0, 1, 1]},
        PIXEL_SIZE=0.5,
    )["OUTPUT"]
    assert made.media_type.startswith("image/tiff")


def test_the_columns_of_coordinates_stay_fields_and_a_column_of_wkt_does_not(bench: Any) -> None:
    table = Inline(value="name,x,y\na,10,50\n", media_type="text/csv")
    asked = {"XFIELD": "x", "YFIELD": "y", "TARGET_CRS": "EPSG:25832"}
    made = bench.run(
        "native:createpointslayerfromtable", {"OUTPUT": "text/csv"}, INPUT=table, **asked
    )
    text = Path(made["OUTPUT"].path).read_text()
    assert text.splitlines() == ["WKT,name,x,y", '"POINT (10 50)",a,10,50']
    wkt = Inline(value="name,wkt\na,POINT (10 50)\n", media_type="text/csv")
    (feature,) = bench.features("native:centroids", INPUT=wkt)
    assert feature["properties"] == {"name": "a"}
