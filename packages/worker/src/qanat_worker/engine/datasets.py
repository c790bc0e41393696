"""Calls of GDAL that may fail, and formats that it may lack: with the same manners in every version."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from osgeo import gdal
from qgis.core import QgsProviderRegistry

from qanat_worker.engine.formats import Format


def tried(call: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What a call of GDAL gives; None where it fails. The Processing of QGIS 3.40 has it raise."""
    try:
        return call(*args, **options)
    except RuntimeError:
        return None


def skip_again() -> None:
    """Take away skipped drivers that are back: GDAL registers VRT anew whenever it makes one for itself."""
    for name in (gdal.GetConfigOption("GDAL_SKIP") or "").split(","):
        driver = gdal.GetDriverByName(name)
        if driver is not None:
            driver.Deregister()


@contextmanager
def without_skipped() -> Iterator[None]:
    """Neither what comes now nor what comes later finds a skipped driver."""
    skip_again()
    try:
        yield
    finally:
        skip_again()


def has_driver(name: str) -> bool:
    """Whether GDAL of this machine has a driver."""
    return gdal.GetDriverByName(name) is not None


def has_provider(name: str | None) -> bool:
    """Whether QGIS of this machine has a data provider; it has what needs none."""
    registry = QgsProviderRegistry.instance()
    return name is None or (registry is not None and name in registry.providerList())


def offered(known: Iterable[Format], has: Callable[[str], bool] = has_driver) -> tuple[Format, ...]:
    """Those of the formats that have one of their drivers here; a format of QGIS's own has none."""
    return tuple(
        form
        for form in known
        if has_provider(form.provider) and (not form.drivers or any(map(has, form.drivers)))
    )
