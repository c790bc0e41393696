"""Signatures of jobs: they go with the message, and with nothing that differs from it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from qanat_common.protocol import Inline, Reference, RunJob, wire
from qanat_common.signing import Seal

JOB = RunJob(
    job_id="j1",
    process_id="native:buffer",
    service="default",
    created=datetime(2026, 11, 30, 12, 0, 0, 123456, UTC),
    inputs={
        "INPUT": Reference(href="https://example.org/a.gpkg", layer="ä"),
        "FIELDS": [Inline(value={"a": None, "b": [1e22, 0.1, -0.0, 10**30]}), Inline(value="x")],
    },
    owner="anna",
)
SEAL = Seal(SecretStr("sixteen characters"))


def test_a_signed_message_is_genuine_after_its_way_through_broker_store_and_sweeper() -> None:
    stored = SEAL.signed(JOB).model_dump_json(by_alias=True, exclude_none=True)
    resent = RunJob.model_validate_json(stored).model_copy(update={"queue": "qanat.default@abc"})
    assert SEAL.is_on(wire(resent))
    assert resent.model_copy(update={"queue": None, "signature": None}) == JOB


@pytest.mark.parametrize(
    "change",
    [
        {"signature": None},
        {"signature": "v1:"},
        {"signature": "v1:ü"},
        {"signature": 7},
        {"job_id": "j2"},
        {"process_id": "native:other"},
        {"inputs": {}},
        {"inputs_key": "jobs/other/inputs.json"},
        {"owner": "bert"},
        {"of_a_later_version": 1},
    ],
)
def test_what_was_changed_is_not_genuine(change: dict[str, Any]) -> None:
    assert not SEAL.is_on(wire(SEAL.signed(JOB)) | change)


@pytest.mark.parametrize("message", [None, 1, "text", [], {}])
def test_what_is_no_message_is_not_genuine(message: Any) -> None:
    assert not SEAL.is_on(message)


def test_another_secret_signs_otherwise() -> None:
    assert not Seal(SecretStr("another sixteen or more")).is_on(wire(SEAL.signed(JOB)))


def test_without_a_secret_nothing_is_signed_and_everything_is_genuine() -> None:
    assert Seal().signed(JOB) == JOB
    assert Seal().is_on(wire(SEAL.signed(JOB)))
    assert Seal().is_on(None)
