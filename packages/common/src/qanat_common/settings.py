"""Settings in layers: defaults < TOML file < environment < command line; each value knows its layer.

All services read files of one shape: the shared keys on top, a table for each service. So one file
may serve a whole deployment, or the all-in-one: a service passes over the tables of the others.
"""

import difflib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import tomlkit
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.networks import AnyUrl

TABLES = ("api", "registry", "worker", "server")
"""The tables of the services, in the order of the path of a job."""

PREFIX = "QANAT_"
NESTING = "__"
DEFAULT, FILE, ENVIRONMENT, COMMAND_LINE = "default", "file", "environment", "command line"

Key = tuple[str, ...]


class SettingsError(Exception):
    """A setting is unknown or wrong; the text says which, where it came from, what would be right."""


class Section(BaseModel):
    """A table of settings: immutable, and a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LogSettings(Section):
    """How the service tells what it does."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least important lines that are written."
    )
    format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="json: a JSON object a line; console: for people; auto: console on a terminal.",
    )


class TraceSettings(Section):
    """Whether traces are sent, and where to."""

    endpoint: str = Field(
        default="",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="Where traces are sent by OTLP over HTTP, such as http://collector:4318/v1/traces."
        " Empty: nowhere. Needs the extra `traces` of qanat-common.",
    )


class SharedSettings(Section):
    """What every service needs to know; subclasses add the table of their service."""

    broker_url: str = Field(
        default="redis://127.0.0.1:6379/0",
        description="Where jobs and announcements travel: amqp://… (RabbitMQ), redis://…, rediss://…"
        " or redis+socket:///path.",
    )
    store_url: str = Field(
        default="redis://127.0.0.1:6379/1",
        description="Where job records and offers lie (Redis or Valkey): redis://…, rediss://… or"
        " unix:///path?db=1.",
    )
    storage_url: str = Field(
        default="file:///var/lib/qanat/storage",
        description="Where files of jobs lie, seen by api and workers: file:///folder or s3://bucket.",
    )
    job_secret: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="What the api signs jobs with, and workers ask to see before they run one: the same"
        " for both, at least 16 characters. Not set: jobs are not signed, and workers do not ask.",
    )
    log: LogSettings = Field(default_factory=LogSettings)
    traces: TraceSettings = Field(default_factory=TraceSettings)


T = TypeVar("T", bound=SharedSettings)


@dataclass(frozen=True)
class Loaded(Generic[T]):
    """Settings, and from which layer each key that is not a default came."""

    settings: T
    sources: Mapping[Key, str]


