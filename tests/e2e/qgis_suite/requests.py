"""From a case to the execute request that a client would send, by the process's own description.

What a value of the case means, its QGIS type says; how it is written, the schema of the input.
"""

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from qgis.core import QgsApplication, QgsProcessingAlgorithm
from tests.e2e.qgis_suite.baseline import named
from tests.e2e.qgis_suite.cases import Case
from tests.e2e.qgis_suite.layers import Layers, media_types
from tests.e2e.qgis_suite.verdict import NotOffered

from qanat_common.ogc import InputDescription, Process

GEOPACKAGE = "application/geopackage+sqlite3"
CSV = "text/csv"
FLATGEOBUF = "application/flatgeobuf"
GML = "application/gml+xml; version=3.2"
GEOTIFF = "image/tiff; application=geotiff"

Json = Any
Param = Any
"""A parameter of QGIS's."""

_EXTENT = re.compile(r"\s*([^,]+),([^,]+),([^,]+),([^,[]+?)\s*(?:\[(.+)\])?\s*")
_INTEGER = re.compile(r"-?\d+")
FIELD_TYPES = {
    1: "boolean",
    2: "integer",
    4: "bigint",
    6: "real",
    10: "text",
    11: "text-list",
    12: "binary",
    14: "date",
    15: "time",
    16: "datetime",
}
"""Qt's number of a field's type → what the descriptions call it."""

LIST = 9

WITH_INVALID = frozenset(
    ["tests1: Dissolve with geometries reported as valid but as invalid with isGeosValid"]
)
"""Cases whose layers have invalid geometries, and that do not say so."""


class Absent(Exception):
    """A value that means: not given."""


