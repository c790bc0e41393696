"""Where a job is sent again, by the catalogue of this moment."""

from datetime import UTC, datetime

from qanat_common.ogc import Process
from qanat_common.protocol import Catalog, Offer, OfferEntry, RunJob, ServiceEntry
from qanat_registry.dispatch import Dispatch


class FakeOffers:
    """Offers by digest: each is the names of its processes."""

    def __init__(self, **offers: list[str]) -> None:
        self.offers = offers

    def get_offer(self, digest: str) -> Offer | None:
        names = self.offers.get(digest)
        if names is None:
            return None
        return Offer(processes=[Process(id=name, version="1") for name in names])


def catalog(*digests: str, complete: bool = True) -> Catalog:
    offers = [OfferEntry(digest=name, queue=f"qanat.s@{name}", slots=1) for name in digests]
    entry = ServiceEntry(
        name="s", queue="qanat.s", digests=list(digests), workers=1, slots=1, offers=offers
    )
    return Catalog(complete=complete, services=[entry] if digests else [])


def job(process_id: str = "p") -> RunJob:
    return RunJob(job_id="j", process_id=process_id, service="s", created=datetime.now(UTC))


def test_a_job_goes_to_those_who_offer_its_process() -> None:
    dispatch = Dispatch(lambda: catalog("a", "b"), FakeOffers(a=["p", "q"], b=["p"]))

    assert dispatch.queue(job("p")) == "qanat.s"
    assert dispatch.queue(job("q")) == "qanat.s@a"
    assert dispatch.queue(job("r")) is None


def test_jobs_of_a_service_without_workers_are_kept_in_its_queue() -> None:
    assert Dispatch(lambda: catalog(), FakeOffers()).queue(job()) == "qanat.s"


def test_nobody_is_said_to_lack_a_process_before_all_is_known() -> None:
    starting = Dispatch(lambda: catalog("a", complete=False), FakeOffers(a=[]))
    unread = Dispatch(lambda: catalog("a", "b"), FakeOffers(a=[]))

    assert (starting.queue(job()), unread.queue(job())) == ("qanat.s", "qanat.s")


def test_a_changed_catalogue_changes_where_jobs_go() -> None:
    now = [catalog("a", "b")]
    dispatch = Dispatch(lambda: now[0], FakeOffers(a=["p"], b=[]))
    before = dispatch.queue(job()), dispatch.is_consumed("qanat.s@b", "s")
    now[0] = catalog("a")

    assert before == ("qanat.s@a", True)
    assert (dispatch.queue(job()), dispatch.is_consumed("qanat.s@b", "s")) == ("qanat.s", False)
    assert dispatch.is_consumed("qanat.s", "s")
