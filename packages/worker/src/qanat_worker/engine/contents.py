"""What a project holds that jobs may use: its layers, layouts and map themes, by their names."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsDataSourceUri,
    QgsLayoutItemMap,
    QgsMapLayer,
    QgsMeshLayer,
    QgsPointCloudLayer,
    QgsPrintLayout,
    QgsProject,
    QgsProviderRegistry,
    QgsRasterLayer,
    QgsVectorLayer,
)

from qanat_common.protocol import Project, ProjectField, ProjectLayer, ProjectLayout, Refusal
from qanat_worker.engine.numbers import FIELD_TYPES, number

KINDS: Mapping[type[QgsMapLayer], str] = {
    QgsVectorLayer: "vector",
    QgsRasterLayer: "raster",
    QgsMeshLayer: "mesh",
    QgsPointCloudLayer: "pointcloud",
}
"""The kinds of layers that jobs take."""

GEOMETRIES = {0: "points", 1: "lines", 2: "polygons", 4: "none"}
"""QGIS's number of a type of geometries → what it is called."""

CONNECTING = frozenset(
    {
        "postgres",
        "postgresraster",
        "mssql",
        "oracle",
        "hana",
        "db2",
        "WFS",
        "OAPIF",
        "wms",
        "wcs",
        "arcgisfeatureserver",
        "arcgismapserver",
        "geonode",
        "sensorthings",
    }
)
"""The data providers whose data lie on other machines."""

UNQUOTED = frozenset("'\"\\")
"""Characters of a password that QGIS pastes into the lines of tools as they are: these would tell it."""

_TYPE_NAMES = {at: name for name, at in FIELD_TYPES.items()} | {9: "list", 11: "list"}


@dataclass(frozen=True)
class Reach:
    """What jobs may reach: `readable` are folders, None when they may read all files."""

    readable: Sequence[Path] | None = None
    network: bool = True


def named(project: QgsProject) -> dict[str, QgsMapLayer]:
    """Name → layer, in the order of the layer tree; layers that share a name have their ids in it.

    The same whether or not the data of the layers is open.
    """
    layers = list(_in_order(project))
    count = Counter(layer.name() for layer in layers)
    return {
        layer.name() if count[layer.name()] == 1 else f"{layer.name()} ({layer.id()})": layer
        for layer in layers
    }


def _in_order(project: QgsProject) -> Iterator[QgsMapLayer]:
    rest = project.mapLayers()
    root = project.layerTreeRoot()
    for node in root.findLayers() if root else ():
        layer = rest.pop(node.layerId(), None)
        if layer is not None:
            yield layer
    yield from rest.values()


def file_of(layer: QgsMapLayer) -> Path | None:
    """The file that a layer is read from; None when that is none of this machine."""
    parts = _providers().decodeUri(layer.providerType(), layer.source())
    path = str(parts.get("path") or "")
    if not path.startswith("/") or path.startswith("/vsi"):
        return None
    return Path(path)