def load(
    model: type[T],
    path: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Loaded[T]:
    """Read the layers of a service's settings.

    `overrides` is the command line, nested as the settings are. `QANAT_X_FILE=/run/secrets/x` gives
    QANAT_X the content of that file. Raises SettingsError.
    """
    layers = {
        FILE: _read_file(path) if path else {},
        ENVIRONMENT: _read_environment(model, environ),
        COMMAND_LINE: dict(overrides or {}),
    }
    merged: dict[str, Any] = {}
    sources: dict[Key, str] = {}
    for source, layer in layers.items():
        own = {name: value for name, value in layer.items() if not _of_others(model, name)}
        _check(model, own, (), source)
        for key, value in _leaves(own):
            _put(merged, key, value)
            sources[key] = source
    try:
        return Loaded(model.model_validate(merged), sources)
    except ValidationError as error:
        raise SettingsError(_wrong_value(error, sources)) from None


def dump(loaded: Loaded[T]) -> str:
    """The settings in force as TOML: each with its meaning and its layer, secrets as ***."""
    document = tomlkit.document()
    document.add(tomlkit.comment("Order: defaults < file < environment < command line."))
    _dump(document, loaded.settings, (), loaded.sources)
    return tomlkit.dumps(document)


def masked(value: Any) -> Any:
    """A value as it may be shown: without the secret or the password in it."""
    if isinstance(value, SecretStr):
        return "***"
    if isinstance(value, str) and "://" in value and "@" in value:
        scheme, _, rest = value.partition("://")
        user, _, host = rest.rpartition("@")
        return f"{scheme}://{user.partition(':')[0]}:***@{host}" if ":" in user else value
    return value


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not TOML: {error}") from None


def _read_environment(model: type[BaseModel], environ: Mapping[str, str]) -> dict[str, Any]:
    layer: dict[str, Any] = {}
    for name, text in sorted(environ.items()):
        if not name.startswith(PREFIX):
            continue
        key = tuple(name[len(PREFIX) :].lower().split(NESTING))
        value: Any = text
        if key[-1].endswith("_file") and not _known(model, key):
            key = (*key[:-1], key[-1].removesuffix("_file"))
            try:
                value = Path(text).read_text("utf-8").strip()
            except OSError as error:
                raise SettingsError(f"{name}: {text} cannot be read: {error.strerror}") from None
        if key != ("config",):
            _put(layer, key, _structured(name, value))
    return layer


def _structured(name: str, text: str) -> Any:
    """Lists and tables are given as JSON; everything else is text that the model converts."""
    if text[:1] not in ("[", "{"):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingsError(f"{name}: not JSON: {error}") from None


def _of_others(model: type[BaseModel], name: str) -> bool:
    return name in TABLES and name not in model.model_fields


def _submodel(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    annotation = model.model_fields[name].annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None


def _known(model: type[BaseModel], key: Key) -> bool:
    if key[0] not in model.model_fields:
        return False
    inner = _submodel(model, key[0])
    return len(key) == 1 or inner is None or _known(inner, key[1:])


def _check(model: type[BaseModel], layer: Mapping[str, Any], above: Key, source: str) -> None:
    for name, value in layer.items():
        key = (*above, name)
        if name not in model.model_fields:
            raise SettingsError(_unknown(model, key, source))
        inner = _submodel(model, name)
        if inner is not None and isinstance(value, dict):
            _check(inner, value, key, source)


def _unknown(model: type[BaseModel], key: Key, source: str) -> str:
    near = difflib.get_close_matches(key[-1], model.model_fields, n=1, cutoff=0.5)
    right = ".".join((*key[:-1], near[0])) if near else None
    known = ", ".join(model.model_fields)
    return f"unknown setting {_name(key, source)}: " + (
        f"did you mean {_name(tuple(right.split('.')), source)}?" if right else f"known are {known}"
    )


def _name(key: Key, source: str) -> str:
    """A key as the person wrote it."""
    if source == ENVIRONMENT:
        return PREFIX + NESTING.join(key).upper()
    return ".".join(key)


def _wrong_value(error: ValidationError, sources: Mapping[Key, str]) -> str:
    lines = []
    for problem in error.errors(include_url=False):
        key = tuple(str(part) for part in problem["loc"])
        source = next((sources[key[:n]] for n in range(len(key), 0, -1) if key[:n] in sources), "")
        told = f"{_name(key, source)} = {masked(problem['input'])!r}: {problem['msg']}"
        lines.append(f"{told} (from: {source or DEFAULT})")
    return "; ".join(lines)


def _leaves(layer: Mapping[str, Any], above: Key = ()) -> list[tuple[Key, Any]]:
    found: list[tuple[Key, Any]] = []
    for name, value in layer.items():
        inner = _leaves(value, (*above, name)) if isinstance(value, dict) and value else None
        found.extend(inner if inner is not None else [((*above, name), value)])
    return found


def _put(layer: dict[str, Any], key: Key, value: Any) -> None:
    for name in key[:-1]:
        layer = layer.setdefault(name, {})
        if not isinstance(layer, dict):
            raise SettingsError(f"{'.'.join(key)}: {name} is a value, not a table")
    layer[key[-1]] = value


def _dump(table: Any, settings: BaseModel, above: Key, sources: Mapping[Key, str]) -> None:
    tables = []
    for name, about in type(settings).model_fields.items():
        value, key = getattr(settings, name), (*above, name)
        if isinstance(value, Section):
            tables.append((name, value, key))
            continue
        if about.description:
            table.add(tomlkit.comment(about.description))
        source = next((s for k, s in sources.items() if k[: len(key)] == key), DEFAULT)
        if value is None:
            table.add(tomlkit.comment(f"{name} =  # {source}: not set"))
        else:
            item = tomlkit.item(_plain(value))
            item.comment(source)
            table.add(name, item)
    for name, value, key in tables:
        inner = tomlkit.table()
        _dump(inner, value, key, sources)
        table.add(name, inner)


def _plain(value: Any) -> Any:
    """A value as TOML can write it."""
    if isinstance(value, Section):
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        return {name: _plain(item) for name, item in fields.items() if item is not None}
    if isinstance(value, (Path, AnyUrl, IPv4Network, IPv6Network)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return masked(value)
