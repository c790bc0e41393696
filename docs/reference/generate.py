"""Writes the pages of this folder that come from the code: `./dev docs`. A test compares them."""

import json
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from qanat.settings import Settings
from qanat_api import openapi
from qanat_api.settings import ApiSettings
from qanat_common import protocol
from qanat_common.errors import all_errors
from qanat_common.settings import NESTING, PREFIX, Section

HERE = Path(__file__).parent
CONFORMANCE = HERE.parents[1] / "tests" / "conformance"
SUITE = HERE.parents[1] / "tests" / "e2e" / "qgis_suite"
PARTS = ("Message",)


def settings_page() -> str:
    """Every setting of every service."""
    lines = [
        "# Settings",
        "",
        "Order: defaults < TOML file (`-c PATH`) < environment < command line (`-d`). One file may serve",
        "all services: a service reads the shared keys and its own table, and passes over the others.",
        "An unknown key is an error that names the nearest one. `NAME_FILE` in the environment reads a",
        "value from a file (a secret). `--dump-config` prints what is in force, and where it came from.",
    ]
    for title, model, above in _sections(Settings, ()):
        lines += [
            "",
            f"## {title}",
            "",
            "| key | environment | default | meaning |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| `{name}` | `{PREFIX}{NESTING.join((*above, name)).upper()}` | {_default(about)} |"
            f" {about.description or ''} |"
            for name, about in model.model_fields.items()
            if not _is_section(about.annotation)
        ]
    return "\n".join(lines) + "\n"


def errors_page() -> str:
    """Every failure that a client may see."""
    lines = [
        "# Errors",
        "",
        "Every error is a problem document (RFC 9457): `type`, `title`, `status`, `detail`, and `errors`, a",
        "list of `{pointer, message}` that names each member at fault by its JSON pointer. The media type is",
        "`application/problem+json`, or `application/json` for clients whose `Accept` takes only that or likes",
        "it better. A failed job has its code at the end of the `type` of the document at",
        "`/jobs/{id}/results`.",
        "",
        "| code | HTTP | type | title | when |",
        "|---|---|---|---|---|",
    ]
    for code, error in sorted(all_errors().items()):
        when = (error.__doc__ or "").splitlines()[0]
        lines.append(f"| `{code}` | {error.status} | `{error.type}` | {error.title} | {when} |")
    return "\n".join(lines) + "\n"


def api_definition() -> str:
    """The OpenAPI 3.0 document, as an api with the default settings serves it."""
    own = ApiSettings()
    found = openapi.document(own.title, own.description, f"http://{own.host}:{own.port}")
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def messages() -> dict[str, str]:
    """The JSON Schema of every message between services."""
    found = {}
    for name, model in vars(protocol).items():
        if isinstance(model, type) and issubclass(model, protocol.Message) and name not in PARTS:
            schema = model.model_json_schema(by_alias=True)
            found[f"messages/{name}.json"] = json.dumps(schema, indent=1, sort_keys=True) + "\n"
    return found


def conformance_page() -> str:
    """What is declared of the standard, and the tests that prove it."""
    classes = _of_tests("requirements").CLASSES
    page: str = _of_tests("evidence").page(classes)
    return page


def clients_page() -> str:
    """Which clients are tested."""
    page: str = _of_tests("evidence").clients_page()
    return page


def compatibility_page() -> str:
    """What goes with what."""
    root = HERE.parents[1]
    page: str = _module("release", root / "release.py").page(root)
    return page


def suite_page() -> str:
    """QGIS's own tests through the service."""
    modules = [
        _module(f"suite_{name}", SUITE / f"{name}.py") for name in ("page", "figures", "known")
    ]
    page: str = modules[0].page(*modules[1:])
    return page


def _of_tests(name: str) -> ModuleType:
    """A module that stands beside the tests of conformance."""
    return _module(f"conformance_{name}", CONFORMANCE / f"{name}.py")


def _module(name: str, path: Path) -> ModuleType:
    """A module that is in no package."""
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def pages() -> dict[str, str]:
    """Path below this folder → text, of all that is generated here."""
    return {
        "settings.md": settings_page(),
        "errors.md": errors_page(),
        "openapi.json": api_definition(),
        "conformance.md": conformance_page(),
        "clients.md": clients_page(),
        "qgis-suite.md": suite_page(),
        "compatibility.md": compatibility_page(),
        **messages(),
    }


def _sections(
    model: type[BaseModel], above: tuple[str, ...]
) -> Iterator[tuple[str, type[BaseModel], tuple[str, ...]]]:
    yield (f"[{'.'.join(above)}]" if above else "Shared by all services", model, above)
    for name, about in model.model_fields.items():
        if isinstance(about.annotation, type) and issubclass(about.annotation, Section):
            yield from _sections(about.annotation, (*above, name))


def _is_section(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)


def _default(about: FieldInfo) -> str:
    default = about.get_default(call_default_factory=True, validated_data={})
    home = str(Path.home())
    text = json.dumps(default, default=str).replace(home, "~")
    return "not set" if default is None else f"`{text}`"


if __name__ == "__main__":
    for path, text in pages().items():
        (HERE / path).parent.mkdir(exist_ok=True)
        (HERE / path).write_text(text, "utf-8")