class Requests:
    """Writes the request of one case."""

    def __init__(self, data: Path, folder: Path) -> None:
        """`data`: the suite's; `folder`: the case's own, for layers that are written anew."""
        self._data = data
        self.layers = Layers(data, folder)
        self._params: Mapping[str, Any] = {}
        self._beside: Mapping[str, Json] = {}

    def write(self, case: Case, process: Process, vector: str) -> dict[str, Json]:
        """The body of the request; vector layers are asked for in the media type `vector`."""
        algorithm = algorithm_of(case)
        self._params = named(case, algorithm)
        self._beside = _beside(case)
        inputs: dict[str, Json] = {}
        for name, value in self._params.items():
            param = algorithm.parameterDefinition(name)
            if param is None:
                # Neither QGIS nor its runner minds a parameter that is none.
                continue
            about = process.inputs.get(name)
            if about is None:
                _must_be_default(param, value)
                continue
            try:
                inputs[name] = self._value(param, value, about)
            except Absent:
                continue
        return {"inputs": inputs, "outputs": outputs(case, process, vector)}

    def inner_name(self, expected: Mapping[str, Any]) -> str:
        """What the layer of an expected result is called within its file; "" where it has none."""
        names = expected["name"]
        return self.layers.inner_name(names if isinstance(names, str) else names[0])

    def _value(self, param: Param, value: Any, about: InputDescription) -> Json:
        if value is None:
            raise Absent
        return WRITERS.get(param.type(), Requests.plain)(self, param, value, about.schema_)

    def plain(self, _: Param, value: Any, schema: Mapping[str, Any]) -> Json:
        """As it is; a text where the schema wants one."""
        return str(value) if schema.get("type") == "string" else value

    def number(self, _: Param, value: Any, schema: Mapping[str, Any]) -> Json:
        """QGIS takes texts too."""
        if value == "":
            raise Absent
        found = float(value)
        return int(found) if schema.get("type") == "integer" and found.is_integer() else found

    def boolean(self, _: Param, value: Any, __: Mapping[str, Any]) -> Json:
        """QGIS takes texts too."""
        return value.strip().lower() in ("true", "1") if isinstance(value, str) else bool(value)

    def choice(self, param: Param, value: Any, schema: Mapping[str, Any]) -> Json:
        """QGIS's number of an option as the option's text."""
        if schema.get("type") == "array":
            several = value if isinstance(value, list) else str(value).split(",")
            return [self._option(each, schema["items"]["enum"]) for each in several]
        return self._option(value, schema["enum"])

    def _option(self, value: Any, options: list[str]) -> str:
        text = str(value)
        return options[int(text)] if _INTEGER.fullmatch(text) else text

    def field(self, _: Param, value: Any, schema: Mapping[str, Any]) -> Json:
        """A name, or names."""
        if value in ("", []):
            raise Absent
        if schema.get("type") != "array":
            return value[0] if isinstance(value, list) else str(value)
        return value if isinstance(value, list) else str(value).split(";")

    def band(self, _: Param, value: Any, schema: Mapping[str, Any]) -> Json:
        """A number, or numbers."""
        if schema.get("type") == "array":
            return value if isinstance(value, list) else [int(value)]
        return int(value)

    def crs(self, _: Param, value: Any, __: Mapping[str, Any]) -> Json:
        """A code; that of a layer where a layer is given."""
        if not value:
            raise Absent
        return self.layers.open(value).crs().authid() if isinstance(value, dict) else value

    def extent(self, _: Param, value: Any, __: Mapping[str, Any]) -> Json:
        """QGIS writes x first, then y, and takes a box without a CRS to be in that of the layer."""
        if not value:
            raise Absent
        if isinstance(value, dict):
            layer = self.layers.open(value)
            box = layer.extent()
            numbers = [box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()]
            return {"bbox": numbers, "crs": layer.crs().authid()}
        found = _EXTENT.fullmatch(value)
        if found is None:
            return value
        x_min, x_max, y_min, y_max = (float(part) for part in found.groups()[:4])
        crs = found[5] or self._crs_of_layers()
        return {"bbox": [x_min, y_min, x_max, y_max]} | ({"crs": crs} if crs else {})

    def _crs_of_layers(self) -> str | None:
        layers = (each for each in self._params.values() if isinstance(each, dict))
        first = next((each for each in layers if each["type"] in ("vector", "raster")), None)
        return self.layers.open(first).crs().authid() if first else None

    def layer(self, _: Param, value: Any, schema: Mapping[str, Any]) -> Json:
        """A layer by value."""
        if not value:
            raise Absent
        return self.layers.value(value, schema)

    def source(self, param: Param, value: Any, schema: Mapping[str, Any]) -> Json:
        """A layer; a case may pass over its invalid geometries."""
        return self.layer(param, value, schema) | self._beside

    def several_layers(self, _: Param, value: Any, schema: Mapping[str, Any]) -> Json:
        """Layers by value, each with its name."""
        params = value["params"] if isinstance(value, dict) else value
        return [self.layers.value(each, schema) for each in params]

    def file(self, _: Param, value: Any, schema: Mapping[str, Any]) -> Json:
        """A file by value; a folder as a zip."""
        return self.layers.file(self._data / value["name"], schema)

    def matrix(self, _: Param, value: Any, __: Mapping[str, Any]) -> Json:
        """Its cells."""
        return value.split(",") if isinstance(value, str) else value

    def range(self, _: Param, value: Any, __: Mapping[str, Any]) -> Json:
        """Two numbers."""
        if value in (None, "", "None"):
            raise Absent
        parts = value.split(",") if isinstance(value, str) else value
        return [float(part) for part in parts]

    def new_fields(self, _: Param, value: Any, schema: Mapping[str, Any]) -> Json:
        """Definitions of fields."""
        known = schema["items"]["properties"]
        types = [_field_type(each) for each in value]
        if strange := set(types).difference(known["type"]["enum"]):
            raise NotOffered(f"a field of the type {', '.join(strange)} is not described")
        return [
            {name: each[name] for name in known if name in each} | {"type": kind}
            for each, kind in zip(value, types, strict=True)
        ]

    def interpolation(self, _: Param, value: Any, schema: Mapping[str, Any]) -> Json:
        """Layers, each with its field and its role; QGIS passes over those that are not there."""
        parts = [part.split("::~::") for part in value["name"].split("::|::")]
        return [
            self._interpolated(*part, schema) for part in parts if (self._data / part[0]).exists()
        ]

    def _interpolated(
        self, name: str, use_z: str, index: str, role: str, schema: Mapping[str, Any]
    ) -> Json:
        whole = next(each for each in schema["oneOf"] if each.get("required") == ["layer"])
        spec = {"type": "vector", "name": name}
        made = {
            "layer": self.layers.base64(spec),
            "type": whole["properties"]["type"]["enum"][int(role)],
        }
        if use_z == "0":
            made["field"] = self.layers.open(spec).fields().names()[int(index)]
        return {"value": made}

    def tile_layers(self, _: Param, value: Any, __: Mapping[str, Any]) -> Json:
        """Layers of tiles."""
        params = [{"type": "vector", "name": each["layer"]} for each in value["params"]]
        return [{"value": {"layer": self.layers.base64(each)}} for each in params]

    def relief(self, _: Param, value: Any, __: Mapping[str, Any]) -> Json:
        """Classes of elevation, each with its colour."""
        made = []
        for part in value.split(";"):
            low, high, *rgb = (float(number) for number in part.split(","))
            color = "#" + "".join(f"{int(number):02x}" for number in rgb)
            made.append({"minimum": low, "maximum": high, "color": color})
        return made


