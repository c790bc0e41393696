"""Clients that try to read the server's files, call its network, or break a job out: none may."""

import base64
import io
import json
import os
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from qanat_worker import landlock, seccomp

pytestmark = [pytest.mark.qgis, pytest.mark.timeout(240)]

SQUARE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"a": 1},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]],
            },
        }
    ],
}


@pytest.fixture(autouse=True)
def next_job_runs(victim: Any) -> Iterator[None]:
    yield
    answer = victim.execute("native:centroids", INPUT={"value": SQUARE})
    assert answer.status_code == 200, answer.text
    assert victim.canary.calls == []


def strings(victim: Any) -> list[str]:
    """Data sources that QGIS or GDAL would open."""
    secret, url = victim.secret, victim.canary.url
    return [
        "/etc/passwd",
        str(secret),
        f"file://{secret}",
        f"CSV:{secret}",
        f"delimitedtext://file://{secret}?type=csv",
        f"/vsicurl/{url}/x.geojson",
        f"/vsizip//vsicurl/{url}/x.zip",
        f"/vsicurl?url={url}/x",
        "/vsistdin/",
        f"{url}/x.geojson",
        f"GeoJSON:{url}/x",
        f"WFS:{url}",
        f"OAPIF:{url}",
        f"WMS:{url}",
        f"wms://url={url}&layers=x&styles=&format=image/png",
        f"arcgisfeatureserver://url='{url}'",
        f"PG:host=127.0.0.1 port={victim.canary.port} dbname=x",
        f"postgres://host=127.0.0.1 port={victim.canary.port} dbname=x",
        f"MYSQL:x,host=127.0.0.1,port={victim.canary.port}",
        f"virtual://?layer=ogr:{secret}&query=select%20*%20from%20secret",
        f"ogr:dbname='{secret}'",
        "MEM:::DATAPOINTER=1,PIXELS=9,LINES=9",
        *documents(victim).values(),
    ]


def documents(victim: Any) -> dict[str, str]:
    """Files that name other files, or addresses."""
    secret, url = victim.secret, victim.canary.url
    return {
        "ogr-vrt": '<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>'
        f"{secret}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
        "vrt": '<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="Byte" band="1">'
        f"<SimpleSource><SourceFilename>/vsicurl/{url}/x.tif</SourceFilename></SimpleSource>"
        "</VRTRasterBand></VRTDataset>",
        "vrt-python": '<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="Byte"'
        ' band="1" subClass="VRTDerivedRasterBand"><PixelFunctionLanguage>Python'
        "</PixelFunctionLanguage><PixelFunctionType>f</PixelFunctionType><PixelFunctionCode>"
        "<![CDATA[import os\ndef f(*a, **k): os.system('id')]]></PixelFunctionCode>"
        "</VRTRasterBand></VRTDataset>",
        "wms": f'<GDAL_WMS><Service name="TMS"><ServerUrl>{url}/${{z}}</ServerUrl></Service>'
        "<DataWindow><SizeX>9</SizeX><SizeY>9</SizeY></DataWindow></GDAL_WMS>",
        "wfs": f"<OGRWFSDataSource><URL>{url}</URL></OGRWFSDataSource>",
        "qgs": "<!DOCTYPE qgis><qgis><projectlayers><maplayer><datasource>"
        f"{secret}</datasource></maplayer></projectlayers></qgis>",
        "xxe": f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'
        '<gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml/3.2"><a>&e;</a>'
        "</gml:FeatureCollection>",
    }


INPUTS = (
    ("native:buffer", "INPUT"),
    ("native:slope", "INPUT"),
    ("gdal:hillshade", "INPUT"),
    ("gdal:buffervectors", "INPUT"),
)


@pytest.mark.parametrize(("process", "name"), INPUTS)
def test_a_string_is_no_data_source(victim: Any, process: str, name: str) -> None:
    for text in strings(victim):
        victim.withstands(process, **{name: text})
        victim.withstands(process, **{name: {"value": text}})


