"""The api knows the order of axes of every CRS as the worker's GDAL does, though it has none."""

from typing import Any

import pytest

from qanat_api import axes
from qanat_worker.engine.application import is_installed

pytestmark = pytest.mark.qgis


def test_the_table_of_axes_says_what_gdal_says(qgis: None) -> None:
    assert is_installed()
    osr: Any = pytest.importorskip("osgeo.osr")
    osr.UseExceptions()
    from qanat_worker.engine import crs  # noqa: PLC0415 - needs QGIS's folders

    kinds = {
        osr.OSR_CRS_TYPE_GEOGRAPHIC_2D,
        osr.OSR_CRS_TYPE_GEOGRAPHIC_3D,
        osr.OSR_CRS_TYPE_PROJECTED,
        osr.OSR_CRS_TYPE_COMPOUND,
    }
    wrong = []
    # Of those that EPSG has given up, GDAL takes what has come after them.
    known = [
        int(each.code)
        for each in osr.GetCRSInfoListFromDatabase("EPSG")
        if each.type in kinds and not each.deprecated
    ]
    for code in known:
        system = osr.SpatialReference()
        system.ImportFromEPSG(code)
        if axes.has_y_first(f"urn:ogc:def:crs:EPSG::{code}") != crs.swaps(system):
            wrong.append(code)
    assert len(known) > 5000
    assert wrong == []  # a newer PROJ knows more: they belong into the table
