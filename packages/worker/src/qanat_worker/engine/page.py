"""The reference page of parameter and output types, made of the tables themselves.

`python -m qanat_worker.engine.page PATH` writes it; a test compares it.
"""

import inspect
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from qanat_worker.engine import application, formats


def parameter_types() -> str:
    """The page as Markdown."""
    # QGIS can be imported only once its folders are searched.
    from qanat_worker.engine import outputs, parameters, policy, results  # noqa: PLC0415
    from qanat_worker.engine.parameters import examples  # noqa: PLC0415

    lines = [
        "# Types of inputs and outputs",
        "",
        "How each type of QGIS Processing's parameters and outputs appears in a process description."
        " Made from the tables of `qanat_worker.engine`; write it anew with",
        "`python -m qanat_worker.engine.page docs/reference/parameter-types.md`.",
        "",
        "## Inputs",
        "",
        "| type | what a client gives | for example |",
        "|---|---|---|",
        *(
            f"| `{name}` | {text} | {_shown(examples.EXAMPLES[name])} |"
            for name, text in _rows(parameters.CONVERTERS)
        ),
        "",
        "A value may also be fetched from an address. One that is left out takes QGIS's default."
        " A bounding box, point or geometry without a CRS is in CRS84. In which CRS a job measures:"
        " [decision 3](../explanation/decisions/0003-in-which-crs-a-job-measures.md).",
        "",
        "### Not supported",
        "",
        "An algorithm that must have such an input is not offered; where it may be absent, it is.",
        "",
        *_table("type", "why not", parameters.UNSUPPORTED.items()),
        "",
        "## Outputs",
        "",
        "Where QGIS asks for a destination, a client asks for an output, and may choose the format by"
        " `outputs.NAME.format.mediaType`. An output that QGIS makes optional and does not make by"
        " default is made only when it is asked for.",
        "",
        *_table("type", "what a client gets", _rows(outputs.DESTINATIONS)),
        "",
        outputs.CRS_RULE,
        "",
        "Outputs without a destination:",
        "",
        *_table("type", "what a client gets", _rows(results.RESULTS)),
        "",
        *_table("left out", "why", results.UNSUPPORTED_OUTPUTS.items()),
        "",
        "## Formats",
        "",
        *_formats(),
        "",
        "## Algorithms that are not offered",
        "",
        *_table("ids", "why", policy.DENIED.items()),
        "",
        "Nor those that have one of these flags of QGIS:",
        "",
        *_table("flag", "why", policy.FLAGS.items()),
        "",
        "`worker.qgis.deprecated` offers those that QGIS hides because another has taken their place;"
        " `allow_hazards` offers what these tables deny; `allow` and `deny` choose among the rest."
        " What a worker refuses, and why, is printed by `qanat-worker check`, and stands in its offer.",
        "",
        "Offered within a [published project](../how-to/projects.md) only: "
        + ", ".join(f"`{ids}`" for ids in policy.IN_PROJECTS)
        + ".",
        "",
        "A step of a model may not be one of these either, nor:",
        "",
        *_table("ids", "why", policy.DENIED_WITHIN.items()),
        "",
        "Inputs that are left at their default, unless `worker.qgis.open_parameters` opens them:",
        "",
        *_table(
            "input",
            "why",
            ((f"{ids} {name}", why) for (ids, name), why in policy.LEFT_OUT.items()),
        ),
        "",
        "Inputs that QGIS hides, and that are taken in older requests:",
        "",
        *_table(
            "input",
            "what has taken its place",
            ((f"{ids} {name}", f"`{new}`") for (ids, name), new in policy.SUPERSEDED.items()),
        ),
    ]
    return "\n".join(lines) + "\n"


def _shown(values: Iterable[str]) -> str:
    """Values as they stand in a request, of which a table must not see its own sign."""
    return ", ".join(f"`{value}`" for value in values).replace("|", "\\|")


def _rows(table: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    """Name → what its class says of itself."""
    for name, entry in table.items():
        words = inspect.getdoc(type(entry)) or ""
        yield name, " ".join(words.partition("\n\n")[0].split())


def _formats() -> list[str]:
    uses = {
        "vector in": formats.VECTOR_INPUTS,
        "vector out": formats.VECTOR_OUTPUTS,
        "raster in": formats.RASTER_INPUTS,
        "raster out": formats.RASTER_OUTPUTS,
        "mesh in": formats.MESH_INPUTS,
    }
    found = dict.fromkeys(form for each in uses.values() for form in each)
    lines = ["| format | media type | within JSON | used for |", "|---|---|---|---|"]
    for form in found:
        where = ", ".join(name for name, members in uses.items() if form in members)
        how = form.schema()
        within = "base64" if how.get("contentEncoding") else str(how["type"])
        lines.append(f"| {form.title} | `{form.media_type}` | {within} | {where} |")
    return lines


def _table(first: str, second: str, rows: Iterable[tuple[str, str]]) -> list[str]:
    body = [f"| `{name}` | {text} |" for name, text in rows]
    return [f"| {first} | {second} |", "|---|---|", *body]


if __name__ == "__main__":
    application.is_installed()
    Path(sys.argv[1]).write_text(parameter_types(), "utf-8")
