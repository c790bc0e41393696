"""Writes the projects that tests publish: `python make_projects.py FOLDER`, in a QGIS of its own."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from qanat_worker.engine.application import DEBIAN, add_paths

add_paths(DEBIAN)
os.environ["QT_QPA_PLATFORM"] = "offscreen"

from qgis.core import (  # noqa: E402 - findable only now
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsExpressionContextUtils,
    QgsFeature,
    QgsField,
    QgsGeometry,
    QgsLayoutItemMap,
    QgsMapLayer,
    QgsMapThemeCollection,
    QgsPrintLayout,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsRelation,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsVectorLayerJoinInfo,
)
from qgis.PyQt.QtCore import QVariant  # noqa: E402

DATA = Path(__file__).parents[4] / "docs" / "tutorials" / "data"
CRS = "EPSG:25832"

TABLES: dict[str, tuple[str, dict[str, Any], list[tuple[Any, ...]]]] = {
    "towns": (
        "Point",
        {"name": QVariant.String, "people": QVariant.Int, "district": QVariant.Int},
        [
            ("POINT(500000 5500000)", "Aburg", 1000, 1),
            ("POINT(503000 5504000)", "Bdorf", 200, 2),
        ],
    ),
    "roads": (
        "LineString",
        {"kind": QVariant.String},
        [("LINESTRING(500000 5500000, 503000 5504000)", "country")],
    ),
    "districts": (
        "Polygon",
        {"id": QVariant.Int, "title": QVariant.String},
        [
            ("POLYGON((499000 5499000, 502000 5499000, 502000 5502000, 499000 5499000))", 1, "A"),
            ("POLYGON((502000 5502000, 505000 5502000, 505000 5505000, 502000 5502000))", 2, "B"),
        ],
    ),
    "mayors": ("None", {"town": QVariant.String, "mayor": QVariant.String}, [(None, "Aburg", "M")]),
    "secret": ("Point", {"name": QVariant.String}, [("POINT(500000 5500000)", "hidden")]),
}
"""Layer → geometry, fields, rows."""


def table(path: Path, name: str) -> QgsVectorLayer:
    """A layer of the GeoPackage, written to it first."""
    geometry, columns, rows = TABLES[name]
    made = QgsVectorLayer(f"{geometry}?crs={CRS}", name, "memory")
    provider = made.dataProvider()
    provider.addAttributes([QgsField(column, kind) for column, kind in columns.items()])
    made.updateFields()
    for wkt, *values in rows:
        feature = QgsFeature(made.fields())
        feature.setAttributes(values)
        if wkt:
            feature.setGeometry(QgsGeometry.fromWkt(wkt))
        provider.addFeature(feature)
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", name
    if path.exists():
        options.actionOnExistingFile = QgsVectorFileWriter.CreateOrOverwriteLayer
    told = QgsVectorFileWriter.writeAsVectorFormatV3(
        made, str(path), QgsCoordinateTransformContext(), options
    )
    assert told[0] == QgsVectorFileWriter.NoError, told
    layer = QgsVectorLayer(f"{path}|layername={name}", name, "ogr")
    assert layer.isValid(), name
    return layer


def layout(project: QgsProject, name: str, atlas: QgsVectorLayer | None = None) -> None:
    """A page with one map."""
    made = QgsPrintLayout(project)
    made.initializeDefaults()
    made.setName(name)
    item = QgsLayoutItemMap(made)
    item.setId("main map")
    item.attemptSetSceneRect(QgsRectangle(10, 10, 100, 100).toRectF())
    item.setExtent(QgsRectangle(499000, 5499000, 505000, 5505000))
    made.addLayoutItem(item)
    if atlas is not None:
        made.atlas().setCoverageLayer(atlas)
        made.atlas().setEnabled(True)
    project.layoutManager().addLayout(made)


def write_town(folder: Path) -> None:
    """A project with one of everything that matters."""
    project = QgsProject.instance()
    project.clear()
    describe(project)
    layers = add_layers(project, folder)
    join(layers)
    relate(project, layers)
    layout(project, "Plan")
    layout(project, "Atlas of districts", layers["districts"])
    theme = QgsMapThemeCollection.MapThemeRecord()
    theme.addLayerRecord(QgsMapThemeCollection.MapThemeLayerRecord(layers["districts"]))
    project.mapThemeCollection().insert("bright", theme)
    add_python(project, layers["towns"], folder / "python-was-run")
    assert project.write(str(folder / "town.qgz"))
    project.setTitle("Plain")
    assert project.write(str(folder / "within" / "plain.qgs"))


def describe(project: QgsProject) -> None:
    project.setTitle("The town & its roads")
    metadata = project.metadata()
    metadata.setAbstract("Towns, roads and districts.")
    project.setMetadata(metadata)
    project.setCrs(QgsCoordinateReferenceSystem(CRS))
    project.setEllipsoid("EPSG:7019")
    QgsExpressionContextUtils.setProjectVariable(project, "factor", 3)


def add_layers(project: QgsProject, folder: Path) -> dict[str, Any]:
    """Of a GeoPackage and a raster beside the project; one is private, one has no data."""
    data = folder / "data" / "town.gpkg"
    data.parent.mkdir(parents=True)
    shutil.copy(DATA / "dem.tif", data.parent)
    layers: dict[str, Any] = {name: table(data, name) for name in TABLES}
    layers["dem"] = QgsRasterLayer(str(data.parent / "dem.tif"), "dem")
    layers["secret"].setFlags(QgsMapLayer.Private)
    layers["lost"] = QgsVectorLayer(f"{folder}/data/nothing.gpkg|layername=x", "lost", "ogr")
    for name in ("twin 1", "twin 2"):
        layers[name] = QgsVectorLayer(f"{data}|layername=roads", "twin", "ogr")
    for name in ("joined", "counted"):
        layers[name] = QgsVectorLayer(f"{data}|layername=towns", name, "ogr")
    for layer in layers.values():
        project.addMapLayer(layer)
    return layers


def join(layers: dict[str, Any]) -> None:
    info = QgsVectorLayerJoinInfo()
    info.setJoinLayer(layers["mayors"])
    info.setJoinFieldName("town")
    info.setTargetFieldName("name")
    info.setUsingMemoryCache(True)
    layers["joined"].addJoin(info)
    layers["counted"].addExpressionField('"people" * 2', QgsField("twice", QVariant.Int))


def relate(project: QgsProject, layers: dict[str, Any]) -> None:
    relation = QgsRelation()
    relation.setId("of_district")
    relation.setName("towns of a district")
    relation.setReferencingLayer(layers["towns"].id())
    relation.setReferencedLayer(layers["districts"].id())
    relation.addFieldPair("district", "id")
    project.relationManager().addRelation(relation)


def add_python(project: QgsProject, layer: QgsVectorLayer, marker: Path) -> None:
    """Code that leaves a file where it is run."""
    code = f"open({str(marker)!r}, 'w').close()\n"
    project.writeEntry("Macros", "/pythonCode", f"def openProject():\n    {code}{code}")
    project.writeEntry("ExpressionFunctions", "/pythonCode", code)
    form = layer.editFormConfig()
    form.setInitCode(code)
    form.setInitFunction("open")
    layer.setEditFormConfig(form)


def write_none(folder: Path) -> None:
    """A project without a CRS, ellipsoid or layer."""
    project = QgsProject.instance()
    project.clear()
    project.setCrs(QgsCoordinateReferenceSystem())
    project.setEllipsoid("NONE")
    assert project.write(str(folder / "bare.qgs"))


def write_stored(path: Path) -> None:
    """A project within a GeoPackage, beside the layer that it has."""
    path.parent.mkdir()
    project = QgsProject.instance()
    project.clear()
    project.setTitle("Stored")
    project.setCrs(QgsCoordinateReferenceSystem(CRS))
    project.addMapLayer(table(path, "towns"))
    assert project.write(f"geopackage:{path}?projectName=plans")


def main() -> None:
    folder = Path(sys.argv[1])
    (folder / "within").mkdir(parents=True)
    application = QgsApplication([], False)
    application.initQgis()
    write_town(folder)
    write_none(folder)
    write_stored(folder / "stored" / "plans.gpkg")
    (folder / "broken.qgs").write_text("<qgis", "utf-8")
    os._exit(0)


if __name__ == "__main__":
    main()
