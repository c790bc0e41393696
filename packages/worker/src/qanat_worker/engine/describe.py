"""An algorithm as a process of the standard, or why it is not offered."""

import html
import re
from collections.abc import Iterator, Sequence
from typing import Any

from qgis.core import (
    Qgis,
    QgsProcessingAlgorithm,
    QgsProcessingModelAlgorithm,
    QgsProcessingParameterDefinition,
    QgsProcessingProvider,
)

from qanat_common.ogc import InputDescription, Metadata, OutputDescription, Process
from qanat_common.protocol import Refusal
from qanat_worker.engine import composition, defects
from qanat_worker.engine.flags import MEANINGS, flags_of
from qanat_worker.engine.formats import Format
from qanat_worker.engine.outputs import DESTINATIONS, destinations_of
from qanat_worker.engine.parameters import CONVERTERS, UNSUPPORTED
from qanat_worker.engine.parameters.base import ADVANCED, HIDDEN, OPTIONAL, flag
from qanat_worker.engine.policy import LEFT_OUT_OUTPUTS, SUPERSEDED, Policy, entry, is_of_projects
from qanat_worker.engine.results import RESULTS, UNSUPPORTED_OUTPUTS

_TAG = re.compile(r"<[^>]*>")
_BREAK = re.compile(r"</(p|h\d|li|tr)>|<br\s*/?>", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t]+")
_LINES = re.compile(r"\s*\n\s*(\n\s*)?")


MANUAL = "https://docs.qgis.org/{version}/en/docs/user_manual/processing_algs"
OF_THE_MANUAL = frozenset({"native", "qgis", "gdal", "3d"})
"""The providers whose algorithms QGIS's manual explains, in a chapter for each of their groups."""


DEFAULT = Policy()


class NotOffered(Exception):
    """Why an algorithm is not offered."""


def plain_text(text: str | None) -> str:
    """A help text of QGIS without its HTML."""
    found = html.unescape(_TAG.sub("", _BREAK.sub("\n", text or "")))
    return _LINES.sub(
        lambda gap: "\n\n" if gap[1] is not None else "\n", _BLANKS.sub(" ", found)
    ).strip()


def describe(algorithm: QgsProcessingAlgorithm, policy: Policy = DEFAULT) -> Process | Refusal:
    """The process that an algorithm is to clients."""
    why = (
        policy.why_not(algorithm.id(), flags_of(algorithm))
        or composition.why_not(algorithm, policy)
        or _cannot_run(algorithm)
    )
    if why:
        return Refusal(id=algorithm.id(), reason=why)
    try:
        return _process(algorithm, policy)
    except NotOffered as reason:
        return Refusal(id=algorithm.id(), reason=str(reason))


def _cannot_run(algorithm: QgsProcessingAlgorithm) -> str | None:
    able = algorithm.canExecute()
    fits, why = able if isinstance(able, tuple) else (able, "")
    return None if fits else f"it cannot run here: {why or 'something that it needs is missing'}"


def differs_in_project(algorithm: QgsProcessingAlgorithm) -> bool:
    """Whether an algorithm may be another process in a project than it is without one."""
    return (
        is_of_projects(algorithm.id())
        or isinstance(algorithm, QgsProcessingModelAlgorithm)
        or any(names_part_of_project(param) for param in algorithm.parameterDefinitions())
    )


def names_part_of_project(param: QgsProcessingParameterDefinition) -> bool:
    """Whether a parameter names something that only a project has."""
    converter = CONVERTERS.get(param.type())
    return converter is not None and converter.in_projects


