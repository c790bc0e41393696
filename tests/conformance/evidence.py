"""Which tests prove which requirements, read from their marks; and the page that tells it."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

HERE = Path(__file__).parent


class Class(Protocol):
    """A conformance class, as `requirements` has it."""

    name: str
    declared: bool
    requirements: dict[str, str]
    recommendations: dict[str, str]
    condition: str | None
    version: str
    about: str
    of: str

    @property
    def uri(self) -> str:
        """Its identifier."""


def proofs() -> dict[str, list[str]]:
    """Requirement id → tests of this folder that name it, as file::function."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(HERE.rglob("test_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
                for id_ in _named(function, "proves"):
                    found[id_].append(f"{path.relative_to(HERE)}::{function.name}")
    return found


def mirrored() -> list[str]:
    """Names of the official suite's tests that tests of this folder mirror."""
    trees = [ast.parse(path.read_text("utf-8")) for path in sorted(HERE.rglob("test_*.py"))]
    return [
        name
        for tree in trees
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for name in _named(function, "cite")
    ]


def _named(function: ast.FunctionDef, marker: str) -> Iterator[str]:
    """The texts given to a marker of a test, in its own decorators or in those of its cases."""
    for decorator in function.decorator_list:
        for call in ast.walk(decorator):
            if isinstance(call, ast.Call) and _last(call.func) == marker:
                texts = (arg.value for arg in call.args if isinstance(arg, ast.Constant))
                yield from (text for text in texts if isinstance(text, str))


def _last(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def page(classes: Sequence[Class]) -> str:
    """The page docs/reference/conformance.md."""
    proved = proofs()
    lines = [
        "# Conformance",
        "",
        "What this server declares of OGC API - Processes, Part 1, 1.0 (OGC 18-062r2), and of OGC API -",
        "Common, Part 1 (19-072), and the tests that prove it: each runs against a real service over HTTP. A class is declared only when every",
        "requirement of it has a test; a test compares. Paths are below `tests/conformance`. Each of the",
        f"{len(mirrored())} tests of the official suite is mirrored in its folder `cite`, with the same requests",
        "and assertions; they run with `api.keep_sync_jobs = false`, because one of them, testJobResultsSync,",
        "cannot read the Link header to the job in the form that RFC 8288 gives it.",
    ]
    for known in classes:
        lines += _section(known, proved)
    return "\n".join(lines) + "\n"


def _section(known: Class, proved: Mapping[str, list[str]]) -> Iterator[str]:
    yield from ("", f"## {known.name}{known.of}", "")
    condition = (
        f"declared when {known.condition}" if known.condition else f"not declared. {known.about}"
    )
    yield f"`{known.uri}`: {'declared' if known.declared else condition.rstrip('.')}."
    tables = {"requirement": known.requirements, "recommendation": known.recommendations}
    for title, asked in tables.items():
        if asked:
            yield from ("", f"| {title} | asks | proved by |", "|---|---|---|")
            yield from (
                f"| `{id_}` | {text} | {_told(proved.get(id_, []))} |"
                for id_, text in asked.items()
            )


def _told(tests: list[str]) -> str:
    return "<br>".join(f"`{test}`" for test in tests) or "–"


def clients_page() -> str:
    """The page docs/reference/clients.md."""
    lines = [
        "# Clients",
        "",
        "Clients that are tested against a real service at every change: released ones as they are, others by",
        "the requests that they send. What each relies on is in the tests, below `tests/conformance/clients`.",
        "",
        "| client | version | tests | GeoJSON qualified | GeoJSON bare |",
        "|---|---|---|---|---|",
    ]
    parts = []
    for path in sorted((HERE / "clients").glob("test_*.py")):
        name, title = CLIENTS[path.stem.removeprefix("test_")]
        tree = ast.parse(path.read_text("utf-8"))
        version = _locked(name) if name else "of Debian" if "GDAL" in title else "replayed"
        styles = "yes | yes" if _in_both_styles(tree) else "– | –"
        sentences = list(_sentences(tree))
        lines.append(f"| {title} | {version} | {len(sentences)} | {styles} |")
        said = (ast.get_docstring(tree) or "").partition("\n\n")
        parts += ["", f"## {title}", "", " ".join((said[2] or said[0]).split()), ""]
        parts += [f"- {sentence}" for sentence in sentences]
    return "\n".join([*lines, *parts]) + "\n"


CLIENTS: Mapping[str, tuple[str | None, str]] = {
    "cuiman": ("cuiman", "cuiman"),
    "eoepca": ("ogc-api-processes-client", "ogc-api-processes-client (EOEPCA)"),
    "gdal": (None, "QGIS and GDAL"),
    "owslib": ("owslib", "OWSLib"),
    "schemathesis": ("schemathesis", "schemathesis"),
    "wire": (None, "weaver, Galaxy and others, by their requests"),
}
"""What a file of tests is called → name on the package index, title."""


def _locked(name: str) -> str:
    """The version of a package that is tested."""
    lock = (HERE.parents[1] / "requirements.lock").read_text("utf-8")
    found = re.search(rf"^{name}==(\S+)", lock, re.MULTILINE)
    assert found is not None
    return found[1]


def _in_both_styles(tree: ast.Module) -> bool:
    """Whether a test takes a layer, which the fixture gives in both styles."""
    functions = (each for each in tree.body if isinstance(each, ast.FunctionDef))
    tests = (each for each in functions if each.name.startswith("test_"))
    return any(arg.arg == "layer" for each in tests for arg in each.args.args)


def _sentences(tree: ast.Module) -> Iterator[str]:
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
            yield function.name.removeprefix("test_").replace("_", " ")
