"""Frozen messages: today's models read what any earlier service may have sent (house rule 22)."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from qanat_common import protocol
from qanat_common.signing import Seal


def holds(made: Any, sent: Any) -> bool:
    """Whether all that was sent is there; members that came later may stand beside it."""
    if isinstance(sent, dict):
        return all(name in made and holds(made[name], value) for name, value in sent.items())
    if isinstance(sent, list):
        return len(made) == len(sent) and all(map(holds, made, sent))
    return bool(made == sent)


SAMPLES = sorted(Path(__file__).parent.glob("v*/*.json"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_frozen_message_reads_and_keeps_every_member(path: Path) -> None:
    model: type[protocol.Message] = getattr(protocol, path.stem.partition("-")[0])
    sent = json.loads(path.read_text("utf-8"))
    assert holds(protocol.wire(model.model_validate(sent)), sent)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_members_of_a_later_version_are_passed_over(path: Path) -> None:
    model: type[protocol.Message] = getattr(protocol, path.stem.partition("-")[0])
    sent = json.loads(path.read_text("utf-8")) | {"of_a_later_version": {"x": 1}}
    assert model.model_validate(sent) == model.model_validate_json(path.read_text("utf-8"))


def test_a_frozen_signature_is_still_one() -> None:
    """So what is signed, and how it is written for that, never changes within a version."""
    sent = json.loads((Path(__file__).parent / "v1/RunJob-signed.json").read_text("utf-8"))
    seal = Seal(SecretStr("sixteen characters"))
    assert seal.is_on(sent)
    assert seal.signed(protocol.RunJob.model_validate(sent)).signature == sent["signature"]


def test_every_message_has_a_frozen_sample() -> None:
    parts = {"Message", "Inline", "Reference", "LocalFile", "Value", "StoredFile", "Picture"}
    parts |= {"OfLayer", "Subscriber", "ProviderInfo", "Refusal", "ServiceEntry", "OfferEntry"}
    parts |= {"Named", "Project", "ProjectField", "ProjectLayer", "ProjectLayout"}
    messages = {
        name
        for name, model in vars(protocol).items()
        if isinstance(model, type) and issubclass(model, protocol.Message)
    }
    assert {path.stem.partition("-")[0] for path in SAMPLES} == messages - parts
