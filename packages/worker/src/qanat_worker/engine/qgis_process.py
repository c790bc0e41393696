"""QGIS of this process: begun once, kept to its end; it cannot be begun again."""

import warnings
from collections.abc import Iterable

from osgeo import gdal
from qgis.core import QgsApplication


def start(prefix_path: str, skipped_drivers: Iterable[str]) -> QgsApplication:
    """Begin. QGIS ends with the last reference to what is returned: keep it."""
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
