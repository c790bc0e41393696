"""Start QGIS once in this process, without a display: data providers, Processing, its providers.

This file is imported before QGIS can be: it makes QGIS's own Python findable first.
"""

import importlib.util
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from qanat_worker.port import Engine

DEBIAN = (
    "/usr/lib/python3/dist-packages",
    "/usr/share/qgis/python",
    "/usr/share/qgis/python/plugins",
)
"""Where Debian has QGIS's Python."""

SKIPPED_DRIVERS = [
    "VRT",
    "OGR_VRT",
    "DERIVED",
    "HTTP",
    "WMS",
    "WCS",
    "WMTS",
    "WFS",
    "OAPIF",
    "OGCAPI",
    "CSW",
    "EEDA",
    "EEDAI",
    "PLSCENES",
    "DAAS",
    "STACIT",
    "STACTA",
    "GMLAS",
    "LVBAG",
    "NGW",
    "AmigoCloud",
    "Carto",
    "Elasticsearch",
    "MongoDBv3",
    "GFT",
    "SOSI",
    "TileDB",
    "PostgreSQL",
    "PostGISRaster",
    "PGDUMP",
    "MySQL",
    "MSSQLSpatial",
    "ODBC",
    "PGeo",
    "OCI",
    "GeoRaster",
    "HANA",
    "IDB",
]
"""GDAL's drivers that open other files, addresses or databases: taken away once and for all."""


def add_paths(paths: Iterable[str]) -> None:
    """Make QGIS's Python findable, behind all else: nothing of it hides a package of ours."""
    sys.path += [path for path in paths if path not in sys.path]


def is_installed(paths: Iterable[str] = DEBIAN) -> bool:
    """Whether QGIS can be imported, once its folders are searched."""
    add_paths(paths)
    return importlib.util.find_spec("qgis") is not None


def start(options: Mapping[str, JsonValue]) -> Engine:
    """Start QGIS as the table [worker.qgis] of the settings says."""
    paths = cast(list[str], options.get("python_paths", list(DEBIAN)))
    if not is_installed(paths):
        raise ModuleNotFoundError(f"qgis is in none of {', '.join(paths)}")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    # QGIS can be imported from here on, and not before.
    from qanat_worker.engine import (  # noqa: PLC0415
        algorithms,
        contents,
        policy,
        projects,
        publications,
        qgis_process,
    )

    prefix_path = str(options.get("prefix_path", "/usr"))
    folders = publications.Folders(
        models=_paths(options, "models"),
        scripts=_paths(options, "scripts"),
        plugins=_paths(options, "plugins"),
    )
    rules = policy.Policy(
        allow=_texts(options, "allow", ["*"]),
        deny=_texts(options, "deny"),
        hazards=_texts(options, "allow_hazards"),
        opened=_texts(options, "open_parameters"),
        deprecated=bool(options.get("deprecated", False)),
        network=bool(options.get("network", True)),
        raster_pixels=cast(int, options.get("raster_pixels", policy.RASTER_PIXELS)),
    )
    sources = projects.Sources(
        folders=_paths(options, "projects"),
        addresses=cast(dict[str, str], options.get("project_addresses", {})),
        reach=contents.Reach(
            readable=_paths(options, "readable") if options.get("readable") is not None else None,
            network=bool(options.get("network", True)),
        ),
        kept=Path(os.environ["HOME"]) / "projects" if "HOME" in os.environ else None,
    )
    providers = _texts(options, "data_providers")
    qgis = qgis_process.start(prefix_path, SKIPPED_DRIVERS, providers)
    return algorithms.Algorithms(qgis, folders, rules, sources)


def _paths(options: Mapping[str, JsonValue], name: str) -> list[Path]:
    return [Path(path) for path in _texts(options, name)]


def _texts(
    options: Mapping[str, JsonValue], name: str, default: Sequence[str] = ()
) -> Sequence[str]:
    return cast(Sequence[str], options.get(name, default))
