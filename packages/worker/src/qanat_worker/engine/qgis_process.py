"""QGIS of this process: begun once, kept to its end; it cannot be begun again."""

import os
import warnings
from collections.abc import Iterable

from osgeo import gdal
from qgis.core import QgsApplication

PROVIDERS = "(mdal|virtuallayer)"
"""The data providers that are loaded, besides those that are part of QGIS: meshes, and SQL on layers.

The others open databases, addresses of clients, or any file of the server by a string.
"""


def start(prefix_path: str, skipped_drivers: Iterable[str]) -> QgsApplication:
    """Begin. QGIS ends with the last reference to what is returned: keep it."""
    os.environ["QGIS_PROVIDER_FILE"] = PROVIDERS
    QgsApplication.setPrefixPath(prefix_path, True)
    application = QgsApplication([], False)
    application.initQgis()
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
