"""The command `qanat-registry workers`: who is there, asked from a running registry."""

import http.client
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import typer

from qanat_registry.settings import Settings

SECONDS = 10
"""How long the registry may take to answer."""

WATCH_SECONDS = 2.0
CLEAR = "\x1b[H\x1b[2J"

COLUMNS: Sequence[tuple[str, Callable[[dict[str, Any]], str]]] = (
    ("SERVICE", lambda one: one["service"]),
    ("WORKER", lambda one: one["boot"][:8]),
    ("HOST", lambda one: one["node"].rpartition("@")[2]),
    ("STATE", lambda one: one["state"]),
    ("QGIS", lambda one: one["versions"].get("qgis", "none")),
    ("VERSION", lambda one: one["versions"].get("qanat-worker", "none")),
    ("PROTOCOL", lambda one: str(one["protocol"])),
    ("PROCESSES", lambda one: str(one["processes"])),
    ("SLOTS", lambda one: str(one["slots"])),
    ("OFFER", lambda one: one["digest"][:8]),
    ("SANDBOX", lambda one: one["sandbox"] or "unknown"),
    ("LABELS", lambda one: ",".join(f"{name}={value}" for name, value in one["labels"].items())),
)
"""Heading → what stands below it."""


def show(settings: Settings, *, as_json: bool, watch: bool) -> None:
    """Print the workers that the registry at these settings knows, once or again and again."""
    own = settings.registry
    while True:
        found = _asked(own.host, own.port)
        text = json.dumps(found, indent=1, ensure_ascii=False) if as_json else table(found)
        typer.echo((CLEAR if watch and not as_json else "") + text)
        if not watch:
            return
        time.sleep(WATCH_SECONDS)


def table(workers: Sequence[dict[str, Any]]) -> str:
    """The workers as lines, a column for each fact."""
    rows = [[heading for heading, _ in COLUMNS]]
    rows += [[read(one) for _, read in COLUMNS] for one in workers]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(lines)


def _asked(host: str, port: int) -> list[dict[str, Any]]:
    client = http.client.HTTPConnection(host, port, timeout=SECONDS)
    try:
        client.request("GET", "/workers")
        found: list[dict[str, Any]] = json.loads(client.getresponse().read())["workers"]
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        typer.echo(
            f"qanat-registry: no registry answers at {host}:{port} (settings registry.host,"
            f" registry.port): {error}",
            err=True,
        )
        raise typer.Exit(1) from None
    finally:
        client.close()
    return found
