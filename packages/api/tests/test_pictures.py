"""Pictures of outputs: served as they are, to be kept; and shown on the pages of their job."""

from collections.abc import Callable
from typing import Any

import pytest

from qanat_common.protocol import Picture, RunJob, Succeeded, Value

GEOTIFF = "image/tiff; application=geotiff"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def done(api: Any) -> str:
    """The path of a job that made a raster with a picture, and a text."""

    def work(message: RunJob) -> Succeeded:
        file = api.worker.keep(message.job_id, "file.tif", b"II*", GEOTIFF)
        picture = api.worker.keep(message.job_id, "file-picture.png", PNG, "image/png")
        told = Picture(key=picture.key, width=512, height=300)
        outputs = {
            "file": file.model_copy(update={"picture": told}),
            "blob": api.worker.keep(message.job_id, "blob.gpkg", b"SQLite", "application/x"),
            "text": Value(value="<b>a</b>"),
        }
        return Succeeded(outputs=outputs)

    api.worker.work = work
    return str(api.submit())


def test_a_picture_is_png_that_may_be_kept(api: Any, done: str) -> None:
    path = f"{done}/results/file/picture"
    answer = api.http.get(path)
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Cache-Control"] == "private, max-age=604800, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    again = api.http.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = api.http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(PNG))


@pytest.mark.parametrize("name", ["blob", "text", "none"])
def test_what_has_no_picture_has_none(api: Any, done: str, name: str) -> None:
    assert api.http.get(f"{done}/results/{name}/picture").status_code == 404


def test_a_picture_that_is_gone_is_told(api: Any, done: str) -> None:
    api.storage.remove_job(done.rpartition("/")[2])
    answer = api.http.get(f"{done}/results/file/picture")
    assert answer.status_code == 404
    assert "no longer there" in answer.json()["detail"]


def test_a_job_that_has_not_ended_has_no_pictures(api: Any) -> None:
    assert api.http.get(f"{api.submit()}/results/file/picture").status_code == 404


@pytest.mark.parametrize("where", ["", "/results"])
def test_pages_show_pictures_with_a_text_and_a_size(
    done: str, page: Callable[..., Any], where: str
) -> None:
    shown = page(f"{done}{where}")
    (picture,) = [e for e in shown.find("img") if e.attributes.get("alt")]
    assert picture.attributes["src"] == f"http://qanat.test{done}/results/file/picture"
    assert picture.attributes["alt"] == "Picture of file"
    assert (picture.attributes["width"], picture.attributes["height"]) == ("512", "300")


def test_the_page_of_a_job_has_what_it_made_to_download(
    done: str, page: Callable[..., Any]
) -> None:
    shown = page(done)
    base = f"http://qanat.test{done}/results"
    assert {f"{base}/file", f"{base}/blob", f"{base}/text", base} <= shown.hrefs
    assert "<b>a</b>" in shown.text, "a value that is a text stands there, escaped"
    assert "Download file.tif" in shown.text
    assert "3 bytes, image/tiff" in shown.text


def test_results_by_json_say_nothing_of_pictures(api: Any, done: str) -> None:
    assert "picture" not in api.http.get(f"{done}/results?f=json").text
