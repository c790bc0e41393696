"""Outputs without a destination: values, and files that an algorithm named itself."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from qgis.core import QgsProcessingOutputDefinition

from qanat_common.ogc import JsonSchema
from qanat_common.protocol import Value
from qanat_worker.engine import formats
from qanat_worker.engine.feedback import scrubbed
from qanat_worker.engine.outputs import file_name
from qanat_worker.engine.workspace import Workspace
from qanat_worker.port import Produced, ProducedFile


class Result(ABC):
    """A type of outputs that have no destination: a value, or a file made beside an input."""

    types: ClassVar[tuple[str, ...]]

    @abstractmethod
    def schema(self) -> JsonSchema:
        """What a client gets."""

    @abstractmethod
    def produce(
        self, output: QgsProcessingOutputDefinition, result: Any, job: Workspace
    ) -> Produced | None:
        """Of what QGIS says; None when there is nothing."""


class NumberResult(Result):
    """A number."""

    types = ("outputNumber",)

    def schema(self) -> JsonSchema:
        """JSON has neither NaN nor infinity: null stands for them."""
        return {"type": "number"}

    def produce(
        self, output: QgsProcessingOutputDefinition, result: Any, job: Workspace
    ) -> Produced | None:
        """As it is."""
        if isinstance(result, bool) or not isinstance(result, int | float):
            return Value(value=None)
        return Value(value=result if math.isfinite(result) else None)


class BooleanResult(Result):
    """True or false."""

    types = ("outputBoolean",)

    def schema(self) -> JsonSchema:
        """As it is."""
        return {"type": "boolean"}

    def produce(
        self, output: QgsProcessingOutputDefinition, result: Any, job: Workspace
    ) -> Produced | None:
        """As it is."""
        return Value(value=bool(result))


class TextResult(Result):
    """A text; the path of a file of the job's is the file itself."""

    types = ("outputString",)

    def schema(self) -> JsonSchema:
        """As it is."""
        return {"type": "string"}

    def produce(
        self, output: QgsProcessingOutputDefinition, result: Any, job: Workspace
    ) -> Produced | None:
        """Without paths of the server."""
        text = "" if result is None else str(result)
        return own_file(text, output, job) or Value(value=scrubbed(text))


class FileResult(Result):
    """A file that the algorithm named itself."""

    types = ("outputFile", "outputHtml")

    def schema(self) -> JsonSchema:
        """Any file."""
        return formats.file_schema(formats.BYTES)

    def produce(
        self, output: QgsProcessingOutputDefinition, result: Any, job: Workspace
    ) -> Produced | None:
        """Only when it lies in the job's folder."""
        return own_file(str(result), output, job)


class AnyResult(Result):
    """A value of any type."""

    types = ("outputVariant",)

    def schema(self) -> JsonSchema:
        """Any JSON value."""
        kinds = ("string", "number", "boolean", "object", "array")
        return {"oneOf": [{"type": kind} for kind in kinds]}

    def produce(
        self, output: QgsProcessingOutputDefinition, result: Any, job: Workspace
    ) -> Produced | None:
        """As it is when JSON can say it, else as a text."""
        return Value(value=_as_json(result))


def _as_json(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    if isinstance(value, dict):
        return {str(name): _as_json(each) for name, each in value.items()}
    return scrubbed(str(value))


def own_file(
    text: str, output: QgsProcessingOutputDefinition, job: Workspace
) -> ProducedFile | None:
    """The file of the job's that a text names, if it does."""
    path = Path(text)
    if not text or not path.is_absolute() or not path.is_file():
        return None
    if not path.resolve().is_relative_to(job.folder.resolve()):
        return None
    name = f"{file_name(output)}{path.suffix}"
    return ProducedFile(path=str(path), name=name, media_type=formats.media_type_of(path.suffix))


RESULTS: Mapping[str, Result] = {
    name: result
    for result in (NumberResult(), BooleanResult(), TextResult(), FileResult(), AnyResult())
    for name in result.types
}
"""QGIS's name of an output's type → how it is handed back, where no destination is."""

_LAYER = "a layer without a destination is one of the inputs, or a part of another output"

UNSUPPORTED_OUTPUTS: Mapping[str, str] = {
    "outputVector": _LAYER,
    "outputRaster": _LAYER,
    "outputLayer": _LAYER,
    "outputMultilayer": _LAYER,
    "outputPointCloud": _LAYER,
    "outputVectorTile": _LAYER,
    "outputFolder": "a folder without a destination is none of the job's",
    "outputConditionalBranch": "it steers models",
}
"""Types of outputs that are left out where no destination is, and why."""
