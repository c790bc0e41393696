"""The registry over HTTP."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from qanat_common.errors import Unavailable
from qanat_common.protocol import Announcement, Catalog
from qanat_registry.app import create_app
from qanat_registry.board import Board
from qanat_registry.catalog import Roster


class Mouth:
    """A part that lets a test speak to the board as the listener does: from another thread."""

    def __init__(self) -> None:
        self.say: Callable[..., None] = lambda *args: None
        self.board: Board | None = None

    def start(self) -> None:
        assert self.board
        self.board.listening()

    def stop(self) -> None:
        pass


class Scene:
    def __init__(self) -> None:
        self.board = Board(Roster(60), time.monotonic)
        self.mouth = Mouth()
        self.mouth.board = self.board
        self.store_away = False
        app = create_app(self.board, [self.mouth], {"store": self.check_store})
        self.client = TestClient(app)

    def check_store(self) -> None:
        if self.store_away:
            raise Unavailable("The job store cannot be reached.")

    def hear(self, **fields: Any) -> None:
        announcement = Announcement.model_validate(
            {
                "boot": "a",
                "serial": 1,
                "node": "a@host",
                "service": "default",
                "queue": "qanat.default",
                "digest": "d1",
                "versions": {"qgis": "3.22.16"},
                "providers": [{"id": "native", "name": "QGIS", "version": "1", "algorithms": 2}],
                "processes": 2,
                "slots": 2,
                **fields,
            }
        )
        assert self.client.portal
        self.client.portal.call(self.board.hear, announcement)


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    with scene.client:
        yield scene


def test_the_catalogue_names_services_and_digests(scene: Scene) -> None:
    scene.hear()

    answer = scene.client.get("/catalog")

    catalog = Catalog.model_validate_json(answer.content)
    assert [(entry.name, entry.digests) for entry in catalog.services] == [("default", ["d1"])]
    assert not catalog.complete
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}'])
def test_the_same_catalogue_is_not_sent_twice(scene: Scene, form: str) -> None:
    etag = scene.client.get("/catalog").headers["etag"]

    answer = scene.client.get("/catalog", headers={"If-None-Match": form.format(etag)})

    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)


def test_a_reader_that_waits_gets_the_next_catalogue_at_once(scene: Scene) -> None:
    etag = scene.client.get("/catalog").headers["etag"]
    threading.Timer(0.2, scene.hear).start()

    answer = scene.client.get("/catalog", headers={"If-None-Match": etag, "Prefer": "wait=20"})

    assert answer.status_code == 200
    assert answer.headers["etag"] != etag
    assert answer.headers["preference-applied"] == "wait=20"


def test_a_reader_that_waits_for_nothing_is_told_so_in_time(scene: Scene) -> None:
    etag = scene.client.get("/catalog").headers["etag"]
    started = time.monotonic()

    answer = scene.client.get("/catalog", headers={"If-None-Match": etag, "Prefer": "wait=1"})

    assert answer.status_code == 304
    assert time.monotonic() - started > 0.9


@pytest.mark.parametrize(
    "prefer", ["wait=x", "wait=-1", "wait=", "await=9", "wait=0", "respond-async", "wait=9x"]
)
def test_a_preference_that_makes_no_sense_is_passed_over(scene: Scene, prefer: str) -> None:
    etag = scene.client.get("/catalog").headers["etag"]

    answer = scene.client.get("/catalog", headers={"If-None-Match": etag, "Prefer": prefer})

    assert answer.status_code == 304
    assert "preference-applied" not in answer.headers


def test_a_reader_with_an_old_catalogue_does_not_wait(scene: Scene) -> None:
    started = time.monotonic()

    answer = scene.client.get("/catalog", headers={"If-None-Match": '"old"', "Prefer": "wait=20"})

    assert answer.status_code == 200
    assert time.monotonic() - started < 20


def test_operators_see_each_worker(scene: Scene) -> None:
    scene.hear(refused=7, labels={"zone": "a"}, state="draining", sandbox="landlock-6+seccomp")

    (worker,) = scene.client.get("/workers").json()["workers"]

    assert worker["versions"]["qgis"] == "3.22.16"
    assert worker["providers"][0]["algorithms"] == 2
    assert (worker["state"], worker["refused"], worker["labels"]) == ("draining", 7, {"zone": "a"})
    assert worker["sandbox"] == "landlock-6+seccomp"
    assert {"boot", "node", "first_seen", "last_seen", "seconds_left", "digest"} <= set(worker)


def test_operators_see_each_service(scene: Scene) -> None:
    scene.hear()

    (service,) = scene.client.get("/services").json()["services"]

    assert (service["name"], service["workers"], service["slots"]) == ("default", 1, 2)


def test_the_registry_is_ready_when_it_hears_the_broker_and_reaches_the_store(scene: Scene) -> None:
    assert scene.client.get("/readyz").json()["checks"] == {"broker": "ok", "store": "ok"}

    scene.store_away = True
    answer = scene.client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["store"] == "The job store cannot be reached."


def test_readiness_tells_how_jobs_are_confined(scene: Scene) -> None:
    assert scene.client.get("/readyz").json()["sandbox"] == {}
    scene.hear(boot="b1", sandbox="landlock-6+seccomp")
    scene.hear(boot="b2", sandbox="landlock-6+seccomp")
    scene.hear(boot="b3", sandbox="off")

    assert scene.client.get("/readyz").json()["sandbox"] == {"landlock-6+seccomp": 2, "off": 1}


def test_a_registry_without_its_broker_is_not_ready_and_lives(scene: Scene) -> None:
    assert scene.client.portal
    scene.client.portal.call(scene.board.deaf)

    assert scene.client.get("/readyz").status_code == 503
    assert scene.client.get("/livez").status_code == 200
    assert scene.client.get("/health").json()["status"] == "degraded"


def test_health_tells_the_registry_in_a_few_numbers(scene: Scene) -> None:
    scene.hear()

    health = scene.client.get("/health").json()

    assert (health["status"], health["workers"], health["slots"]) == ("ok", 1, 2)
