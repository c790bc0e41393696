"""What the clients are given to send: both styles of an object, and a layer of one point."""

from typing import Any

import pytest

POINT = {
    "type": "Feature",
    "properties": {"name": "Bologna"},
    "geometry": {"type": "Point", "coordinates": [11.34, 44.49]},
}
LAYER = {"type": "FeatureCollection", "features": [POINT]}


@pytest.fixture(params=["qualified", "bare"])
def layer(request: pytest.FixtureRequest) -> Any:
    """A GeoJSON layer as the standard wants it, and as many clients send it."""
    return {"value": LAYER} if request.param == "qualified" else LAYER
