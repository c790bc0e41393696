"""What the clients are given to send: both styles of an object, and a layer of no consequence."""

from typing import Any

import pytest

LAYER = {"type": "FeatureCollection", "features": []}


@pytest.fixture(params=["qualified", "bare"])
def layer(request: pytest.FixtureRequest) -> Any:
    """A GeoJSON layer as the standard wants it, and as many clients send it."""
    return {"value": LAYER} if request.param == "qualified" else LAYER