def test_a_string_among_layers_is_no_data_source(victim: Any) -> None:
    for text in strings(victim):
        victim.withstands("native:mergevectorlayers", LAYERS=[{"value": SQUARE}, text])


VECTOR_TYPES = (
    "application/gml+xml",
    "application/vnd.google-earth.kml+xml",
    "application/geo+json",
)
BINARY_TYPES = ("application/geopackage+sqlite3", "application/flatgeobuf", "application/zip")
RASTER_TYPES = ("image/tiff; application=geotiff", "image/png", "image/jpeg", "text/x-asc-grid")


@pytest.mark.parametrize("media_type", [*VECTOR_TYPES, *BINARY_TYPES, *RASTER_TYPES])
def test_a_file_that_names_others_is_no_layer(victim: Any, media_type: str) -> None:
    process = "native:slope" if media_type in RASTER_TYPES else "native:centroids"
    for document in documents(victim).values():
        victim.withstands(process, INPUT={"value": document, "mediaType": media_type})
        victim.withstands(process, INPUT=encoded(document.encode(), media_type))


def encoded(content: bytes, media_type: str) -> dict[str, str]:
    text = base64.b64encode(content).decode()
    return {"value": text, "mediaType": media_type, "encoding": "base64"}


def test_a_reference_to_this_machine_is_not_followed(victim: Any) -> None:
    port = victim.canary.port
    for address in (
        f"http://127.0.0.1:{port}/x.geojson",
        f"http://localhost:{port}/",
        f"http://127.1:{port}/",
        f"http://2130706433:{port}/",
        f"http://0x7f000001:{port}/",
        f"http://0177.0.0.1:{port}/",
        f"http://[::1]:{port}/",
        f"http://[::ffff:127.0.0.1]:{port}/",
        f"http://0.0.0.0:{port}/",
        f"http://user:pw@127.0.0.1:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        f"file://{victim.secret}",
        "file:///etc/passwd",
        f"ftp://127.0.0.1:{port}/x",
        f"gopher://127.0.0.1:{port}/x",
        f"/vsicurl/http://127.0.0.1:{port}/x",
        "data:application/json,{}",
        "",
    ):
        victim.withstands("native:centroids", INPUT={"href": address})
        victim.withstands("native:slope", INPUT={"href": address, "type": "image/tiff"})


@pytest.mark.parametrize(
    "formula",
    [
        "env('A_SECRET')",
        "env('PATH')",
        "file_exists('/etc/shadow')",
        "eval('env(''A_SECRET'')')",
        "raster_value('/etc/passwd', 1, make_point(0, 0))",
        "load_layer('/etc/passwd', 'ogr')",
        "read_file('/etc/passwd')",
        "exif('/etc/passwd', 'x')",
        "layer_property('INPUT', 'path')",
        "sqlite_fetch_and_increment('/etc/x', 'a', 'b', 1)",
    ],
)
def test_an_expression_reads_nothing_of_the_server(victim: Any, formula: str) -> None:
    answer = victim.execute(
        "native:fieldcalculator", INPUT={"value": SQUARE}, FIELD_NAME="f", FORMULA=formula,
        FIELD_TYPE="String",
    )  # fmt: skip
    victim.tells_nothing(answer)
    if answer.status_code == 200:
        assert values(answer.json()) == [None]
    else:
        assert answer.status_code < 500 or "algorithm-failed" in answer.text


def values(document: Any) -> list[Any]:
    collection = document.get("OUTPUT", document)
    return [
        feature["properties"]["f"] for feature in collection.get("value", collection)["features"]
    ]


