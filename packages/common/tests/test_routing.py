"""Where a job goes while the workers of a service differ: never to one that lacks its process."""

from typing import Any

from qanat_common.ogc import InputDescription, Process
from qanat_common.protocol import PROTOCOL, Offer, OfferEntry, ServiceEntry
from qanat_common.routing import places


def process(name: str, **more: Any) -> Process:
    return Process(id=name, version="1", **more)


def service(*offers: OfferEntry) -> ServiceEntry:
    return ServiceEntry(
        name="s",
        queue="qanat.s",
        digests=[offer.digest for offer in offers],
        workers=len(offers),
        slots=sum(offer.slots for offer in offers),
        offers=list(offers),
    )


def entry(digest: str, slots: int = 1, **more: Any) -> OfferEntry:
    return OfferEntry(digest=digest, **{"queue": f"qanat.s@{digest}", "slots": slots, **more})


def offers(**named: list[Process]) -> dict[str, Offer]:
    return {digest: Offer(processes=processes) for digest, processes in named.items()}


def queues(service: ServiceEntry, offers: dict[str, Offer]) -> dict[str, str]:
    return {name: place.queue for name, place in places(service, offers).items()}


def test_what_all_workers_offer_alike_goes_through_the_queue_of_the_service() -> None:
    alike = service(entry("new"), entry("old"))
    new = process("p", title="Buffer").model_copy(update={"version": "2"})

    assert queues(alike, offers(new=[new], old=[process("p")])) == {"p": "qanat.s"}


def test_what_some_workers_lack_goes_to_the_others_alone() -> None:
    found = queues(service(entry("a"), entry("b")), offers(a=[process("p"), process("q")], b=[]))

    assert found == {"p": "qanat.s@a", "q": "qanat.s@a"}


def test_a_process_with_other_inputs_is_described_as_its_job_is_run() -> None:
    field = {"X": InputDescription(schema={"type": "number"})}
    two = service(entry("new", slots=1, qgis="3.40"), entry("old", slots=8, qgis="3.22"))

    found = places(two, offers(new=[process("p", inputs=field)], old=[process("p")]))["p"]

    assert (found.queue, found.qgis, found.process.inputs) == ("qanat.s@old", "3.22", {})


def test_workers_whose_offer_is_not_known_get_no_job() -> None:
    assert queues(service(entry("a"), entry("b")), offers(a=[process("p")])) == {"p": "qanat.s@a"}


def test_workers_of_a_protocol_that_is_not_spoken_get_no_job() -> None:
    two = service(entry("a"), entry("old", protocol=PROTOCOL + 2))

    assert queues(two, offers(a=[process("p")], old=[process("p")])) == {"p": "qanat.s@a"}


def test_workers_without_a_queue_of_their_own_share_what_all_offer() -> None:
    two = service(entry("a", queue=None), entry("b", queue=None))

    found = queues(two, offers(a=[process("p"), process("q")], b=[process("p")]))

    assert found == {"p": "qanat.s"}


def test_a_registry_that_tells_no_offers_is_understood() -> None:
    older = ServiceEntry(name="s", queue="qanat.s", digests=["a", "b"], workers=2, slots=2)

    found = queues(older, offers(a=[process("p"), process("q")], b=[process("p")]))

    assert found == {"p": "qanat.s"}
