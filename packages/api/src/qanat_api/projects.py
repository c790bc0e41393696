"""A process as it is within a published project: its layers, fields and layouts as choices; pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qanat_api.schemas import PROJECT_LAYER, escape
from qanat_common.errors import Fault, InvalidInput
from qanat_common.ogc import InputDescription, JsonSchema, Process
from qanat_common.protocol import Inline, Inputs, Named, Project, ProjectLayer

Roles = Mapping[str, str]

FIELD_KINDS: Mapping[str, frozenset[str]] = {
    "number": frozenset({"integer", "bigint", "real"}),
    "text": frozenset({"text"}),
    "date or time": frozenset({"date", "time", "datetime"}),
    "binary": frozenset({"binary"}),
    "boolean": frozenset({"boolean"}),
}
"""What a field must hold → types of fields that do."""


def fits(process: Process, project: Project) -> bool:
    """Whether a project has what a process cannot run without."""
    return all(
        choices is None or len(choices) > 0 or about.min_occurs == 0
        for about in process.inputs.values()
        for choices in [_names(roles(about), project)]
    )


def within(process: Process, project: Project) -> Process:
    """The process with what the project has as choices; what it has nothing for is left out."""
    made = {
        name: _input(about, process, project)
        for name, about in process.inputs.items()
        if _names(roles(about), project) != []
    }
    return process.model_copy(update={"inputs": made})


def roles(about: InputDescription) -> Roles:
    """Role → text, of the notes on an input."""
    return {note.role: note.title for note in about.metadata or () if note.role and note.title}


def _input(about: InputDescription, process: Process, project: Project) -> InputDescription:
    own = roles(about)
    names, layers = _names(own, project), fitting(own, project)
    schema: JsonSchema = about.schema_
    if names is not None:
        schema = {**schema, "enum": names}
    elif layers:
        schema = _with_layers(schema, layers, project)
    elif own.get("type") == "field" and own.get("parent") in process.inputs:
        parent = roles(process.inputs[own["parent"]])
        schema = _with_fields(schema, fitting(parent, project), own)
    elif "default" in own and project.crs:
        schema = {**schema, "default": project.crs}
    return about if schema is about.schema_ else about.model_copy(update={"schema_": schema})


def _names(own: Roles, project: Project) -> list[str] | None:
    """The choices of an input that names a part of a project; None where it names none."""
    match own.get("type"):
        case "layout":
            atlas = "layouts" in own
            return [each.name for each in project.layouts if each.atlas or not atlas]
        case "layoutitem":
            return list(dict.fromkeys(name for each in project.layouts for name in each.items))
        case "maptheme":
            return list(project.themes)
    return None


def fitting(own: Roles, project: Project) -> list[ProjectLayer]:
    """The layers of a project that an input takes, by its notes."""
    kinds = own.get("layers", "").split(", ")
    geometry = own.get("geometry")
    return [
        layer for layer in project.layers if layer.kind in kinds and _of_geometry(layer, geometry)
    ]


def _of_geometry(layer: ProjectLayer, wanted: str | None) -> bool:
    if wanted is None or layer.kind != "vector" or layer.geometry in (None, "unknown"):
        return True
    named = wanted.split(", ")
    return layer.geometry in named or (layer.geometry != "none" and "any geometry" in named)


def _with_layers(
    schema: JsonSchema, layers: Sequence[ProjectLayer], project: Project
) -> JsonSchema:
    """Beside the ways to give a layer by value."""
    by_name = {
        "type": "string",
        "format": PROJECT_LAYER,
        "enum": [layer.name for layer in layers],
        "title": f"Layer of the project {project.title or project.name}",
    }
    if "oneOf" in schema:
        return {**schema, "oneOf": [*schema["oneOf"], by_name]}
    kept: JsonSchema = {name: schema[name] for name in ("title", "default") if name in schema}
    return {**kept, "oneOf": [schema, by_name]}


def _with_fields(schema: JsonSchema, layers: Sequence[ProjectLayer], own: Roles) -> JsonSchema:
    """Those of each layer; a layer by value may have any other."""
    wanted = FIELD_KINDS.get(own.get("field-type", ""))
    several: list[dict[str, Any]] = []
    for layer in layers:
        names = [each.name for each in layer.fields if wanted is None or each.type in wanted]
        if names:
            several.append({"enum": names, "title": f"Fields of {layer.name}"})
    if not several:
        return schema
    choices = [*several, {"title": "A field of another layer"}]
    if schema.get("type") == "array":
        return {**schema, "items": {**schema["items"], "anyOf": choices}}
    return {**schema, "anyOf": choices}


def check_parts(inputs: Inputs, process: Process, project: Project) -> None:
    """Raise InvalidInput for fields and bands that the layers of the project do not have."""
    wrong = list(_wrong_parts(inputs, process, project))
    if wrong:
        raise InvalidInput("; ".join(f"{each.pointer}: {each.message}" for each in wrong), *wrong)


def _wrong_parts(inputs: Inputs, process: Process, project: Project) -> Iterator[Fault]:
    layers = {layer.name: layer for layer in project.layers}
    for name, about in process.inputs.items():
        own = roles(about)
        parent, given = inputs.get(own.get("parent", "")), inputs.get(name)
        parent = parent[0] if isinstance(parent, list) and parent else parent
        if not isinstance(parent, Named) or not isinstance(given, Inline):
            continue
        values = given.value if isinstance(given.value, list) else [given.value]
        for at, value in enumerate(values):
            wrong = _wrong_part(own["type"], value, layers[parent.name])
            if wrong:
                where = f"/{at}" if isinstance(given.value, list) else ""
                yield Fault(f"/inputs/{escape(name)}{where}", wrong)


def _wrong_part(kind: str, value: Any, layer: ProjectLayer) -> str | None:
    names = [field.name for field in layer.fields]
    if kind == "field" and value not in names:
        return f"{layer.name} has no field {value!r}; it has: {', '.join(names) or 'none'}"
    if kind == "band" and layer.bands is not None and value > layer.bands:
        return f"{layer.name} has no band {value}; it has {layer.bands}"
    return None