def _process(algorithm: QgsProcessingAlgorithm, policy: Policy) -> Process:
    left_out: list[Metadata] = []
    inputs = dict(_inputs(algorithm, policy, left_out))
    outputs = dict(_outputs(algorithm, left_out))
    if not outputs:
        raise NotOffered("it has no result that can be handed back: it changes its input, or QGIS")
    provider = algorithm.provider()
    return Process(
        id=algorithm.id(),
        version=version_of(provider),
        title=algorithm.displayName(),
        description=plain_text(algorithm.shortHelpString()) or algorithm.shortDescription() or None,
        keywords=keywords_of(algorithm) or None,
        metadata=[*_about(algorithm, provider), *left_out],
        inputs=inputs,
        outputs=outputs,
    )


def version_of(provider: QgsProcessingProvider | None) -> str:
    """The version of a provider: that of its plugin, or of QGIS."""
    return (provider.versionInfo() if provider else "") or Qgis.version().partition("-")[0]


def keywords_of(algorithm: QgsProcessingAlgorithm) -> list[str]:
    """The algorithm's group and tags."""
    found = [algorithm.group(), *algorithm.tags()]
    return list(dict.fromkeys(word.strip() for word in found if word and word.strip()))


def _about(
    algorithm: QgsProcessingAlgorithm, provider: QgsProcessingProvider | None
) -> Iterator[Metadata]:
    if provider:
        yield Metadata(role="provider", title=provider.name())
    if algorithm.group():
        yield Metadata(role="group", title=algorithm.group())
    yield Metadata(role="qgis-version", title=Qgis.version().partition("-")[0])
    if address := documentation_of(algorithm, provider):
        yield Metadata(role="documentation", title="Documentation", href=address)
    flags = flags_of(algorithm)
    for name, meaning in MEANINGS.items():
        if name in flags:
            yield Metadata(role="flag", title=meaning)
    for defect in defects.of(algorithm.id()):
        yield Metadata(role="flag", title=defect)


def documentation_of(
    algorithm: QgsProcessingAlgorithm, provider: QgsProcessingProvider | None
) -> str | None:
    """Where an algorithm is explained: its own address, or its place in QGIS's manual."""
    own: str = algorithm.helpUrl()
    if own.startswith(("http://", "https://")):
        return own
    chapter = provider.helpId() if provider and provider.id() in OF_THE_MANUAL else ""
    if not chapter or not algorithm.groupId():
        return None
    version = ".".join(Qgis.version().split(".")[:2])
    return f"{MANUAL.format(version=version)}/{chapter}/{algorithm.groupId()}.html#{chapter}{algorithm.name()}"


def _inputs(
    algorithm: QgsProcessingAlgorithm, policy: Policy, left_out: list[Metadata]
) -> Iterator[tuple[str, InputDescription]]:
    for param in algorithm.parameterDefinitions():
        if param.isDestination():
            continue
        why = why_not_described(algorithm, param, policy)
        if why is None:
            yield param.name(), describe_input(param, superseded_by(algorithm, param))
        elif not may_be_absent(param):
            raise NotOffered(f"its input {param.name()} is of type {param.type()}: {why}")
        else:
            left_out.append(Metadata(role="left-out", title=f"{param.name()}: {why}"))


def may_be_absent(param: QgsProcessingParameterDefinition) -> bool:
    """Whether QGIS runs without a value of a parameter."""
    return flag(param, OPTIONAL) or flag(param, HIDDEN) or param.defaultValue() is not None


def why_not_described(
    algorithm: QgsProcessingAlgorithm, param: QgsProcessingParameterDefinition, policy: Policy
) -> str | None:
    """Why a parameter is left at QGIS's default; None when a client may give it."""
    if flag(param, HIDDEN) and superseded_by(algorithm, param) is None:
        return "QGIS hides it"
    if param.type() not in CONVERTERS:
        return UNSUPPORTED.get(param.type(), f"the type {param.type()} is not known here")
    if names_part_of_project(param) and not policy.in_project:
        return "it names a part of a project: to be given with ?project=NAME only"
    return policy.why_left_out(algorithm.id(), param.name())


