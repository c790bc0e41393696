"""What may be a layer: decided by content, never by a name that a client gives."""

import zipfile
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from osgeo import gdal
from qgis.core import QgsProcessingFeedback

from qanat_common.errors import InputRejected
from qanat_common.protocol import Inline, LocalFile
from qanat_worker.engine import opening
from qanat_worker.engine.policy import Policy
from qanat_worker.engine.workspace import Workspace

POINTS = [[10, 50], [11, 51]]


def csv(media_type: str | None = "text/csv") -> Inline:
    return Inline(value="name,lon,lat\na,10,50\nb,11,51\n", media_type=media_type)


@pytest.fixture
def written(bench: Any, make: Any) -> Any:
    """A layer of two points as a client would have it in each format."""

    def write(media_type: str) -> Path:
        points = make.features(*[make.point(*each) for each in POINTS], name=["a", "b"])
        made = bench.run(
            "native:orderbyexpression", {"OUTPUT": media_type}, INPUT=points, EXPRESSION='"name"'
        )
        return Path(made["OUTPUT"].path)

    return write


FORMATS = [
    "application/geo+json",
    "application/geopackage+sqlite3",
    "application/flatgeobuf",
    "application/gml+xml; version=3.2",
    "text/csv",
    "application/zip",
]


@pytest.mark.parametrize("media_type", FORMATS)
def test_what_is_given_out_is_taken_again(bench: Any, written: Any, media_type: str) -> None:
    path = written(media_type)
    assert path.stat().st_size > 0
    for given in (
        path,
        LocalFile(path=str(path), media_type=media_type),
        Inline(
            value=b64encode(path.read_bytes()).decode(), media_type=media_type, encoding="base64"
        ),
    ):
        made = bench.features("native:orderbyexpression", INPUT=given, EXPRESSION='"name"')
        assert [each["properties"]["name"] for each in made] == ["a", "b"]
        assert [each["geometry"]["coordinates"] for each in made] == POINTS


def test_a_file_is_known_by_its_content_whatever_it_is_called(
    bench: Any, written: Any, tmp_path: Path
) -> None:
    path = tmp_path / "data.txt"
    path.write_bytes(written("application/geopackage+sqlite3").read_bytes())
    given = LocalFile(path=str(path), media_type="text/plain")
    assert len(bench.features("native:centroids", INPUT=given)) == 2


@pytest.mark.parametrize("geojson", ["collection", "feature", "geometry"])
def test_any_geojson_object_is_a_layer(bench: Any, make: Any, geojson: str) -> None:
    collection = make.features(make.point(0, 0))
    value = {
        "collection": collection,
        "feature": collection["features"][0],
        "geometry": make.point(0, 0),
    }[geojson]
    assert len(bench.features("native:buffer", INPUT=value)) == 1


def test_columns_of_a_csv_are_typed_and_its_points_read(bench: Any) -> None:
    made = bench.features("native:centroids", INPUT=csv())
    assert [each["geometry"]["coordinates"] for each in made] == POINTS


def test_kml_is_read(bench: Any) -> None:
    kml = (
        '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark>'
        "<name>a</name><Point><coordinates>1,2</coordinates></Point></Placemark></Document></kml>"
    )
    assert len(bench.features("native:centroids", INPUT=kml)) == 1


def test_an_empty_collection_is_a_layer(bench: Any, make: Any) -> None:
    assert bench.features("native:centroids", INPUT=make.features()) == []


def test_a_geojson_crs_is_respected(bench: Any, make: Any) -> None:
    points = make.features(make.point(1113194.9, 0), crs="EPSG:3857")
    made = bench.features("native:centroids", INPUT=points)
    assert made[0]["geometry"]["coordinates"] == pytest.approx([10, 0], abs=1e-5)


