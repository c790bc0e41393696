"""Pictures of outputs: kept beside them; and whatever happens to a picture, its job has succeeded."""

from collections.abc import Callable
from typing import Any

import pytest

from qanat_common.protocol import StoredFile, Succeeded
from qanat_worker import attending


@pytest.fixture
def painted(make_bench: Callable[..., Any]) -> Callable[..., StoredFile]:
    """The output of a job whose engine does this when it is to make a picture."""

    def run(deed: str, **own: Any) -> StoredFile:
        bench = make_bench(picture=own.pop("picture", 100), **own)
        outcome = bench.run("paint", x=deed).outcome
        assert isinstance(outcome, Succeeded), outcome
        found = outcome.outputs["out"]
        assert isinstance(found, StoredFile)
        assert bench.storage.get(found.key) == b"II*"
        if found.picture is not None:
            assert bench.storage.get(found.picture.key) == b"PNG"
        return found

    return run


def test_a_picture_is_kept_beside_its_output(painted: Callable[..., StoredFile]) -> None:
    found = painted("make")
    assert found.picture is not None
    assert (found.picture.width, found.picture.height) == (100, 50)
    assert found.picture.key != found.key
    assert found.picture.key.rpartition("/")[0] == found.key.rpartition("/")[0]


def test_no_picture_is_made_where_none_is_wanted(painted: Callable[..., StoredFile]) -> None:
    assert painted("make", picture=0).picture is None


@pytest.mark.parametrize(
    "deed", ["raise", "crash", "leave", "elsewhere", "nothing", "garble", "huge"]
)
def test_a_picture_that_fails_takes_nothing_from_the_job(
    painted: Callable[..., StoredFile], deed: str
) -> None:
    assert painted(deed).picture is None


def test_a_picture_is_not_waited_for_too_long(
    painted: Callable[..., StoredFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attending, "PICTURE_SECONDS", 0.3)
    assert painted("sleep").picture is None


def test_a_picture_is_within_the_limits_of_its_job(painted: Callable[..., StoredFile]) -> None:
    assert painted("eat").picture is None
