"""What this worker says of itself. Pure: who publishes it, and when, is the broker's business."""

import socket
from dataclasses import dataclass
from importlib.metadata import version

from qanat_common.protocol import Announcement, WorkerState, offer_queue_name, queue_name
from qanat_worker.settings import WorkerSettings
from qanat_worker.warm import Capabilities


@dataclass(frozen=True)
class Identity:
    """Who this worker is: `boot` is of this start, and no other worker's."""

    boot: str
    node: str


def identity(settings: WorkerSettings, boot: str) -> Identity:
    """The node name holds the boot: two nodes of one name crash each other on RabbitMQ."""
    return Identity(boot, f"{settings.service}-{boot}@{socket.gethostname()}")


def announcement(
    settings: WorkerSettings,
    who: Identity,
    serial: int,
    state: WorkerState,
    able: Capabilities,
    digest: str,
) -> Announcement:
    """A worker's word about itself; `digest` names its offer in the store."""
    return Announcement(
        boot=who.boot,
        serial=serial,
        node=who.node,
        service=settings.service,
        queue=queue_name(settings.service),
        title=settings.title,
        description=settings.description,
        state=state,
        versions={"qanat-worker": version("qanat-worker")} | able.versions,
        providers=able.providers,
        processes=len(able.offer.processes),
        refused=len(able.offer.refused),
        slots=settings.slots,
        labels=settings.labels,
        sandbox=able.sandbox,
        digest=digest,
        offer_queue=offer_queue_name(settings.service, digest),
    )
