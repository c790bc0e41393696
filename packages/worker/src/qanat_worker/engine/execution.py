"""One job: inputs through the converters, the algorithm, outputs through the other table."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qgis.core import QgsProcessingAlgorithm, QgsProcessingParameterDefinition, QgsProject
from qgis.PyQt.QtCore import QVariant

from qanat_common.errors import AlgorithmFailed, Fault, InputRejected
from qanat_common.ogc import OutputRequest, Process
from qanat_common.protocol import Inline
from qanat_worker.engine import composition, defects, expressions, formats
from qanat_worker.engine.feedback import JobFeedback, scrubbed
from qanat_worker.engine.formats import Format
from qanat_worker.engine.opening import INNER_NAME
from qanat_worker.engine.outputs import DESTINATIONS, destinations_of
from qanat_worker.engine.parameters import CONVERTERS
from qanat_worker.engine.parameters.base import HIDDEN, OPTIONAL, Values, flag, rejected
from qanat_worker.engine.policy import SET_BY_US, Policy, entry
from qanat_worker.engine.results import RESULTS
from qanat_worker.engine.workspace import Workspace
from qanat_worker.port import Feedback, Produced, Task

Wanted = Mapping[str, Format]
"""Name of a destination → format in which it is wanted."""

TOOLS = ("gdal:", "grass")
"""How the ids of algorithms begin that run programs, with texts as their arguments."""

_BLAMED = re.compile(r"parameter value for (\S+)")


def run(
    algorithm: QgsProcessingAlgorithm,
    process: Process,
    policy: Policy,
    task: Task,
    told: Feedback,
    project: QgsProject | None = None,
) -> dict[str, Produced]:
    """Run an algorithm that is this job's own; `process` is what it was described as.

    `project` is a published one that is open, and the one of this process.
    """
    feedback = JobFeedback(told)
    for defect in defects.of(algorithm.id()):
        feedback.pushWarning(defect)
    asked = _asked(process, task.outputs)
    _check_names(process, task)
    job = Workspace(Path(task.folder), feedback, project, policy.raster_pixels)
    destinations = destinations_of(algorithm.parameterDefinitions())
    wanted = _wanted(destinations, asked)
    values = _inputs(algorithm, policy, task.inputs, job)
    job.settle(values.values())
    for name, param in destinations.items():
        if name in wanted:
            values[name] = DESTINATIONS[param.type()].place(param, wanted[name], job)
    _check(algorithm, values, job)
    results = _run(algorithm, values, job, feedback)
    return _outputs(algorithm, process, asked, wanted, results, job, feedback)


def _asked(
    process: Process, requests: Mapping[str, OutputRequest] | None
) -> Mapping[str, OutputRequest] | None:
    """What was asked for; None is all, and so is an empty object."""
    if requests is None or len(requests) == 0:
        return None
    for name in requests:
        if name not in process.outputs:
            known = ", ".join(process.outputs)
            raise InputRejected(
                f"{name}: {process.id} has no such output; it has: {known}",
                Fault(f"/outputs/{name}", "is no output of this process"),
            )
    return requests


def _check_names(process: Process, task: Task) -> None:
    for name in task.inputs:
        if name not in process.inputs:
            known = ", ".join(process.inputs) or "none"
            raise rejected(name, f"is no input of {process.id}; it has: {known}")
    for name, about in process.inputs.items():
        if about.min_occurs > 0 and name not in task.inputs:
            raise rejected(name, "is missing")


def _wanted(destinations: Mapping[str, Any], asked: Mapping[str, OutputRequest] | None) -> Wanted:
    """Those that are made: all that QGIS must have, and of the optional ones what is asked for."""
    wanted: dict[str, Format] = {}
    for name, param in destinations.items():
        destination = DESTINATIONS.get(param.type())
        if destination is None:
            continue
        if asked is not None and name in asked:
            wanted[name] = _format(name, asked[name], list(destination.formats(param)))
        elif not flag(param, OPTIONAL) or (asked is None and param.createByDefault()):
            wanted[name] = destination.formats(param)[0]
    return wanted


def _format(name: str, request: OutputRequest, offered: list[Format]) -> Format:
    media_type = request.format.media_type if request.format else None
    if media_type is None:
        return offered[0]
    found = formats.find(offered, media_type)
    if found is None:
        known = ", ".join(each.media_type for each in offered)
        problem = f"{media_type!r} is not one of: {known}"
        raise InputRejected(
            f"{name}: {problem}", Fault(f"/outputs/{name}/format/mediaType", problem)
        )
    return found


def _inputs(
    algorithm: QgsProcessingAlgorithm,
    policy: Policy,
    inputs: Mapping[str, Any],
    job: Workspace,
) -> dict[str, Any]:
    """QGIS's values; files first, for other inputs name parts of them."""
    values: dict[str, Any] = {}
    given = []
    for param in algorithm.parameterDefinitions():
        if param.name() in inputs:
            given.append(param)
        elif not param.isDestination() and not _superseded(param):
            set_by_us = entry(SET_BY_US, algorithm.id(), param.name())
            values[param.name()] = set_by_us or _default(param, job)
    given.sort(key=lambda param: not CONVERTERS[param.type()].files)
    for param in given:
        values[param.name()] = _value(algorithm, param, policy, inputs[param.name()], job)
    if algorithm.id().startswith(TOOLS):
        _check_layer_names(job)
    return values


