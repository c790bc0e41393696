"""What api, registry and workers tell Celery alike, as data: each of them makes its own app of it.

The reasons, with measurements: `docs/explanation/decisions` and the settings' comments here.
"""

from typing import Any

EXCHANGE = "qanat"
"""The direct exchange of the job queues; the routing key is the queue's name."""

LONGEST_JOB_SECONDS = 86_400
"""No job runs longer: a broker that takes a message back from a silent worker waits this long."""


OFFER_QUEUE_SECONDS = 86_400
"""How long RabbitMQ keeps the queue of an offer that no worker has any more."""


def queue_arguments(name: str = "") -> dict[str, Any]:
    """The arguments of a job queue on RabbitMQ: frozen, every service declares them alike.

    A quorum queue survives its node. Deliveries are limited by the job record, which can tell a
    client why; the broker's limit only stops a message that no worker can even read.
    """
    own = {"x-expires": OFFER_QUEUE_SECONDS * 1000} if "@" in name else {}
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": 50,
        "x-consumer-timeout": LONGEST_JOB_SECONDS * 1000,
        **own,
    }


def celery_settings(broker_url: str) -> dict[str, Any]:
    """The configuration of a Celery app that sends or runs jobs."""
    return {
        "broker_url": broker_url,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_heartbeat": 10,
        "broker_transport_options": _transport_options(broker_url),
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "worker_send_task_events": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
        "task_default_exchange": EXCHANGE,
        "task_create_missing_queues": False,
    }


def _transport_options(broker_url: str) -> dict[str, Any]:
    """What differs between the brokers: by the scheme of the URL, and only here."""
    if broker_url.startswith(("amqp", "pyamqp")):
        return {"confirm_publish": True}
    return {
        "visibility_timeout": LONGEST_JOB_SECONDS,
        "socket_timeout": 10,
        "socket_connect_timeout": 3,
    }
