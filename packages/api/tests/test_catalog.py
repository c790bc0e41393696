"""The snapshot: what services offer, which of them is preferred, and what a new catalogue changes."""

import json
from typing import Any

import pytest

from qanat_api.catalog import NOTHING, Snapshot, build
from qanat_api.filters import ProcessQuery
from qanat_common.ogc import Process
from qanat_common.protocol import PROTOCOL, Catalog, Offer, OfferEntry, ServiceEntry

BASE = "http://h"


def process(name: str, version: str = "1") -> Process:
    return Process(id=name, version=version)


def entry(name: str, *digests: str, qgis: str = "3.22.1", protocol: int = PROTOCOL) -> ServiceEntry:
    return ServiceEntry(
        name=name,
        queue=f"qanat.{name}",
        qgis=qgis,
        protocol=protocol,
        digests=list(digests),
        workers=1,
        slots=1,
    )


def offers(**named: list[str]) -> dict[str, Offer]:
    return {
        digest: Offer(processes=[process(name, version=digest) for name in names])
        for digest, names in named.items()
    }


def made(
    services: list[ServiceEntry],
    found: dict[str, Offer],
    *,
    order: tuple[str, ...] = (),
    before: Snapshot = NOTHING,
    complete: bool = True,
) -> Snapshot:
    return build(Catalog(complete=complete, services=services), found, order, before)


def listed(snapshot: Snapshot) -> list[str]:
    return [summary.id for summary in snapshot.summaries(ProcessQuery())]


def service(snapshot: Snapshot, name: str) -> str | None:
    found = snapshot.get(name)
    return found.service if found else None


@pytest.mark.parametrize(
    ("order", "expected"),
    [((), "c"), (("b",), "b"), (("none", "a", "c"), "a"), (("c", "b", "a"), "c")],
)
def test_the_default_is_the_configured_one_else_the_newest_qgis(
    order: tuple[str, ...], expected: str
) -> None:
    services = [
        entry("a", "1", qgis="3.4.15"),
        entry("b", "1", qgis="3.22.16"),
        entry("c", "1", qgis="3.40.3-Bratislava"),
    ]
    snapshot = made(services, offers(**{"1": ["p"]}), order=order)
    assert service(snapshot, "p") == expected
    assert [service(snapshot, f"p@{name}") for name in "abc"] == ["a", "b", "c"]
    assert listed(snapshot) == ["p", *(f"p@{name}" for name in "abc" if name != expected)]


def test_a_service_offers_what_all_its_workers_offer() -> None:
    found = offers(one=["p", "q"], two=["q", "r"])
    snapshot = made([entry("a", "one", "two")], found)
    assert listed(snapshot) == ["q"]
    assert service(snapshot, "p") is None


def test_an_offer_that_is_not_found_takes_nothing_away() -> None:
    assert listed(made([entry("a", "one", "lost")], offers(one=["p"]))) == ["p"]
    assert listed(made([entry("a", "lost")], {})) == []


def test_workers_that_speak_a_distant_protocol_are_not_offered() -> None:
    protocols = {"a": PROTOCOL + 1, "b": PROTOCOL + 2, "c": PROTOCOL - 1, "d": PROTOCOL - 2}
    services = [entry(name, name, protocol=number) for name, number in protocols.items()]
    snapshot = made(services, offers(**{name: [name] for name in protocols}))
    assert listed(snapshot) == ["a", "c"]


def test_an_incomplete_catalogue_only_adds() -> None:
    full = made([entry("a", "one"), entry("b", "two")], offers(one=["p", "q"], two=["r"]))
    partial = made([entry("a", "new")], offers(new=["p", "s"]), before=full, complete=False)
    assert listed(partial) == ["p", "q", "r", "s"]
    assert service(partial, "r") == "b"
    found = partial.get("p")
    assert found
    assert found.process.version == "new"
    assert listed(made([entry("a", "new")], offers(new=["p"]), before=partial)) == ["p"]