def test_gml_has_its_crs_at_its_geometries(bench: Any) -> None:
    gml = (
        '<o:FeatureCollection xmlns:o="http://ogr.maptools.org/" xmlns:g="http://www.opengis.net/gml">'
        "<g:boundedBy><g:Box><g:coord><g:X>0</g:X><g:Y>0</g:Y></g:coord></g:Box></g:boundedBy>"
        '<g:featureMember><o:a fid="a.0"><o:geometryProperty><g:Point srsName="EPSG:3857">'
        "<g:coordinates>1113194.9,0</g:coordinates></g:Point></o:geometryProperty></o:a>"
        "</g:featureMember></o:FeatureCollection>"
    )
    given = Inline(value=gml, media_type="application/gml+xml")
    made = bench.features("native:centroids", INPUT=given)
    assert made[0]["geometry"]["coordinates"] == pytest.approx([10, 0], abs=1e-5)


HOSTILE = [
    "/etc/passwd",
    "../../../../etc/passwd",
    "file:///etc/passwd",
    "/vsicurl/http://127.0.0.1:1/x.geojson",
    "/vsizip//vsicurl/http://127.0.0.1:1/x.zip",
    "http://127.0.0.1:1/x.geojson",
    "GeoJSON:http://127.0.0.1:1/",
    "CSV:/etc/passwd",
    "WFS:http://127.0.0.1:1/",
    "PG:host=127.0.0.1",
    "delimitedtext://file:///etc/passwd?type=csv&delimiter=:&detectTypes=no&geomType=none",
    "memory://Point?field=a",
    "virtual://?query=select%201",
    "ogr:dbname='/etc/passwd'",
    '<OGRVRTDataSource><OGRVRTLayer name="passwd"><SrcDataSource>CSV:/etc/passwd</SrcDataSource>'
    "</OGRVRTLayer></OGRVRTDataSource>",
    '<VRTDataset rasterXSize="1" rasterYSize="1"></VRTDataset>',
    "<GDAL_WMS><Service name='TMS'><ServerUrl>http://127.0.0.1:1/</ServerUrl></Service></GDAL_WMS>",
    "MEM:::DATAPOINTER=1",
    "INPUT",
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("input_id", ["native:centroids INPUT", "native:slope INPUT"])
@pytest.mark.parametrize("media_type", [None, "text/csv", "application/gml+xml"])
def test_a_text_never_becomes_a_data_source(
    bench: Any, text: str, input_id: str, media_type: str | None
) -> None:
    process_id, _, name = input_id.partition(" ")
    given = Inline(value=text, media_type=media_type)
    try:
        # To some versions of GDAL a line of CSV is a table without a row.
        assert bench.features(process_id, **{name: given}) == []
        assert media_type == "text/csv"
    except InputRejected as refused:
        assert refused.faults[0].pointer == f"/inputs/{name}"  # noqa: PT017 - either is right


def test_a_vrt_file_is_no_layer(bench: Any, data: Path, tmp_path: Path) -> None:
    vrt = tmp_path / "x.vrt"
    vrt.write_text(
        '<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="Byte" band="1">'
        f"<SimpleSource><SourceFilename>{data}/dem.tif</SourceFilename></SimpleSource>"
        "</VRTRasterBand></VRTDataset>"
    )
    assert "no raster layer in a format" in bench.rejection("native:slope", INPUT=vrt).detail


@pytest.mark.parametrize("name", ["VRT", "OGR_VRT", "WMS", "HTTP", "WFS", "PostgreSQL", "STACTA"])
def test_drivers_that_open_other_things_are_gone(engine: Any, name: str) -> None:
    assert gdal.GetDriverByName(name) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"type": "Topology"}, "no GeoJSON"),
        ({"type": "FeatureCollection"}, "no GeoJSON"),
        (Inline(value="AAAA", encoding="base64"), "format that is read here"),
        (Inline(value="not base64!", encoding="base64"), "is not base64"),
        (5, "format that is read here"),
        ([], "must be one layer"),
    ],
)
def test_what_is_no_layer_is_refused_in_words(bench: Any, value: Any, words: str) -> None:
    given = value if value != [] else [Inline(value={"type": "Point", "coordinates": [0, 0]})]
    assert words in bench.rejection("native:centroids", INPUT=given).detail


def test_geometries_must_be_those_that_the_algorithm_takes(bench: Any, make: Any) -> None:
    refused = bench.rejection("native:polygonstolines", INPUT=make.features(make.point(0, 0)))
    assert refused.detail == "INPUT must hold polygons; it holds points"


