"""The order of the axes of a CRS, by its name."""

import pytest

from qanat_api import axes

EPSG = "http://www.opengis.net/def/crs/EPSG/0"


@pytest.mark.parametrize(
    ("crs", "y_first"),
    [
        (f"{EPSG}/4326", True),
        ("https://www.opengis.net/def/crs/EPSG/9.9.1/4326", True),
        ("http://www.opengis.net/gml/srs/epsg.xml#4326", True),
        ("urn:ogc:def:crs:EPSG::4326", True),
        (f"{EPSG}/3035", True),
        (f"{EPSG}/2036", True),
        (f"{EPSG}/2035", False),
        (f"{EPSG}/3031", False),
        (f"{EPSG}/3857", False),
        (f"{EPSG}/25832", False),
        ("EPSG:4326", False),
        ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", False),
        ("", False),
        (f"{EPSG}/x", False),
    ],
)
def test_a_uri_has_the_axes_of_its_crs_and_a_code_x_first(crs: str, y_first: bool) -> None:
    assert axes.has_y_first(crs) is y_first


@pytest.mark.parametrize(
    ("bbox", "crs", "sides"),
    [
        ([1, 2, 3, 4], "", [1, 2, 3, 4]),
        ([1, 2, 3, 4], f"{EPSG}/4326", [2, 1, 4, 3]),
        ([1, 2, 9, 3, 4, 9], "EPSG:4979", [1, 2, 3, 4]),
        ([1, 2, 9, 3, 4, 9], f"{EPSG}/4979", [2, 1, 4, 3]),
        ([1, 2, 3], "", None),
        ([], "", None),
    ],
)
def test_a_box_is_told_with_x_first(bbox: list[int], crs: str, sides: list[int] | None) -> None:
    assert axes.sides(bbox, crs) == sides