@pytest.mark.parametrize(
    "query",
    [
        "select env('A_SECRET') as f, geometry from input1",
        "select load_extension('/x.so') as f from input1",
        "select readfile('/etc/passwd') as f from input1",
        "attach database '/etc/passwd' as x",
    ],
)
def test_sql_reads_nothing_of_the_server(victim: Any, query: str) -> None:
    answer = victim.execute(
        "qgis:executesql", INPUT_DATASOURCES=[{"value": SQUARE}], INPUT_QUERY=query
    )
    victim.tells_nothing(answer)
    assert answer.status_code >= 400 or values(answer.json()) == [None]


def test_free_arguments_of_tools_are_not_offered(victim: Any) -> None:
    for process in ("gdal:translate", "gdal:hillshade", "gdal:buffervectors", "gdal:rasterize"):
        description = victim.http.get(f"/processes/{process}").json()
        assert "EXTRA" not in description["inputs"]
        answer = victim.withstands(
            process, INPUT={"value": SQUARE}, EXTRA="--config GDAL_VRT_ENABLE_PYTHON YES"
        )
        assert answer.status_code == 400


@pytest.mark.parametrize(
    "process", ["qgis:advancedpythonfieldcalculator", "native:filedownloader", "gdal:executesql"]
)
def test_processes_that_run_code_or_call_addresses_are_not_offered(
    victim: Any, process: str
) -> None:
    assert victim.withstands(process).status_code == 404


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return made.getvalue()


def link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o120777 << 16
    return entry


def test_a_zip_writes_and_reads_only_within_its_folder(victim: Any) -> None:
    attacks = [
        zipped(("../../evil.shp", b"x")),
        zipped(("/evil.shp", b"x")),
        zipped(("a/../../../evil.shp", b"x")),
        zipped(("..\\evil.shp", b"x")),
        zipped((link("x.shp"), str(victim.secret).encode())),
        zipped(("x.shp", zipped(("y.shp", b"x")))),
        zipped(*((f"{number}.dbf", b"") for number in range(20_000))),
        b"PK\x03\x04" + b"\0" * 100,
    ]
    for attack in attacks:
        victim.withstands("native:centroids", INPUT=encoded(attack, "application/zip"))
    # Not rglob: folders of jobs go while they are looked through.
    names = [name for _, _, files in os.walk(victim.folder) for name in files]
    assert [name for name in names if "evil" in name] == []


def test_a_zip_that_unpacks_to_much_is_refused(victim: Any) -> None:
    bomb = zipped(*((f"{number}.dbf", bytes(100 << 20)) for number in range(3)))
    victim.withstands("native:centroids", INPUT=encoded(bomb, "application/zip"))


@pytest.mark.parametrize("root", ["gml:FeatureCollection", "kml"])
@pytest.mark.parametrize("wide", [False, True])
def test_xml_that_grows_ends_soon(victim: Any, root: str, wide: bool) -> None:
    if wide:
        entities = f'<!ENTITY e "{"x" * 100_000}">'
        body = "&e;" * 50_000
    else:
        entities = '<!ENTITY e0 "x">' + "".join(
            f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 12)
        )
        body = "&e11;"
    spaces = 'xmlns:gml="http://www.opengis.net/gml/3.2" xmlns="http://www.opengis.net/kml/2.2"'
    document = f"<?xml version='1.0'?><!DOCTYPE x [{entities}]><{root} {spaces}>{body}</{root}>"
    media_type = VECTOR_TYPES[1 if root == "kml" else 0]
    began = time.monotonic()
    answer = victim.execute("native:centroids", INPUT={"value": document, "mediaType": media_type})
    assert time.monotonic() - began < 20
    victim.tells_nothing(answer)
    assert answer.status_code >= 400 or json.loads(answer.text).get("features") == []


def test_the_worker_says_how_it_confines_its_jobs(victim: Any) -> None:
    (worker,) = victim.registry.get("/workers").json()["workers"]
    landlocked = [f"landlock-{landlock.version()}"] if landlock.version() else []
    filtered = ["seccomp"] if seccomp.available() else []
    assert worker["sandbox"] == ("+".join([*landlocked, *filtered]) or "none")