def _superseded(param: QgsProcessingParameterDefinition) -> bool:
    """Whether QGIS must not get a default: it takes the older of two inputs where it is given."""
    return flag(param, HIDDEN) and flag(param, OPTIONAL)


def _default(param: QgsProcessingParameterDefinition, job: Workspace) -> Any:
    """What was described, else QGIS's own: its check does not always know that, nor take it."""
    converter = CONVERTERS.get(param.type())
    described = converter.default(param) if converter else None
    if converter is not None and described is not None:
        return converter.convert(param, Inline(value=described), job)
    own = param.defaultValue()
    # A QVariant that comes to Python as such is QGIS's null.
    return None if isinstance(own, QVariant) else own


def _value(
    algorithm: QgsProcessingAlgorithm,
    param: QgsProcessingParameterDefinition,
    policy: Policy,
    given: Values,
    job: Workspace,
) -> Any:
    value = CONVERTERS[param.type()].convert(param, given, job)
    if policy.opens(algorithm.id(), param.name()):
        return value
    texts = [
        text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)
    ]
    for check in composition.checks_of(algorithm, param.name()) if texts else ():
        for text in texts:
            if wrong := check(text):
                raise rejected(param.name(), wrong)
    return value


def _check_layer_names(job: Workspace) -> None:
    """Programs get the names of layers within files as arguments, and within SQL."""
    for name, layers in job.layers.items():
        for layer in layers:
            wrong = expressions.wrong_argument(str(layer.customProperty(INNER_NAME, "")))
            if wrong:
                raise rejected(name, f"has a layer whose name cannot be used here: {wrong}")


def _check(algorithm: QgsProcessingAlgorithm, values: dict[str, Any], job: Workspace) -> None:
    """QGIS's own check of the values: `run` has none."""
    fits, message = algorithm.checkParameterValues(values, job.context)
    if fits:
        return
    blamed = _BLAMED.search(message or "")
    text = scrubbed(message or "the values do not fit together")
    if blamed and blamed[1] in (param.name() for param in algorithm.parameterDefinitions()):
        raise rejected(blamed[1], f"has no value that QGIS takes ({text})")
    raise InputRejected(text, Fault("/inputs", text))


def _run(
    algorithm: QgsProcessingAlgorithm,
    values: dict[str, Any],
    job: Workspace,
    feedback: JobFeedback,
) -> dict[str, Any]:
    results, fine = algorithm.run(values, job.context, feedback)
    if feedback.isCanceled():
        raise AlgorithmFailed("It was cancelled before its end.")
    if not fine:
        failed = AlgorithmFailed(feedback.why() or "It gave no reason.")
        if feedback.trace:
            failed.add_note(feedback.trace)
        raise failed
    return dict(results)


def _outputs(
    algorithm: QgsProcessingAlgorithm,
    process: Process,
    asked: Mapping[str, OutputRequest] | None,
    wanted: Wanted,
    results: Mapping[str, Any],
    job: Workspace,
    feedback: JobFeedback,
) -> dict[str, Produced]:
    """What was asked for and is there, in the order of the description."""
    destinations = destinations_of(algorithm.parameterDefinitions())
    others = {output.name(): output for output in algorithm.outputDefinitions()}
    made: dict[str, Produced] = {}
    for name in process.outputs:
        if asked is not None and name not in asked:
            continue
        if name in destinations:
            if name in wanted:
                made[name] = _destination(destinations[name], wanted[name], results, job, feedback)
        elif name in results:
            produced = RESULTS[others[name].type()].produce(others[name], results[name], job)
            if produced is not None:
                made[name] = produced
    return made


def _destination(
    param: Any, form: Format, results: Mapping[str, Any], job: Workspace, feedback: JobFeedback
) -> Produced:
    """What lies at a destination. GDAL's algorithms end well although their tools fail."""
    try:
        return DESTINATIONS[param.type()].produce(param, form, results.get(param.name()), job)
    except AlgorithmFailed as error:
        raise AlgorithmFailed(f"{error.detail}. {feedback.why()}".strip()) from error