def test_fields_and_bands_must_be_there(bench: Any, make: Any, data: Path) -> None:
    points = make.features(make.point(0, 0), name=["a"])
    refused = bench.rejection("native:dissolve", INPUT=points, FIELD=["nom"])
    assert refused.detail == "FIELD names no field of INPUT: nom; it has: name"
    refused = bench.rejection("native:rasterlayerstatistics", INPUT=data / "dem.tif", BAND=2)
    assert refused.detail == "BAND must lie between 1 and 1, not 2"


def test_a_container_of_several_layers_is_no_single_layer(bench: Any, make: Any) -> None:
    layers = [{**make.features(make.point(0, 0)), "name": name} for name in ("one", "two")]
    package = bench.run("native:package", LAYERS=layers)["OUTPUT"]
    refused = bench.rejection("native:centroids", INPUT=Path(package.path))
    assert (
        refused.detail
        == "INPUT holds several layers, one is needed, which `layer` may name: one, two"
    )


def test_a_raster_is_no_vector_layer(bench: Any, data: Path) -> None:
    assert "no vector layer" in bench.rejection("native:centroids", INPUT=data / "dem.tif").detail


def zipped(folder: Path, **members: bytes) -> Path:
    path = folder / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"../x.geojson": b"{}"}, "not taken"),
        ({"/x.geojson": b"{}"}, "not taken"),
        ({"a\\..\\x.geojson": b"{}"}, "not taken"),
        ({'x".geojson': b"{}"}, "not taken"),
        ({"-x.geojson": b"{}"}, "not taken"),
        ({"x.txt": b"1"}, "0 layers' files"),
        ({"a.geojson": b"{}", "b.geojson": b"{}"}, "2 layers' files"),
        ({"x.geojson": b"<OGRVRTDataSource/>"}, "no GeoJSON"),
        ({"x.geojson": b" " * (64 << 20)}, "would unpack to"),
    ],
)
def test_a_zip_that_is_odd_is_refused(
    bench: Any, tmp_path: Path, members: dict[str, bytes], words: str
) -> None:
    assert words in bench.rejection("native:centroids", INPUT=zipped(tmp_path, **members)).detail
    assert not (tmp_path / "x.geojson").exists()


def test_a_raster_in_a_zip_has_the_name_of_its_file(bench: Any, data: Path, tmp_path: Path) -> None:
    path = zipped(tmp_path, **{"hills.tif": (data / "dem.tif").read_bytes()})
    content = b64encode(path.read_bytes()).decode()
    given = Inline(value=content, media_type="application/zip", encoding="base64")
    offered = {process.id for process in bench.engine.offer().processes}
    process_id = {"qgis:rastercalculator"} & offered or {"native:rastercalc"}
    made = bench.run(process_id.pop(), LAYERS=[given], EXPRESSION='"hills@1" * 2')["OUTPUT"]
    assert gdal.Open(made.path).RasterXSize == gdal.Open(str(data / "dem.tif")).RasterXSize


def test_files_beside_a_raster_that_may_name_others_are_passed_over(
    bench: Any, data: Path, tmp_path: Path
) -> None:
    beside = (
        b"<PAMDataset><Metadata><MDI key='STATISTICS_MAXIMUM'>7</MDI></Metadata>"
        b"<PAMRasterBand band='1'><Metadata><MDI key='STATISTICS_MAXIMUM'>7</MDI></Metadata>"
        b"</PAMRasterBand></PAMDataset>"
    )
    members = {"hills.tif": (data / "dem.tif").read_bytes(), "hills.tif.aux.xml": beside}
    made = bench.run("gdal:gdalinfo", INPUT=zipped(tmp_path, **members))["OUTPUT"]
    assert "STATISTICS_MAXIMUM=7" not in Path(made.path).read_text("utf-8")


def test_a_shapefile_is_no_raster(bench: Any, written: Any) -> None:
    given = written("application/zip")
    assert "one raster layer is needed" in bench.rejection("gdal:gdalinfo", INPUT=given).detail


