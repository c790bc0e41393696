"""The models of OGC API - Processes 1.0 as schemas of OpenAPI 3.0, for our API definition."""

from typing import Any

from qanat_api.asides import CHOICES
from qanat_common.ogc import CRS84, JobControl, JobStatus, Response, Transmission
from qanat_common.protocol import LogLevel

Object = dict[str, Any]

_TEXT: Object = {"type": "string"}
_URI: Object = {"type": "string", "format": "uri"}
_TIME: Object = {"type": "string", "format": "date-time"}


def _ref(name: str) -> Object:
    return {"$ref": f"#/components/schemas/{name}"}


def _array(items: Object) -> Object:
    return {"type": "array", "items": items}


def _enum(*names: str, **more: Any) -> Object:
    return {"type": "string", "enum": [str(name) for name in names], **more}


def _object(*required: str, **properties: Object) -> Object:
    made: Object = {"type": "object", "properties": properties}
    return {**made, "required": list(required)} if required else made


def _map(values: Object) -> Object:
    return {"type": "object", "additionalProperties": values}


_DESCRIBED: Object = {
    "title": _TEXT,
    "description": _TEXT,
    "keywords": _array(_TEXT),
    "metadata": _array(_object(title=_TEXT, role=_TEXT, href=_TEXT)),
}
_SUMMARY: Object = {
    **_DESCRIBED,
    "id": _TEXT,
    "version": _TEXT,
    "jobControlOptions": _array(_enum(*JobControl)),
    "outputTransmission": _array(_enum(*Transmission)),
    "links": _array(_ref("link")),
}
_PROJECT: Object = {"name": _TEXT, "title": _TEXT, "description": _TEXT, "crs": _TEXT}
_FORMAT: Object = {
    "mediaType": _TEXT,
    "encoding": _TEXT,
    "schema": {"oneOf": [_URI, {"type": "object"}]},
}
_ASIDES: Object = {
    "title": _TEXT,
    "layer": _TEXT,
    "invalidGeometries": _enum(*CHOICES),
}
_OCCURS: Object = {
    "minOccurs": {"type": "integer", "default": 1},
    "maxOccurs": {
        "oneOf": [{"type": "integer", "default": 1}, _enum("unbounded")],
    },
}

_COUNT: Object = {"type": "integer", "minimum": 0}
_SERVICE: Object = {
    "name": _TEXT,
    "title": _TEXT,
    "description": _TEXT,
    "labels": _map(_TEXT),
    "qgisVersions": _array(_TEXT),
    "providers": _array(_object(id=_TEXT, name=_TEXT, version=_TEXT, algorithms=_COUNT)),
    "alike": {"type": "boolean", "description": "Whether all its workers offer the same"},
    "processes": _COUNT,
    "workers": _COUNT,
    "draining": _COUNT,
    "slots": _COUNT,
    "waiting": _COUNT,
    "oldestWaitingSeconds": {"type": "number", "nullable": True},
    "links": _array(_ref("link")),
}

