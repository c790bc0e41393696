"""What a model is made of: whether all its steps may run here, and what its texts become in them."""

import re
from collections.abc import Collection, Iterator
from typing import Any

from qgis.core import (
    Qgis,
    QgsProcessingAlgorithm,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildParameterSource,
)

from qanat_worker.engine import expressions
from qanat_worker.engine.expressions import Check
from qanat_worker.engine.flags import flags_of
from qanat_worker.engine.parameters import CONVERTERS
from qanat_worker.engine.policy import Policy

SOURCES: Any = getattr(
    Qgis, "ProcessingModelChildParameterSource", QgsProcessingModelChildParameterSource
)
"""The kinds of sources: QGIS has moved them."""

Wire = tuple[QgsProcessingAlgorithm, Any, Any]
"""A step's algorithm, one of its parameters, and a source of that parameter's value."""

TEXTS = frozenset({"string", "expression", "execute_sql", "raster_calc_expression", "matrix"})
"""Types of inputs by which a client gives a text of its own wording."""

TEXT_OUTPUTS = frozenset({"outputString", "outputFile", "outputVariant"})
"""Types of outputs of a step in which a text may go on."""

SEVERAL_EXPRESSIONS = frozenset({"fields_mapping", "aggregates"})


def why_not(algorithm: QgsProcessingAlgorithm, policy: Policy) -> str | None:
    """Why a model is not offered, by its steps; None when it may be, or is no model."""
    if not isinstance(algorithm, QgsProcessingModelAlgorithm):
        return None
    return _why_not(algorithm, policy, (algorithm.id(),))


def _why_not(
    model: QgsProcessingModelAlgorithm, policy: Policy, above: tuple[str, ...]
) -> str | None:
    for child in model.childAlgorithms().values():
        why = _why_not_step(child, policy, above)
        if why:
            return f"it uses {child.algorithmId()}, and {why}"
    return next(_misled(model, policy), None)


def _why_not_step(child: Any, policy: Policy, above: tuple[str, ...]) -> str | None:
    algorithm = child.algorithm()
    if algorithm is None:
        return "that is not there"
    if algorithm.id() in above:
        return "so uses itself"
    own = policy.why_not_within(algorithm.id(), flags_of(algorithm))
    if own or not isinstance(algorithm, QgsProcessingModelAlgorithm):
        return own
    return _why_not(algorithm, policy, (*above, algorithm.id()))


def _misled(model: QgsProcessingModelAlgorithm, policy: Policy) -> Iterator[str]:
    """Texts of clients that would become data sources, places or free arguments of a step."""
    for algorithm, param, source in _wires(model):
        danger = _danger(algorithm, param, policy)
        for name in sorted(_texts_in(model, source)) if danger else ():
            yield f"its input {name} is a text that becomes {danger}: {param.name()} of {algorithm.id()}"


def _danger(algorithm: QgsProcessingAlgorithm, param: Any, policy: Policy) -> str | None:
    """What a text that comes to a parameter would be, where no text of a client may."""
    converter = CONVERTERS.get(param.type())
    if param.isDestination():
        return "the place of a result"
    if converter is not None and converter.files:
        return "a data source"
    if converter is None:
        return "what no client may give"
    return policy.why_left_out(algorithm.id(), param.name())


def _wires(model: QgsProcessingModelAlgorithm) -> Iterator[Wire]:
    for child in model.childAlgorithms().values():
        algorithm = child.algorithm()
        for name, sources in child.parameterSources().items():
            param = algorithm.parameterDefinition(name) if algorithm else None
            if algorithm is not None and param is not None:
                yield from ((algorithm, param, source) for source in sources)


def _texts_in(
    model: QgsProcessingModelAlgorithm,
    source: Any,
    kinds: Collection[str] = TEXTS,
    above: frozenset[str] = frozenset(),
) -> set[str]:
    """The model's inputs whose texts a source has in it, of some types of inputs."""
    texts = {each.name() for each in model.parameterDefinitions() if each.type() in kinds}
    kind = source.source()
    if kind == SOURCES.ModelParameter:
        return texts & {source.parameterName()}
    if kind == SOURCES.ChildOutput:
        return _texts_behind(model, source, kinds, above)
    written = {SOURCES.Expression: "expression", SOURCES.ExpressionText: "expressionText"}.get(kind)
    words = set(re.findall(r"\w+", getattr(source, written)())) if written else set()
    return texts & words


def _texts_behind(
    model: QgsProcessingModelAlgorithm,
    source: Any,
    kinds: Collection[str],
    above: frozenset[str],
) -> set[str]:
    """What a text that a step makes may have of the texts that came to it."""
    step = source.outputChildId()
    child = model.childAlgorithms().get(step)
    algorithm = child.algorithm() if child else None
    output = algorithm.outputDefinition(source.outputName()) if algorithm else None
    if step in above or child is None or output is None or output.type() not in TEXT_OUTPUTS:
        return set()
    found: set[str] = set()
    for sources in child.parameterSources().values():
        for each in sources:
            found |= _texts_in(model, each, kinds, above | {step})
    return found


def checks_of(algorithm: QgsProcessingAlgorithm, name: str) -> list[Check]:
    """The checks of a text that is given for a parameter, those of a model's steps among them."""
    param = algorithm.parameterDefinition(name)
    if param is None:
        return []
    own = expressions.check_of(algorithm.id(), name, param.type())
    found = [own] if own else []
    if isinstance(algorithm, QgsProcessingModelAlgorithm) and param.type() in {*TEXTS, "field"}:
        found += _checks_within(algorithm, name)
    return found


def _checks_within(model: QgsProcessingModelAlgorithm, name: str) -> Iterator[Check]:
    for algorithm, param, source in _wires(model):
        if name not in _texts_in(model, source, kinds={*TEXTS, "field"}):
            continue
        checks = [*checks_of(algorithm, param.name()), *_evaluated(param.type())]
        if source.source() == SOURCES.ModelParameter:
            yield from checks
        elif checks:
            yield expressions.wrong_part


def _evaluated(kind: str) -> list[Check]:
    """The check of a type that is evaluated, where a model gives it a plain text."""
    if kind in SEVERAL_EXPRESSIONS:
        return [expressions.wrong_expression]
    check = expressions.EVALUATED.get(kind)
    return [check] if check else []