def test_documents_are_made_once_for_each_base() -> None:
    snapshot = made([entry("a", "one")], offers(one=["p"]))
    assert snapshot.listing(BASE) is snapshot.listing(BASE)
    assert snapshot.description(BASE, "p") is snapshot.description(BASE, "p")
    assert snapshot.listing(BASE).tag != snapshot.listing("http://other").tag


def test_the_same_catalogue_has_the_same_entity_tags() -> None:
    def etag() -> Any:
        return made([entry("a", "one")], offers(one=["p", "q"])).listing(BASE).tag

    assert etag() == etag()


def test_a_new_catalogue_has_the_list_ready_for_those_who_asked_for_the_last_one() -> None:
    before = made([entry("a", "one")], offers(one=["p"]))
    before.listing(BASE)
    after = made([entry("a", "one")], offers(one=["p", "q"]), before=before)
    assert BASE in after._listings
    assert "gzipped" in vars(after.listing(BASE))
    many = [f"http://h{number}" for number in range(20)]
    for base in many:
        after.listing(base)
    assert list(after._listings) == many[-8:]


def test_a_process_of_one_service_is_listed_once() -> None:
    snapshot = made([entry("a", "one"), entry("b", "two")], offers(one=["p"], two=["q"]))

    assert listed(snapshot) == ["p", "q"]
    assert service(snapshot, "q@b") == "b"


def test_what_only_some_workers_offer_goes_to_them() -> None:
    differing = entry("a", "one", "two").model_copy(
        update={
            "offers": [
                OfferEntry(digest=name, queue=f"qanat.a@{name}", slots=1, qgis="3.40")
                for name in ("one", "two")
            ]
        }
    )
    snapshot = made([differing], offers(one=["p", "q"], two=["q"]))

    found = [snapshot.get(name) for name in ("p", "q")]
    assert [offered.queue for offered in found if offered] == ["qanat.a@one", "qanat.a"]


def test_a_description_says_who_runs_it_and_links_to_its_siblings() -> None:
    services = [entry("new", "1", qgis="3.40.3"), entry("old", "1", qgis="3.22.16")]
    snapshot = made(services, offers(**{"1": ["p"]}))

    plain = json.loads(snapshot.description(BASE, "p").content)
    sibling = json.loads(snapshot.description(BASE, "p@old").content)

    def related(document: Any) -> list[str]:
        return [link["href"] for link in document["links"] if link["rel"] == "related"]

    assert (plain["id"], plain["service"], plain["qgisVersion"]) == ("p", "new", "3.40.3")
    assert (sibling["id"], sibling["service"]) == ("p@old", "old")
    assert sibling["qgisVersion"] == "3.22.16"
    assert (related(plain), related(sibling)) == (
        [f"{BASE}/processes/p@old"],
        [f"{BASE}/processes/p@new"],
    )


def test_a_part_of_the_catalogue_has_no_trace_of_what_is_hidden() -> None:
    services = [entry("new", "1", qgis="3.40.3"), entry("old", "1", qgis="3.22.16")]
    seen = made(services, offers(**{"1": ["p"]})).part(lambda name: name == "p@old")

    described = json.loads(seen.description(BASE, "p").content)

    assert (list(seen.services), described["service"]) == (["old"], "old")
    assert "new" not in json.dumps(described)


def test_an_older_id_leads_to_what_is_offered_in_its_place_and_is_not_listed() -> None:
    offer = Offer(processes=[process("native:new")], aliases={"qgis:new": "native:new"})
    snapshot = build(
        Catalog(complete=True, services=[entry("main", "d")]), {"d": offer}, (), NOTHING
    )
    assert listed(snapshot) == ["native:new"]
    for old in ("qgis:new", "qgis:new@main"):
        found = snapshot.get(old)
        assert found is not None
        assert found.process.id == "native:new"
        assert found.id == old.replace("qgis", "native")
    assert snapshot.get("qgis:other") is None
    assert snapshot.get("qgis:new@other") is None
    later = build(Catalog(complete=False), {}, (), snapshot)
    assert later.get("qgis:new") is not None
