"""QGIS of this process: begun once, kept to its end; it cannot be begun again."""

import os
import re
import warnings
from collections.abc import Iterable

from osgeo import gdal
from qgis.core import QgsApplication, QgsSettings

PROVIDERS = ("mdal", "virtuallayer")
"""The data providers that are loaded, besides those that are part of QGIS: meshes, and SQL on layers.

The others open databases, addresses of clients, or any file of the server by a string.
"""

SETTINGS = {
    "qgis/enableMacros": "Never",
    "qgis/enablePythonEmbedded": "Never",
    "qgis/walForSqlite3": False,
}
"""Settings of QGIS: no macros and no Python of projects, no files made beside a GeoPackage."""


def start(
    prefix_path: str, skipped_drivers: Iterable[str], data_providers: Iterable[str] = ()
) -> QgsApplication:
    """Begin. QGIS ends with the last reference to what is returned: keep it.

    `data_providers` are loaded besides, for layers of projects.
    """
    wanted = [*PROVIDERS, *(re.escape(each) for each in data_providers)]
    os.environ["QGIS_PROVIDER_FILE"] = f"({'|'.join(wanted)})"
    QgsApplication.setPrefixPath(prefix_path, True)
    application = QgsApplication([], False)
    application.initQgis()
    for name, value in SETTINGS.items():
        QgsSettings().setValue(name, value)
    _start_processing()
    _skip(skipped_drivers)
    return application


def _skip(drivers: Iterable[str]) -> None:
    """Through QGIS, which has GDAL register all its drivers anew now and then."""
    for name in drivers:
        if gdal.GetDriverByName(name) is not None:
            QgsApplication.skipGdalDriver(name)
    QgsApplication.applyGdalSkippedDrivers()


def _start_processing() -> None:
    """Start the plugin that brings the providers; its import turns all warnings on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from processing.core.Processing import Processing  # noqa: PLC0415 - needs a started QGIS

        Processing.initialize()
