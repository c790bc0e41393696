"""The storage, on a folder."""

from pathlib import Path

import pytest

from qanat_common.storage import Storage, job_key


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(f"file://{tmp_path}/files%20here")


def test_a_file_comes_back_as_it_was_put(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"0123456789")
    key = job_key("j1", "OUTPUT.bin")
    assert storage.put(key, path) == 10
    assert storage.size(key) == 10
    assert storage.get(key) == b"0123456789"
    assert b"".join(storage.stream(key, 2, 6, chunk=3)) == b"2345"
    storage.fetch(key, tmp_path / "y")
    assert (tmp_path / "y").read_bytes() == b"0123456789"


def test_an_empty_file_is_a_file(storage: Storage) -> None:
    storage.put_bytes("jobs/j1/empty", b"")
    assert storage.size("jobs/j1/empty") == 0
    assert storage.get("jobs/j1/empty") == b""


def test_what_is_not_there_has_no_size_and_cannot_be_read(storage: Storage) -> None:
    assert storage.size("jobs/j1/x") is None
    with pytest.raises(FileNotFoundError):
        storage.get("jobs/j1/x")


def test_the_files_of_a_job_go_away_together_and_only_they(storage: Storage) -> None:
    storage.put_bytes("jobs/j1/a", b"a")
    storage.put_bytes("jobs/j1/b", b"b")
    storage.put_bytes("jobs/j11/c", b"c")
    storage.remove_job("j1")
    storage.remove_job("never")
    assert [storage.size(f"jobs/{name}") for name in ("j1/a", "j1/b", "j11/c")] == [None, None, 1]
