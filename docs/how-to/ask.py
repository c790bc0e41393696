"""Send an execute request, and show its answer in a few lines: `ask.py PROCESS < request.json`.

A text `@NAME` in the request stands for the file NAME of docs/tutorials/data. Only Python is needed.
"""

import base64
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "tutorials" / "data"
GEOTIFF = "image/tiff; application=geotiff"
SHOWN = 5
"""So many features or lines of text are shown."""


def with_files(value: Any) -> Any:
    """The request with what its files hold: GeoJSON as it is, everything else as base64."""
    if isinstance(value, dict):
        return {name: with_files(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_files(inner) for inner in value]
    if not (isinstance(value, str) and value.startswith("@")):
        return value
    content = (DATA / value[1:]).read_bytes()
    if value.endswith(".geojson"):
        return {"value": json.loads(content)}
    encoded = base64.b64encode(content).decode()
    return {"value": encoded, "encoding": "base64", "mediaType": GEOTIFF}


def answer_of(process: str, request: Any) -> tuple[Any, bytes]:
    """Headers and body of the answer of the service at the address QANAT."""
    service = os.environ.get("QANAT", "http://127.0.0.1:9080")
    asked = urllib.request.Request(  # noqa: S310 - the address is the reader's own
        f"{service}/processes/{process}/execution",
        json.dumps(with_files(request)).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(asked) as answer:  # noqa: S310 - as above
            return answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.headers, error.read()


def lines_of(headers: Any, body: bytes) -> Iterator[str]:
    """What there is to see: features a line each, texts, values, or what kind of file it is."""
    kind = headers["Content-Type"]
    if kind == "application/geo+json":
        features = json.loads(body)["features"]
        yield f"{len(features)} features"
        yield from map(of_feature, features[:SHOWN])
    elif kind.startswith("application/json"):
        yield from (f"{name}: {value}" for name, value in json.loads(body).items())
    elif kind.startswith("text/"):
        yield from body.decode().splitlines()[:SHOWN]
    else:
        yield f"Content-Type: {kind}"
        yield f"Content-Crs: {headers['Content-Crs']}"
        yield from lines_of(*statistics_of(kind, body))


def statistics_of(kind: str, raster: bytes) -> tuple[Any, bytes]:
    """What the service says of a raster that it has made: an output is an input again."""
    value = base64.b64encode(raster).decode()
    layer = {"value": value, "encoding": "base64", "mediaType": kind}
    outputs: dict[str, Any] = {name: {} for name in ("MIN", "MAX", "MEAN")}
    asked = {"inputs": {"INPUT": layer}, "outputs": outputs, "response": "document"}
    return answer_of("native:rasterlayerstatistics", asked)


def of_feature(feature: Any) -> str:
    """Its type, its box (or point), and its properties."""
    geometry = feature["geometry"]
    if geometry is None:
        return f"no geometry {json.dumps(feature['properties'])}"
    points = list(positions(geometry["coordinates"]))
    box = [pick(point[axis] for point in points) for pick in (min, max) for axis in (0, 1)]
    where = [round(number, 4) for number in (box[:2] if len(points) == 1 else box)]
    told = json.dumps(feature["properties"], ensure_ascii=False, sort_keys=True)
    return f"{geometry['type']} {where} {told}"


def positions(coordinates: Any) -> Iterator[Any]:
    """All positions of a geometry."""
    if isinstance(coordinates[0], list):
        for inner in coordinates:
            yield from positions(inner)
    else:
        yield coordinates


if __name__ == "__main__":
    shown = lines_of(*answer_of(sys.argv[1], json.load(sys.stdin)))
    sys.stdout.write("\n".join(shown) + "\n")