SCHEMAS: Object = {
    "any": {"type": "object"},
    "link": _object("href", "rel", href=_TEXT, rel=_TEXT, type=_TEXT, hreflang=_TEXT, title=_TEXT),
    "landingPage": _object("links", title=_TEXT, description=_TEXT, links=_array(_ref("link"))),
    "confClasses": _object("conformsTo", conformsTo=_array(_TEXT)),
    "processSummary": _object("id", "version", **_SUMMARY),
    "service": _object("name", "title", "processes", "slots", "waiting", "links", **_SERVICE),
    "serviceList": _object(
        "services", "links", services=_array(_ref("service")), links=_array(_ref("link"))
    ),
    "processList": _object(
        "processes",
        "links",
        processes=_array(_ref("processSummary")),
        links=_array(_ref("link")),
    ),
    "process": _object(
        "id",
        "version",
        **_SUMMARY,
        service=_TEXT,
        qgisVersion=_TEXT,
        inputs=_map(_object("schema", **_DESCRIBED, **_OCCURS, schema={"type": "object"})),
        outputs=_map(_object("schema", **_DESCRIBED, schema={"type": "object"})),
    ),
    "bbox": _object(
        "bbox",
        bbox={**_array({"type": "number"}), "minItems": 4, "maxItems": 6},
        crs={**_URI, "default": CRS84},
    ),
    "qualifiedValue": _object("value", value={}, **_ASIDES, **_FORMAT),
    "reference": _object("href", href=_URI, type=_TEXT, rel=_TEXT, **_ASIDES),
    "inlineOrRefData": {
        "description": "A bare value, a bounding box, a value with its format, or a link; null is none",
        "nullable": True,
        "anyOf": [
            _TEXT,
            {"type": "number"},
            {"type": "boolean"},
            _array({}),
            _ref("bbox"),
            _ref("qualifiedValue"),
            _ref("reference"),
            {"type": "object"},
        ],
    },
    "execute": _object(
        inputs={**_map(_ref("inlineOrRefData")), "nullable": True},
        outputs=_map(
            _object(
                format=_object(**_FORMAT),
                transmissionMode=_enum(*Transmission, default=str(Transmission.VALUE)),
            )
        ),
        subscriber=_object(successUri=_URI, inProgressUri=_URI, failedUri=_URI),
        response={
            **_TEXT,
            "enum": [*map(str, Response), None],
            "nullable": True,
            "default": str(Response.RAW),
        },
    ),
    "results": _map(_ref("inlineOrRefData")),
    "statusInfo": _object(
        "jobID",
        "type",
        "status",
        "processID",
        "created",
        "id",
        "processingEntityType",
        jobID=_TEXT,
        id=_TEXT,
        processingEntityType=_enum("ogc-api-processes"),
        exception=_ref("exception"),
        processID=_TEXT,
        type=_enum("process"),
        status=_enum(*JobStatus),
        message=_TEXT,
        created=_TIME,
        started=_TIME,
        finished=_TIME,
        updated=_TIME,
        expires=_TIME,
        progress={"type": "integer", "minimum": 0, "maximum": 100},
        links=_array(_ref("link")),
    ),
    "jobList": _object(
        "jobs", "links", jobs=_array(_ref("statusInfo")), links=_array(_ref("link"))
    ),
    "projectList": _object(
        "projects",
        "links",
        projects=_array(
            _object(
                "name",
                **_PROJECT,
                layers={"type": "integer", "minimum": 0},
                links=_array(_ref("link")),
            )
        ),
        links=_array(_ref("link")),
    ),
    "project": _object(
        "name",
        "layers",
        **_PROJECT,
        ellipsoid=_TEXT,
        layers=_array(
            _object(
                "name",
                "kind",
                name=_TEXT,
                title=_TEXT,
                kind=_enum("vector", "raster", "mesh"),
                geometry=_enum("points", "lines", "polygons", "none", "unknown"),
                crs=_TEXT,
                extent=_array({"type": "number"}),
                fields=_array(_object("name", "type", name=_TEXT, type=_TEXT)),
                bands={"type": "integer"},
            )
        ),
        layouts=_array(_object("name", name=_TEXT, atlas={"type": "boolean"}, items=_array(_TEXT))),
        themes=_array(_TEXT),
        links=_array(_ref("link")),
    ),
    "log": _object(
        "log",
        "links",
        log=_array(
            _object("time", "level", "message", time=_TIME, level=_enum(*LogLevel), message=_TEXT)
        ),
        links=_array(_ref("link")),
    ),
    "event": {
        "description": "One of the events of the stream; `data` is a JSON document",
        **_object("event", "data", event=_TEXT, data=_TEXT, id=_TEXT),
    },
    "exception": _object(
        "type",
        "title",
        "status",
        type=_TEXT,
        title=_TEXT,
        status={"type": "integer"},
        detail=_TEXT,
        instance=_TEXT,
        errors=_array(
            _object(
                "pointer",
                "message",
                pointer={**_TEXT, "description": "The member at fault (RFC 6901)"},
                message=_TEXT,
            )
        ),
    ),
}
"""Name → schema; the names are those of the standard's own files."""
