"""Results over HTTP: the table of the standard, and single outputs as files and values."""

import base64
import hashlib
import json
import uuid
from email import message_from_bytes
from typing import Any

import pytest

from qanat_common.protocol import StoredFile, Value

GEOJSON, GEOPACKAGE = "application/geo+json", "application/geopackage+sqlite3"
LAYER = b'{"type": "FeatureCollection", "features": []}'
INPUTS = {"inputs": {"text": "a"}}
RESULTS = 'rel="http://www.opengis.net/def/rel/ogc/1.0/results"'


@pytest.fixture(params=["sync", "async"])
def results(api: Any, request: pytest.FixtureRequest) -> Any:
    """Executes, and returns the answer with the results: at once, or by the job."""
    api.worker.returns(
        text=Value(value="ä"),
        count=Value(value=0),
        file=("a.geojson", LAYER, GEOJSON),
        blob=("ü b.gpkg", b"SQLite\0\xff", GEOPACKAGE),
    )

    def run(response: str, **outputs: str) -> Any:
        asked = {name: {"transmissionMode": mode} for name, mode in outputs.items()}
        body = {**INPUTS, "response": response, **({"outputs": asked} if asked else {})}
        if request.param == "sync":
            return api.execute(**body)
        return api.http.get(f"{api.submit(**body)}/results")

    return run


def parts(answer: Any) -> dict[str, tuple[str, bytes, str | None]]:
    assert answer.content.startswith(b"--")
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    message = message_from_bytes(head + answer.content)
    return {
        part["Content-ID"]: (
            part["Content-Type"],
            part.get_payload(decode=True),
            part["Content-Location"],
        )
        for part in message.get_payload()
    }


def test_one_raw_value_is_itself(results: Any) -> None:
    answer = results("raw", text="value")
    assert (answer.status_code, answer.content) == (200, "ä".encode())
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert results("raw", count="value").text == "0"


def test_one_raw_file_is_itself(results: Any) -> None:
    answer = results("raw", file="value")
    assert (answer.status_code, answer.content) == (200, LAYER)
    assert answer.headers["Content-Type"] == GEOJSON
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a.geojson"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_several_raw_values_are_parts(results: Any) -> None:
    answer = results("raw", text="value", blob="value")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("multipart/related; boundary=")
    assert parts(answer) == {
        "text": ("text/plain; charset=utf-8", "ä".encode(), None),
        "blob": (GEOPACKAGE, b"SQLite\0\xff", None),
    }


def test_raw_references_are_links_of_an_empty_answer(api: Any, results: Any) -> None:
    one, two = results("raw", file="reference"), results("raw", file="reference", text="reference")
    assert (one.status_code, one.content) == (204, b"")
    links = two.headers.get_list("Link")
    links = [link for link in links if "monitor" not in link]
    assert [link.partition(";")[0].rpartition("/")[2] for link in links] == ["file>", "text>"]
    assert all(RESULTS in link for link in links)
    assert 'title="file"' in links[0]
    assert api.http.get(links[0][1 : links[0].index(">")]).content == LAYER


def test_raw_values_and_references_are_parts_of_which_some_are_empty(results: Any) -> None:
    found = parts(results("raw", text="value", file="reference"))
    assert found["text"][1:] == ("ä".encode(), None)
    media_type, content, location = found["file"]
    assert (media_type, content) == (GEOJSON, b"")
    assert location.endswith("/results/file")


def test_a_document_holds_values_and_references(results: Any) -> None:
    answer = results("document", text="value", file="value", blob="value", count="reference")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Length"] == str(len(answer.content))
    document = answer.json()
    assert list(document) == ["text", "file", "blob", "count"]
    assert document["text"] == "ä"
    assert document["file"] == {"value": json.loads(LAYER), "mediaType": GEOJSON}
    assert base64.b64decode(document["blob"].pop("value")) == b"SQLite\0\xff"
    assert document["blob"] == {"encoding": "base64", "mediaType": GEOPACKAGE}
    assert document["count"]["href"].endswith("/results/count")


def test_all_outputs_are_given_when_none_is_named(results: Any) -> None:
    assert list(results("document").json()) == ["text", "count", "file", "blob"]
    assert list(parts(results("raw"))) == ["text", "count", "file", "blob"]


def test_results_before_the_end_are_not_ready(api: Any) -> None:
    path = api.submit()
    for answer in (api.http.get(f"{path}/results"), api.http.get(f"{path}/results/text")):
        assert answer.status_code == 404
        assert answer.json()["type"] == (
            "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/result-not-ready"
        )


@pytest.fixture
def blob(api: Any) -> str:
    """The path of an output that is a file of ten bytes."""
    api.worker.returns(blob=('ü"b.gpkg', b"0123456789", GEOPACKAGE), text=Value(value=False))
    return f"{api.submit()}/results/blob"


def test_a_file_is_served_as_it_is(api: Any, blob: str) -> None:
    for answer, content in ((api.http.get(blob), b"0123456789"), (api.http.head(blob), b"")):
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers["Content-Length"] == "10"
        assert answer.headers["Content-Type"] == GEOPACKAGE
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert (
            answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%C3%BC%22b.gpkg"
        )


