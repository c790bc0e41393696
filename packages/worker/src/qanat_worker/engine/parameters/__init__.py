"""The table: QGIS's name of a parameter type → its converter, or the reason why there is none.

Names, not classes: a type that an older QGIS lacks costs nothing here.
"""

from collections.abc import Mapping
from typing import Any

from qanat_worker.engine.parameters import (
    compound,
    fields,
    files,
    geometry,
    layers,
    literals,
    meshes,
    names,
    times,
)
from qanat_worker.engine.parameters.base import Converter

ALL: tuple[Converter[Any], ...] = (
    literals.Boolean(),
    literals.Number(),
    literals.Range(),
    literals.Text(),
    literals.Expression(),
    literals.Sql(),
    literals.Enum(),
    literals.Color(),
    times.DateTime(),
    literals.Matrix(),
    literals.ReliefColors(),
    geometry.Crs(),
    geometry.CoordinateOperation(),
    geometry.Extent(),
    geometry.Point(),
    geometry.Geometry(),
    layers.Source(),
    layers.Vector(),
    layers.Raster(),
    layers.Mesh(),
    layers.PointCloud(),
    layers.MapLayer(),
    layers.MultipleLayers(),
    compound.Interpolation(),
    compound.TinInput(),
    compound.TileLayers(),
    compound.DxfLayers(),
    compound.AlignRasters(),
    fields.Field(),
    fields.Band(),
    fields.CloudAttribute(),
    fields.FieldsMapping(),
    fields.Aggregates(),
    meshes.DatasetGroups(),
    meshes.DatasetTime(),
    files.File(),
    names.InProject(),
    names.LayoutItem(),
)

CONVERTERS: Mapping[str, Converter[Any]] = {
    name: converter for converter in ALL for name in converter.types
}

_CONNECTION = "names a database connection of this server"
_CLOUDS = "point clouds are not written: that needs PDAL, which Debian's QGIS is built without"

UNSUPPORTED: Mapping[str, str] = {
    "annotation": "annotations of a project are taken by its layouts only",
    "authcfg": "a credential of this server, never a client's to name",
    "providerconnection": _CONNECTION,
    "databaseschema": _CONNECTION,
    "databasetable": _CONNECTION,
    "pointCloudDestination": _CLOUDS,
}
"""Types without a converter, and why."""
