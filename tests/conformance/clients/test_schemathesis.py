"""schemathesis, in its released version: all of its checks, stateful too, over our API definition.

A minute of it runs at every change, from a fixed seed; more by QANAT_FUZZ_SECONDS.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SEED = 20261124
SECONDS = os.environ.get("QANAT_FUZZ_SECONDS")
EXAMPLES = 10
PHASES = ("Coverage", "Fuzzing", "Stateful")
FUZZED = ["echo", "test:look", "test:make", "test:async", "test:sync"]
OUTPUTS = ["text", "layer", "blob", "x"]

ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "410", "429", "5xx"]
"""Answers to a request that its schema allows: those of schemathesis itself, and a job that is gone."""


@pytest.fixture
def jobs(service: Any) -> Iterator[list[str]]:
    """Ids of jobs: some with results, one that runs."""
    made = [service.submit("test:make", {"response": style}) for style in ("raw", "document") * 4]
    for job in made:
        service.ended(job)
    made.append(service.submit("test:nap", {"inputs": {"seconds": 60}}))
    yield [job.rpartition("/")[2] for job in made]
    service.request("DELETE", made[-1])


@pytest.fixture
def uploads(service: Any) -> list[str]:
    """Ids of uploads."""
    return [
        service.client.post(f"{service.url}/uploads", content=b"a file").json()["id"]
        for _ in range(8)
    ]


def configuration(**known: list[str]) -> dict[str, Any]:
    """The configuration of a run, as schemathesis reads it: `known` are values of parts of paths."""
    return {
        "seed": SEED,
        "dictionaries": {name: {"values": values} for name, values in known.items()},
        "parameters": {f"path.{name}": {"dictionary": name, "probability": 0.9} for name in known},
        "checks": _accepting(),
        "operations": [
            # The definition cannot say what the inputs of any process are: each has a path below.
            {"include-operation-id": "execute", "checks": _accepting("400")},
            # What else they take is the business of other tests: clients are met halfway.
            {"include-operation-id-regex": "^execute-", "generation": {"mode": "positive"}},
            # Nor that a file is not empty.
            {"include-operation-id": "upload", "checks": _accepting("400")},
            # Nor which outputs a job's process has, and how long a file is of which a range is asked for.
            {"include-operation-id": ["results", "resultsHead"], "checks": _accepting("400")},
            {"include-operation-id": ["output", "outputHead"], "checks": _accepting("400", "416")},
            # A job that is dismissed while it runs stays, to be looked at: only a second DELETE removes it.
            {"include-path-regex": "^/jobs/", "checks": {"use_after_free": {"enabled": False}}},
        ],
    }


def _accepting(*more: str) -> dict[str, Any]:
    return {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, *more]}}


@pytest.mark.timeout(int(SECONDS or 0) + 240)
def test_it_finds_nothing(
    service: Any, jobs: list[str], uploads: list[str], tmp_path: Path
) -> None:
    config = tmp_path / "schemathesis.toml"
    values = configuration(processId=FUZZED, jobId=jobs, outputId=OUTPUTS, uploadId=uploads)
    lines = (f"{name} = {toml(value)}\n" for name, value in values.items())
    config.write_text("".join(lines), "utf-8")
    limit = ["--max-time", SECONDS] if SECONDS else ["--max-examples", str(EXAMPLES)]
    ran = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"),
            *("--config-file", str(config), "run", f"{service.url}/api?f=json"),
            *("--checks", "all", "--no-color", "--continue-on-failure", *limit),
        ],
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "fuzzing",
            "PYTHONPATH": str(HERE),
            "QANAT_FUZZED": json.dumps(FUZZED),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=int(SECONDS or 0) + 200,
    )
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr
    assert all(f"✅  {phase}" in ran.stdout for phase in PHASES), ran.stdout


def toml(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, dict):
        pairs = (f"{json.dumps(name)} = {toml(inner)}" for name, inner in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value)