@pytest.mark.parametrize(
    ("asked", "content", "told"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=8-", b"89", "bytes 8-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ("bytes=5-99", b"56789", "bytes 5-9/10"),
        (" bytes = 9 - 9 ", b"9", "bytes 9-9/10"),
    ],
)
def test_a_range_of_a_file_is_served(
    api: Any, blob: str, asked: str, content: bytes, told: str
) -> None:
    answer = api.http.get(blob, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, content)
    assert answer.headers["Content-Range"] == told
    assert answer.headers["Content-Length"] == str(len(content))
    assert api.http.head(blob, headers={"Range": asked}).status_code == 206


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,4-5", "bytes=x-y", "bytes=-", "bytes=5-2", "rows=0-1"]
)
def test_a_range_that_cannot_be_read_is_passed_over(api: Any, blob: str, asked: str) -> None:
    answer = api.http.get(blob, headers={"Range": asked})
    assert (answer.status_code, len(answer.content)) == (200, 10)


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_outside_of_a_file_is_told(api: Any, blob: str, asked: str) -> None:
    answer = api.http.get(blob, headers={"Range": asked})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */10")
    assert answer.json()["type"] == "urn:qanat:exception:range-not-satisfiable"


def test_a_file_that_is_known_is_not_sent_again_and_a_stale_range_is_sent_whole(
    api: Any, blob: str
) -> None:
    etag = api.http.get(blob).headers["ETag"]
    assert not etag.startswith("W/")
    assert api.http.get(blob, headers={"If-None-Match": etag}).status_code == 304
    part = {"Range": "bytes=0-1"}
    assert api.http.get(blob, headers=part | {"If-Range": etag}).status_code == 206
    assert api.http.get(blob, headers=part | {"If-Range": '"old"'}).status_code == 200


def test_the_checksum_of_a_file_is_told(api: Any, blob: str) -> None:
    digest = base64.b64encode(hashlib.sha256(b"0123456789").digest()).decode()
    for answer in (
        api.http.get(blob),
        api.http.head(blob),
        api.http.get(blob, headers={"Range": "bytes=0-3"}),
    ):
        assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    page = api.http.get(blob.rpartition("/")[0], headers={"Accept": "text/html"})
    assert hashlib.sha256(b"0123456789").hexdigest() in page.text
    assert "Repr-Digest" not in api.http.get(blob.replace("blob", "text")).headers


@pytest.mark.parametrize("sha256", [None, "", "00", "x" * 64, "A" * 64 + "\r\nX: y"])
def test_what_is_no_checksum_is_not_told(api: Any, sha256: str | None) -> None:
    """A worker of 0.1.0 tells none."""
    key = f"jobs/{uuid.uuid4()}/a.gpkg"
    api.storage.put_bytes(key, b"abc")
    file = StoredFile(key=key, name="a.gpkg", media_type=GEOPACKAGE, size=3, sha256=sha256)
    api.worker.returns(blob=file)
    path = api.submit(**INPUTS)
    answer = api.http.get(f"{path}/results/blob")
    assert (answer.status_code, answer.content) == (200, b"abc")
    assert "Repr-Digest" not in answer.headers


def test_a_value_is_served_by_itself(api: Any, blob: str) -> None:
    answer = api.http.get(blob.replace("blob", "text"))
    assert (answer.text, answer.headers["Content-Type"]) == ("false", "text/plain; charset=utf-8")
    assert answer.headers["ETag"]


def test_an_output_that_was_not_made_is_told_with_those_that_were(api: Any, blob: str) -> None:
    for name, status, known in (("count", 404, "blob, text"), ("none", 400, "text, count, file")):
        answer = api.http.get(blob.replace("blob", name))
        assert answer.status_code == status
        assert answer.json()["type"].endswith("/no-such-output")
        assert known in answer.json()["detail"]


def test_a_file_that_is_lost_is_told(api: Any, blob: str) -> None:
    api.storage.remove_job(blob.split("/")[2])
    for answer in (api.http.get(blob), api.http.get(blob.rpartition("/")[0])):
        assert answer.status_code == 404
        assert answer.json()["type"].endswith("/no-such-output")


def test_large_files_are_streamed(api: Any) -> None:
    large = bytes(range(256)) * 20_000
    api.worker.returns(blob=("a.gpkg", large, GEOPACKAGE))
    path = api.submit(**INPUTS, response="document")
    assert api.http.get(f"{path}/results/blob").content == large
    answer = api.http.get(f"{path}/results")
    assert base64.b64decode(answer.json()["blob"]["value"]) == large
    assert answer.headers["Content-Length"] == str(len(answer.content))


def test_text_files_stand_in_a_document_as_text(api: Any) -> None:
    text = 'id,"näme"\n' * 200_000
    api.worker.returns(file=("a.csv", text.encode(), "text/csv"))
    answer = api.http.get(f"{api.submit(**INPUTS, response='document')}/results")
    assert answer.json()["file"] == {"value": text, "mediaType": "text/csv"}
