"""An engine for the tests of conformance: processes of the kinds that the echo is not."""

import json
import time
from pathlib import Path
from typing import Any

from qanat_common.errors import AlgorithmFailed, InputRejected
from qanat_common.ogc import GEOJSON, InputDescription, JobControl, OutputDescription, Process
from qanat_common.protocol import Inline, LocalFile, Offer, Project, ProviderInfo, Value
from qanat_worker.port import Feedback, Produced, ProducedFile, Task

GEOPACKAGE = "application/geopackage+sqlite3"
GML = "application/gml+xml; version=3.2"
TEXT = {"type": "string"}
LAYER = {
    "oneOf": [
        {"type": "object", "format": "geojson-feature-collection", "contentMediaType": GEOJSON},
        {"type": "string", "contentEncoding": "base64", "contentMediaType": GEOPACKAGE},
        {"type": "string", "contentMediaType": GML},
    ]
}
OPTIONAL: dict[str, dict[str, Any]] = {
    "text": {"schema": {**TEXT, "maxLength": 20}},
    "number": {"schema": {"type": "number", "minimum": 0}},
    "flag": {"schema": {"type": "boolean"}},
    "several": {"schema": {"type": "number"}, "maxOccurs": 3},
    "rows": {
        "schema": {"type": "array", "items": {"type": "integer"}},
        "maxOccurs": "unbounded",
    },
    "layer": {"schema": LAYER},
}


def described(name: str, inputs: Any, outputs: Any, *options: JobControl) -> Process:
    return Process(
        id=f"test:{name}",
        version="1",
        title=name,
        job_control_options=list(options or JobControl),
        inputs={
            key: InputDescription.model_validate({"title": key, **about})
            for key, about in inputs.items()
        },
        outputs={key: OutputDescription(title=key, schema=about) for key, about in outputs.items()},
    )


X = {"x": {"schema": TEXT}}
PROCESSES = [
    described("async", X, {"x": TEXT}, JobControl.ASYNC, JobControl.DISMISS),
    described("sync", X, {"x": TEXT}, JobControl.SYNC),
    described("fail", X, {"x": TEXT}),
    described("reject", X, {"x": TEXT}),
    described("pass", {"layer": {"schema": LAYER}}, {"layer": LAYER["oneOf"][0]}),
    described("this, that", X, {"x": TEXT}),
    described("nap", {"seconds": {"schema": {"type": "number"}}}, {"x": TEXT}),
    described(
        "look",
        {name: {"minOccurs": 0, **about} for name, about in OPTIONAL.items()},
        {"seen": {"type": "object"}},
    ),
    described(
        "make",
        {},
        {
            "text": TEXT,
            "number": {"type": "number"},
            "flag": {"type": "boolean"},
            "layer": {"type": "object", "contentMediaType": GEOJSON},
            "table": {"type": "string", "contentMediaType": "text/csv"},
            "blob": {
                "type": "string",
                "contentEncoding": "base64",
                "contentMediaType": GEOPACKAGE,
            },
            "never": TEXT,
        },
    ),
]


def seen(given: Any) -> Any:
    """What arrived, with the form it arrived in."""
    if isinstance(given, list):
        return [seen(one) for one in given]
    if isinstance(given, LocalFile):
        return {"file": Path(given.path).read_text(), "mediaType": given.media_type}
    if given.encoding or given.media_type:
        return {"value": given.value, "mediaType": given.media_type, "encoding": given.encoding}
    return given.value


def look(task: Task) -> dict[str, Produced]:
    return {"seen": Value(value={name: seen(given) for name, given in task.inputs.items()})}


def make(task: Task) -> dict[str, Produced]:
    made: dict[str, Produced] = {
        "text": Value(value="hello"),
        "number": Value(value=0),
        "flag": Value(value=False),
        "layer": file(
            task, "layer.geojson", GEOJSON, b'{"type":"FeatureCollection","features":[]}'
        ),
        "table": file(task, "table.csv", "text/csv", 'a,"b"\n1,ä\n'.encode()),
        "blob": file(task, "blob.gpkg", GEOPACKAGE, bytes(range(256))),
    }
    return made if task.outputs is None else {n: v for n, v in made.items() if n in task.outputs}


def file(task: Task, name: str, media_type: str, content: bytes) -> ProducedFile:
    path = Path(task.folder) / name
    path.write_bytes(content)
    return ProducedFile(path=str(path), name=name, media_type=media_type)


def nap(task: Task) -> dict[str, Produced]:
    given = task.inputs["seconds"]
    assert isinstance(given, Inline)
    assert isinstance(given.value, int | float)
    time.sleep(given.value)
    return {"x": Value(value="awake")}


def pass_on(task: Task) -> dict[str, Produced]:
    given = task.inputs["layer"]
    assert isinstance(given, Inline)
    return {"layer": file(task, "layer.geojson", GEOJSON, json.dumps(given.value).encode())}


def same(task: Task) -> dict[str, Produced]:
    return {"x": Value(value=seen(task.inputs["x"]))}


def fail(task: Task) -> dict[str, Produced]:
    raise AlgorithmFailed("x: it failed")


def reject(task: Task) -> dict[str, Produced]:
    raise InputRejected("x: it is of no use")


RUNS = {
    "test:async": same,
    "test:sync": same,
    "test:fail": fail,
    "test:reject": reject,
    "test:pass": pass_on,
    "test:nap": nap,
    "test:look": look,
    "test:make": make,
}


class ProvingEngine:
    """Satisfies the port of the worker."""

    def offer(self) -> Offer:
        return Offer(processes=PROCESSES, projects=[Project(name="region", crs="EPSG:25832")])

    def versions(self) -> dict[str, str]:
        return {"proving": "1"}

    def providers(self) -> list[ProviderInfo]:
        return [ProviderInfo(id="test", name="Test", version="1", algorithms=len(PROCESSES))]

    def warm_up(self) -> None:
        """Nothing to warm."""

    def run(self, task: Task, feedback: Feedback) -> dict[str, Produced]:
        return RUNS[task.process_id](task)


def start(options: dict[str, Any]) -> ProvingEngine:
    """The factory that the setting worker.engine names."""
    return ProvingEngine()