def state_of(path: Path) -> int | None:
    """What changes with a file: when it was written; None when it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def states(project: QgsProject) -> dict[str, int] | None:
    """File → its state, of all that layers are read from; None when one is read from elsewhere."""
    found: dict[str, int] = {}
    for layer in project.mapLayers().values():
        path = file_of(layer)
        state = state_of(path) if path else None
        if state is None:
            return None
        found[str(path)] = state
    return found


def survey(project: QgsProject, name: str, reach: Reach) -> Project:
    """What a project that was read whole has; models of its own are not looked at here."""
    metadata = project.metadata()
    usable = {
        called: layer
        for called, layer in named(project).items()
        if why_not(layer, project, reach) is None
    }
    return Project(
        name=name,
        title=project.title() or metadata.title(),
        description=metadata.abstract(),
        crs=project.crs().authid() or None,
        ellipsoid=project.ellipsoid() if project.ellipsoid() not in ("", "NONE") else None,
        layers=[_layer(called, layer) for called, layer in usable.items()],
        layouts=[_layout(layout) for layout in layouts_of(project)],
        themes=themes_of(project),
    )


def layouts_of(project: QgsProject) -> list[QgsPrintLayout]:
    """The print layouts."""
    manager = project.layoutManager()
    return manager.printLayouts() if manager else []


def maps_of(layout: QgsPrintLayout) -> list[str]:
    """The names of the maps on a layout."""
    items = (item for item in layout.items() if isinstance(item, QgsLayoutItemMap))
    return [item.id() or item.uuid() for item in items]


def themes_of(project: QgsProject) -> list[str]:
    """The names of the map themes."""
    themes = project.mapThemeCollection()
    return sorted(themes.mapThemes()) if themes else []


def _providers() -> QgsProviderRegistry:
    registry = QgsProviderRegistry.instance()
    assert registry is not None  # noqa: S101 - QGIS has started
    return registry


def refusals(project: QgsProject, name: str, reach: Reach) -> list[Refusal]:
    """The layers of a project that jobs cannot take, each with its reason."""
    found = ((called, why_not(layer, project, reach)) for called, layer in named(project).items())
    return [Refusal(id=f"project:{name}/{called}", reason=why) for called, why in found if why]


def why_not(layer: QgsMapLayer, project: QgsProject, reach: Reach) -> str | None:
    """Why jobs cannot take a layer; None when they can."""
    return why_not_offered(layer, project) or _unusable(layer, reach)


def why_not_offered(layer: QgsMapLayer, project: QgsProject) -> str | None:
    """Why a layer is not offered, whatever its data is."""
    if type(layer) not in KINDS:
        return "jobs take vector, raster, mesh and point cloud layers only"
    if number(layer.flags()) & number(QgsMapLayer.LayerFlag.Private):
        return "it is private in the project"
    if layer.name() in project.readListEntry("WMSRestrictedLayers", "/")[0]:
        return "the project excludes it from publication (QGIS Server, WMS)"
    return None


def _unusable(layer: QgsMapLayer, reach: Reach) -> str | None:
    provider = layer.providerType()
    if provider not in _providers().providerList():
        return f"its data provider {provider} is not loaded: see worker.qgis.data_providers"
    if provider in CONNECTING and set(QgsDataSourceUri(layer.source()).password()) & UNQUOTED:
        return "its password holds a quote or a backslash, which QGIS does not hand on to tools as such"
    if provider in CONNECTING and not reach.network:
        return "jobs may open no connections, and its data lie behind one: see worker.network"
    if not layer.isValid():
        return "its data cannot be opened"
    path, folders = file_of(layer), reach.readable
    if path is None or folders is None or any(path.is_relative_to(each) for each in folders):
        return None
    return "its file lies where jobs may not read: see worker.readable"


def _layer(called: str, layer: QgsMapLayer) -> ProjectLayer:
    # QGIS has moved the title to what it calls the properties for servers.
    holder: Any = layer if hasattr(layer, "title") else layer.serverProperties()
    vector = layer if isinstance(layer, QgsVectorLayer) else None
    return ProjectLayer(
        name=called,
        kind=KINDS[type(layer)],
        title=holder.title(),
        geometry=GEOMETRIES.get(number(vector.geometryType()), "unknown") if vector else None,
        crs=layer.crs().authid() or None,
        extent=_extent(layer),
        fields=[_field(each) for each in vector.fields().toList()] if vector else [],
        bands=layer.bandCount() if isinstance(layer, QgsRasterLayer) else None,
    )


def _extent(layer: QgsMapLayer) -> list[float] | None:
    box = layer.extent()
    numbers = [box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()]
    fine = not box.isNull() and all(map(math.isfinite, numbers)) and numbers[0] <= numbers[2]
    return numbers if fine else None


def _field(field: Any) -> ProjectField:
    return ProjectField(name=field.name(), type=_TYPE_NAMES.get(number(field.type()), "other"))


def _layout(layout: QgsPrintLayout) -> ProjectLayout:
    atlas = layout.atlas()
    return ProjectLayout(
        name=layout.name(),
        atlas=bool(atlas and atlas.enabled()),
        items=maps_of(layout),
    )
