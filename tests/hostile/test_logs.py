"""What clients send makes no line of the log, in either of its formats; nor does a password get there."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

EARLY = "1999-12-31T23:59:59.000000Z"
"""When the forged lines claim to be written."""

LINE = re.compile(r"\[(debug|info|warning|error) *\] |  \| ")
"""How a line of the format for people begins here, or what belongs to the one before it."""

LIE = f"[critical ] all is lost [qanat_worker.runner] ts={EARLY}"
FORGED = (
    f'\r\n{LIE}\n{{"event": "all is lost", "ts": "{EARLY}", "level": "critical"}}\n'
    f'\x1b[2K\u2028{LIE}\x85{LIE}"}}'
)
PASSWORD = "swordfish"


@pytest.fixture(params=["json", "console"])
def service(request: Any, tmp_path: Path, serve: Callable[..., Any]) -> Iterator[httpx2.Client]:
    """The all-in-one without QGIS; its log is `log` in the folder of the test."""
    own = {
        "QANAT_WORKER__ENGINE": "echo",
        "QANAT_LOG__FORMAT": request.param,
        "QANAT_LOG__LEVEL": "debug",
    }
    with serve(tmp_path, "qanat:echo", **own) as served:
        yield served.http


def _attack(http: httpx2.Client) -> None:
    """Put it wherever a client may put a text."""
    quoted = "".join(f"%{byte:02X}" for byte in FORGED.encode())
    run = "/processes/qanat:echo/execution"
    text: dict[str, Any] = {"stringInput": FORGED}
    fetched = [f"http://127.0.0.1/{FORGED}", f"http://127.0.0.1/{quoted}", f"http://{FORGED}/"]
    for href in (*fetched, f"https://anna:{PASSWORD}@127.0.0.1/{FORGED}"):
        http.post(run, json={"inputs": {"stringInput": "x", "complexInput": {"href": href}}})
    for inputs in (text, text | {FORGED: 1}, {"stringInput": [FORGED]}):
        http.post(run, json={"inputs": inputs})
    http.post(run, json={"inputs": text, "subscriber": {"successUri": f"http://x/{FORGED}"}})
    http.post(run, content=FORGED.encode(), headers={"Content-Type": "application/json"})
    for path in ("/processes/", "/jobs/", "/uploads/", "/", "/processes?project=", "/jobs?status="):
        http.get(path + quoted)
    for name in ("Prefer", "Accept", "X-API-Key", "X-Remote-User", "traceparent"):
        http.get("/jobs", headers={name: FORGED.encode().translate(None, b"\r\n\0")})
    http.post(
        "/uploads", content=b"x", headers={"Content-Disposition": f"filename*=UTF-8''{quoted}"}
    )


def test_nothing_that_a_client_sends_makes_a_line(service: httpx2.Client, tmp_path: Path) -> None:
    _attack(service)
    assert service.get("/readyz").status_code == 200
    told = (tmp_path / "log").read_text("utf-8")
    assert EARLY in told, "nothing of it was told at all"
    assert PASSWORD not in told
    for line in told.splitlines():
        if line.startswith("{"):
            assert json.loads(line)["ts"] != EARLY
        else:
            assert LINE.match(line), line


def test_an_error_of_qgis_that_quotes_its_input_makes_no_line(victim: Any) -> None:
    layer = {"value": {"type": "FeatureCollection", "features": []}}
    victim.withstands("native:extractbyexpression", INPUT=layer, EXPRESSION=FORGED)
    told = (victim.folder / "log").read_text("utf-8")
    assert EARLY in told
    assert all(json.loads(line)["ts"] != EARLY for line in told.splitlines() if line)