def test_a_link_within_a_zip_is_refused(bench: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as opened:
        link = zipfile.ZipInfo("x.geojson")
        link.external_attr = 0o120777 << 16
        opened.writestr(link, "/etc/passwd")
    assert "no file within it" in bench.rejection("native:centroids", INPUT=path).detail


def test_a_mesh_is_given_as_text(bench: Any) -> None:
    mesh = (
        "MESH2D\nND 1 10.0 50.0 1.0\nND 2 10.1 50.0 2.0\nND 3 10.1 50.1 3.0\nND 4 10.0 50.1 4.0\n"
        "E3T 1 1 2 3 1\nE3T 2 1 3 4 1\n"
    )
    made = bench.features("native:exportmeshvertices", INPUT=mesh)
    assert [each["properties"]["Bed Elevation"] for each in made] == [1, 2, 3, 4]


def test_a_layer_is_called_as_its_value_says(bench: Any, make: Any, written: Any) -> None:
    points = make.features(make.point(1, 2))
    package = written("application/geopackage+sqlite3")
    given = [
        Inline(value=points, title="wells"),
        LocalFile(path=str(package), title="springs", name="at-its-address"),
        LocalFile(path=str(package), name="at-its-address"),
        Inline(value={**points, "name": "its own"}),
        points,
    ]
    merged = bench.features("native:mergevectorlayers", LAYERS=given)
    named = dict.fromkeys(each["properties"]["layer"] for each in merged)
    assert list(named) == ["wells", "springs", "at-its-address", "its own", "LAYERS_5"]


@pytest.mark.parametrize("title", ["dem", "dem.tif"])
def test_a_file_has_its_suffix_once(tmp_path: Path, title: str) -> None:
    job = Workspace(tmp_path, QgsProcessingFeedback(False))
    assert job.path(title, ".tif").name == "dem.tif"


def test_a_title_may_be_what_an_address_would_have(bench: Any, make: Any) -> None:
    """A tool of QGIS's takes the word layername anywhere in an address for the start of a name."""
    given = Inline(value=make.features(make.point(1, 2)), title="a.gpkg|layername=b")
    assert bench.features("gdal:buffervectors", INPUT=given, DISTANCE=1)


def enormous(path: Path, *options: str) -> Path:
    """A GeoTIFF that says it has 10^12 pixels, and holds none."""
    creation = ["SPARSE_OK=TRUE", "BIGTIFF=YES", "TILED=YES", "BLOCKXSIZE=16384", *options]
    driver = gdal.GetDriverByName("GTiff")
    driver.Create(
        str(path), 10**6, 10**6, 1, gdal.GDT_Byte, [*creation, "BLOCKYSIZE=16384"]
    ).SetGeoTransform([0, 1e-5, 0, 50, 0, -1e-5])
    return path


def test_a_raster_that_claims_to_be_enormous_is_refused_before_qgis_opens_it(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = enormous(tmp_path / "x.tif")
    assert path.stat().st_size < 100_000
    zipped = tmp_path / "x.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.write(path, "x.tif")
    monkeypatch.setattr(opening, "QgsRasterLayer", None)
    for given in (path, zipped):
        refused = bench.rejection("native:slope", INPUT=given)
        assert refused.faults[0].pointer == "/inputs/INPUT"
        assert refused.detail == (
            "INPUT is a raster of 1000000 × 1000000 pixels;"
            " this service takes rasters of at most 10000000000 pixels"
        )
    refused = bench.rejection("gdal:merge", INPUT=[path])
    assert "1000000 × 1000000 pixels" in refused.detail


def test_the_settings_say_how_large_a_raster_may_be(
    bench: Any, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = gdal.OpenEx(str(data / "dem.tif"))
    pixels = opened.RasterXSize * opened.RasterYSize
    monkeypatch.setattr(bench.engine, "_policy", Policy(raster_pixels=pixels))
    assert bench.run("native:slope", INPUT=data / "dem.tif")
    monkeypatch.setattr(bench.engine, "_policy", Policy(raster_pixels=pixels - 1))
    refused = bench.rejection("native:slope", INPUT=data / "dem.tif")
    assert f"at most {pixels - 1} pixels" in refused.detail