WRITERS: Mapping[str, Callable[[Requests, Param, Any, Mapping[str, Any]], Json]] = {
    "number": Requests.number,
    "distance": Requests.number,
    "area": Requests.number,
    "duration": Requests.number,
    "scale": Requests.number,
    "boolean": Requests.boolean,
    "enum": Requests.choice,
    "field": Requests.field,
    "band": Requests.band,
    "crs": Requests.crs,
    "extent": Requests.extent,
    "source": Requests.source,
    "vector": Requests.layer,
    "raster": Requests.layer,
    "layer": Requests.layer,
    "mesh": Requests.layer,
    "multilayer": Requests.several_layers,
    "file": Requests.file,
    "matrix": Requests.matrix,
    "range": Requests.range,
    "aggregates": Requests.new_fields,
    "fields_mapping": Requests.new_fields,
    "idw_interpolation_data": Requests.interpolation,
    "vectortilewriterlayers": Requests.tile_layers,
    "relief_colors": Requests.relief,
}
"""QGIS's type of a parameter → how a value of it is written; others go as they are."""


def _field_type(about: Mapping[str, Any]) -> str:
    lists = about["type"] == LIST
    return f"{FIELD_TYPES[about['sub_type']]}-list" if lists else FIELD_TYPES[about["type"]]


def algorithm_of(case: Case) -> QgsProcessingAlgorithm:
    """The algorithm that QGIS finds by the id of a case, which may be an older one."""
    algorithm = QgsApplication.processingRegistry().algorithmById(case.algorithm)
    if algorithm is None:
        raise NotOffered(f"QGIS has no algorithm {case.algorithm}")
    return algorithm


def _beside(case: Case) -> Mapping[str, Json]:
    """What becomes of invalid geometries: QGIS's own runner takes them as they are, unless a case says skip."""
    if case.skip_invalid:
        return {"invalidGeometries": "skip"}
    return {"invalidGeometries": "keep"} if case.key in WITH_INVALID else {}


def _must_be_default(param: Param, value: Any) -> None:
    """An input that is not described can be left out when its value is what it would be anyway."""
    default = param.defaultValue()
    same = value == default or (not value and not default)
    if isinstance(value, float) and isinstance(default, int | float):
        same = math.isclose(value, default)
    if not same:
        raise NotOffered(f"{param.name()} is no input of the process; it would be {value!r}")


def outputs(case: Case, process: Process, vector: str) -> dict[str, Json]:
    """The outputs that the case looks at, each in the format in which it can be compared."""
    asked: dict[str, Json] = {}
    for name, expected in case.results.items():
        about = process.outputs.get(name)
        if expected.get("in_place_result") or about is None:
            raise NotOffered(f"{name} is no output of the process")
        offered = media_types(about.schema_)
        wanted = next((each for each in _wanted(expected, vector) if each in offered), None)
        asked[name] = {"format": {"mediaType": wanted}} if wanted else {}
    return asked


def _wanted(expected: Mapping[str, Any], vector: str) -> tuple[str, ...]:
    return {
        "rasterhash": (GEOTIFF,),
        "vector": (vector, CSV),
        "table": (vector, CSV),
    }.get(expected["type"], ())