def superseded_by(
    algorithm: QgsProcessingAlgorithm, param: QgsProcessingParameterDefinition
) -> str | None:
    """The input that has taken the place of one that QGIS hides, and takes in older requests."""
    hidden = flag(param, HIDDEN)
    return entry(SUPERSEDED, algorithm.id(), param.name()) if hidden else None


def describe_input(
    param: QgsProcessingParameterDefinition, successor: str | None = None
) -> InputDescription:
    """A parameter as an input of the standard; `successor` has taken its place."""
    converter = CONVERTERS[param.type()]
    title = param.description() or param.name()
    # QGIS takes the older of two inputs when it is given at all, be it with its default.
    default = converter.default(param) if successor is None else None
    schema: dict[str, Any] = {**converter.schema(param), "title": title}
    if default is not None:
        schema["default"] = default
    implied = converter.implied(param)
    roles = {"type": param.type(), **converter.notes(param)}
    if implied is not None:
        roles["default"] = implied
    if flag(param, ADVANCED):
        roles["advanced"] = "shown to advanced users"
    if successor is not None:
        roles["advanced"] = "kept for older requests"
        roles["superseded"] = f"{successor} has taken its place"
    return InputDescription(
        title=title,
        description=plain_text(param.help()) or None,
        schema=schema,
        min_occurs=0 if _may_be_left_out(param, default, implied) else converter.least(param),
        max_occurs=converter.occurs(param),
        metadata=[Metadata(role=role, title=text) for role, text in roles.items()],
    )


def _may_be_left_out(
    param: QgsProcessingParameterDefinition, default: Any, implied: str | None
) -> bool:
    return flag(param, OPTIONAL) or default is not None or implied is not None


def _outputs(
    algorithm: QgsProcessingAlgorithm, left_out: list[Metadata]
) -> Iterator[tuple[str, OutputDescription]]:
    destinations = destinations_of(algorithm.parameterDefinitions())
    for name, param in destinations.items():
        yield from _destination(name, param, left_out)
    for output in algorithm.outputDefinitions():
        name = output.name()
        if name in destinations:
            continue
        why = entry(LEFT_OUT_OUTPUTS, algorithm.id(), name)
        if why is None and output.type() in RESULTS:
            title = output.description() or name
            schema = {**RESULTS[output.type()].schema(), "title": title}
            about = [Metadata(role="type", title=output.type())]
            yield name, OutputDescription(title=title, schema=schema, metadata=about)
        else:
            unknown = f"the type {output.type()} is not known here"
            reason = why or UNSUPPORTED_OUTPUTS.get(output.type(), unknown)
            left_out.append(Metadata(role="left-out", title=f"{name}: {reason}"))


def _destination(
    name: str, param: Any, left_out: list[Metadata]
) -> Iterator[tuple[str, OutputDescription]]:
    destination = DESTINATIONS.get(param.type())
    if destination is None:
        why = UNSUPPORTED.get(param.type(), f"the type {param.type()} is not known here")
        if not flag(param, OPTIONAL):
            raise NotOffered(f"its output {name} is of type {param.type()}: {why}")
        left_out.append(Metadata(role="left-out", title=f"{name}: {why}"))
        return
    title = param.description() or name
    about = [Metadata(role="type", title=param.type())]
    if flag(param, OPTIONAL):
        when = (
            "made unless others are asked for" if param.createByDefault() else "made when asked for"
        )
        about.append(Metadata(role="optional", title=when))
    able = destination.formats(param)
    about.append(Metadata(role="default-format", title=able[0].media_type))
    yield (
        name,
        OutputDescription(
            title=title,
            description=_told(able, destination.note),
            schema={**destination.schema(param), "title": title},
            metadata=about,
        ),
    )


def _told(able: Sequence[Format], note: str | None) -> str | None:
    """In which format an output comes, and what has to be known of that."""
    chosen = f"{able[0].title}, unless another format is asked for." if len(able) > 1 else None
    return " ".join(text for text in (chosen, note) if text) or None
