"""Who is there, by announcements and a clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qanat_common.protocol import Announcement, Catalog, ProviderInfo, ServiceEntry, WorkerState
from qanat_registry.catalog import Roster, version_key

LEASE = 15.0
READY, DRAINING, LEAVING = WorkerState.READY, WorkerState.DRAINING, WorkerState.LEAVING


def said(boot: str, serial: int = 1, state: WorkerState = READY, **fields: Any) -> Announcement:
    service = fields.pop("service", "default")
    return Announcement(
        boot=boot,
        serial=serial,
        state=state,
        node=fields.pop("node", f"{service}-{boot}@host"),
        service=service,
        queue=f"qanat.{service}",
        digest=fields.pop("digest", "d1"),
        **fields,
    )


def roster(*announcements: Announcement, at: float = 0.0) -> Roster:
    made = Roster(LEASE)
    made.listening(at)
    for announcement in announcements:
        made.hear(announcement, at)
    return made


def default_entry(catalog: Catalog) -> ServiceEntry:
    (entry,) = catalog.services
    return entry


def test_a_worker_is_in_the_catalogue_from_its_first_word() -> None:
    entry = default_entry(roster(said("a", slots=4)).catalog(0))

    assert (entry.name, entry.queue, entry.digests) == ("default", "qanat.default", ["d1"])
    assert (entry.workers, entry.slots) == (1, 4)


@pytest.mark.parametrize(
    ("last_heard", "now", "there"),
    [(0, 14.9, True), (0, 15, False), (10, 24.9, True), (10, 25, False)],
)
def test_a_silent_worker_is_taken_off_when_its_lease_ends(
    last_heard: float, now: float, *, there: bool
) -> None:
    known = roster()
    known.hear(said("a", 1), 0)
    known.hear(said("a", 2), last_heard)

    known.expire(now)

    assert bool(known.catalog(now).services) is there


def test_nobody_falls_silent_while_the_broker_is_away() -> None:
    known = roster(said("a"))
    known.deaf()

    assert known.expire(1000) == []
    assert known.next_change(1000) is None
    assert not known.catalog(1000).complete

    known.listening(1000)
    assert known.expire(1000 + LEASE - 1) == []
    assert [gone.boot for gone in known.expire(1000 + LEASE)] == ["a"]


@pytest.mark.parametrize(
    ("heard", "remaining"),
    [
        ([said("a", 1), said("a", 2, LEAVING)], 0),
        ([said("a", 2, LEAVING), said("a", 1)], 0),
        ([said("a", 1), said("a", 3, LEAVING), said("a", 2)], 0),
        ([said("a", 1), said("a", 2, LEAVING), said("a", 3)], 1),
        ([said("a", 1), said("b", 1), said("a", 2, LEAVING)], 1),
        ([said("a", 5), said("a", 4, LEAVING)], 1),
    ],
    ids=[
        "leaving removes at once",
        "a late word does not revive",
        "a late word after more does not revive",
        "a newer word revives",
        "the others stay",
        "an old goodbye means nothing",
    ],
)
def test_the_newest_word_of_a_worker_counts(heard: list[Announcement], remaining: int) -> None:
    assert len(roster(*heard).workers(0, datetime.now(UTC))) == remaining


def test_a_late_word_does_not_revive_who_fell_silent_and_a_new_one_does() -> None:
    known = roster(said("a", 7))
    known.expire(LEASE)

    assert known.hear(said("a", 6), LEASE) is False
    assert known.hear(said("a", 8), LEASE) is True


def test_a_draining_worker_counts_no_slots_and_offers_nothing_while_another_is_ready() -> None:
    entry = default_entry(
        roster(said("a", state=DRAINING, digest="old", slots=4), said("b", slots=2)).catalog(0)
    )

    assert (entry.workers, entry.slots, entry.digests) == (1, 2, ["d1"])


def test_a_service_with_draining_workers_only_stays_listed_until_they_leave() -> None:
    known = roster(said("a", 1, DRAINING, digest="old", slots=4))

    entry = default_entry(known.catalog(0))
    assert (entry.workers, entry.slots, entry.digests) == (0, 0, ["old"])

    known.hear(said("a", 2, LEAVING), 1)
    assert known.catalog(1).services == []


def test_a_mixed_service_speaks_as_old_as_its_oldest_and_shows_its_newest_face() -> None:
    old = said("z", v=1, versions={"qgis": "3.22.16-Białowieża"}, digest="old", title="Old")
    new = said("a", v=2, versions={"qgis": "3.40.1"}, digest="new", title="New")

    entry = default_entry(roster(old, new).catalog(0))

    assert (entry.protocol, entry.qgis) == (1, "3.22.16-Białowieża")
    assert (entry.title, entry.digests) == ("New", ["new", "old"])


def test_the_catalogue_is_complete_after_one_lease_of_listening() -> None:
    known = roster(at=100)

    assert not known.catalog(100 + LEASE - 0.1).complete
    assert known.catalog(100 + LEASE).complete
    assert not Roster(LEASE).catalog(1e9).complete


def test_the_next_change_is_the_first_lease_to_end_or_the_completeness() -> None:
    known = roster(at=0)
    assert known.next_change(1) == LEASE
    assert known.next_change(LEASE) is None

    known.hear(said("a"), 20)
    known.hear(said("b"), 21)
    assert known.next_change(22) == 20 + LEASE


def test_a_beat_with_nothing_new_is_no_change() -> None:
    known = roster(said("a", 1))

    assert known.hear(said("a", 2), 5) is False
    assert known.hear(said("a", 3, digest="d2"), 6) is True


def test_operators_see_when_a_worker_was_seen_and_how_long_it_may_be_silent() -> None:
    known = roster(at=0)
    known.hear(said("a", 1, versions={"qgis": "3.22.16"}, refused=3), 10)
    known.hear(said("a", 2, versions={"qgis": "3.22.16"}, refused=3), 15)
    wall = datetime(2026, 1, 1, tzinfo=UTC)

    (worker,) = known.workers(20, wall)

    assert worker.first_seen == wall - timedelta(seconds=10)
    assert worker.last_seen == wall - timedelta(seconds=5)
    assert worker.seconds_left == 10
    assert (worker.versions, worker.refused, worker.protocol) == ({"qgis": "3.22.16"}, 3, 1)


def test_operators_see_a_services_draining_workers_and_all_its_versions() -> None:
    (service,) = roster(
        said("a", state=DRAINING, versions={"qgis": "3.4.1"}, processes=10),
        said("b", versions={"qgis": "3.22.16"}, processes=20),
    ).services()

    assert (service.draining, service.workers, service.processes) == (1, 1, 20)
    assert service.qgis_versions == ["3.4.1", "3.22.16"]


@pytest.mark.parametrize(
    ("text", "key"),
    [("3.40.1-Bratislava", (3, 40, 1)), ("3.4", (3, 4)), ("", ()), ("master", ())],
)
def test_versions_are_ordered_by_their_numbers(text: str, key: tuple[int, ...]) -> None:
    assert version_key(text) == key


announcements = st.builds(
    said,
    boot=st.sampled_from("abc"),
    serial=st.integers(0, 6),
    state=st.sampled_from(WorkerState),
    service=st.sampled_from(["x", "y"]),
    digest=st.sampled_from(["d1", "d2"]),
    versions=st.fixed_dictionaries({"qgis": st.sampled_from(["3.22.16", "3.40.1", "?"])}),
)


def one_word_per_serial(words: list[Announcement]) -> list[Announcement]:
    return list({(word.boot, word.serial): word for word in words}.values())


@settings(deadline=None)
@given(st.lists(announcements, max_size=12).map(one_word_per_serial), st.randoms())
def test_the_order_in_which_words_arrive_does_not_matter(
    words: list[Announcement], random: Any
) -> None:
    shuffled = list(words)
    random.shuffle(shuffled)

    assert roster(*words).catalog(0) == roster(*shuffled).catalog(0)


@settings(deadline=None)
@given(st.lists(announcements, max_size=12))
def test_hearing_everything_twice_changes_nothing(words: list[Announcement]) -> None:
    assert roster(*words).catalog(0) == roster(*words, *words).catalog(0)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 20), announcements), max_size=12))
def test_a_change_that_nobody_speaks_comes_when_it_is_foretold(
    steps: list[tuple[float, Announcement]],
) -> None:
    known, now = roster(at=0), 0.0
    for pause, word in steps:
        now += pause
        known.expire(now)
        known.hear(word, now)
    while (change := known.next_change(now)) is not None:
        before = known.catalog(now)
        known.expire(just_before := max(now, change - 1e-6))
        assert known.catalog(just_before) == before
        now = change
        known.expire(now)
    assert known.catalog(now) == Catalog(complete=True)


@settings(deadline=None)
@given(st.lists(announcements, max_size=12))
def test_slots_are_those_of_the_workers_that_take_jobs(words: list[Announcement]) -> None:
    known = roster(*words)
    ready = [w for w in known.workers(0, datetime.now(UTC)) if w.state is READY]

    catalog = known.catalog(0)

    assert sum(entry.slots for entry in catalog.services) == sum(w.slots for w in ready)
    assert sum(entry.workers for entry in catalog.services) == len(ready)
    assert all(entry.digests for entry in catalog.services)


def test_the_offers_of_a_service_are_told_apart_the_newest_first() -> None:
    new = said("a", digest="d2", versions={"qgis": "3.40.1"}, slots=2, offer_queue="qanat.s@d2")
    old = said("b", digest="d1", versions={"qgis": "3.22.16"}, slots=3, offer_queue="qanat.s@d1")
    gone = said("c", digest="d1", state=DRAINING, slots=5, offer_queue="qanat.s@d1")

    entry = default_entry(roster(old, new, gone).catalog(0))

    told = [(offer.digest, offer.queue, offer.slots, offer.qgis) for offer in entry.offers]
    assert told == [("d2", "qanat.s@d2", 2, "3.40.1"), ("d1", "qanat.s@d1", 3, "3.22.16")]
    assert (entry.workers, entry.draining) == (2, 1)


def test_operators_see_in_what_workers_of_a_service_differ() -> None:
    grass = ProviderInfo(id="grass", name="GRASS", version="8.2", algorithms=1)
    (report,) = roster(
        said("a", versions={"qgis": "3.40.1", "gdal": "3.6"}, providers=[grass], digest="d2"),
        said("b", versions={"qgis": "3.22.16", "gdal": "3.6"}, digest="d1"),
    ).services()

    assert report.differences == {
        "offer": ["d1", "d2"],
        "provider grass": ["8.2", "none"],
        "qgis": ["3.22.16", "3.40.1"],
    }


def test_labels_of_a_service_are_those_that_all_its_workers_have() -> None:
    labels = {"site": "north", "zone": "1"}, {"site": "north", "zone": "2"}
    entry = default_entry(
        roster(said("a", labels=labels[0]), said("b", labels=labels[1])).catalog(0)
    )

    assert entry.labels == {"site": "north"}


def test_two_workers_of_one_node_name_are_two_workers() -> None:
    twins = [said(boot, node="same@host") for boot in "ab"]

    assert default_entry(roster(*twins).catalog(0)).workers == 2


def test_the_clocks_of_workers_do_not_matter() -> None:
    assert not [name for name in Announcement.model_fields if "time" in name]
