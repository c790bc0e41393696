"""The users and the policy for RabbitMQ that docs/how-to/brokers.md gives: enough, and not more."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import amqp
import httpx2
import pytest

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "brokers.md"
CONTROL = "/usr/lib/rabbitmq/bin/rabbitmqctl"
VHOST, PASSWORD = "qanat", "a long password"
EXECUTION = "processes/fake:echo/execution"


def definitions() -> dict[str, Any]:
    """What the commands of the page make, in the form in which RabbitMQ takes it at once."""
    text = PAGE.read_text("utf-8")
    rights = re.findall(
        r"^rabbitmqctl set_permissions -p qanat (\w+)\s+'(.*)' '(.*)' '(.*)'$", text, re.MULTILINE
    )
    ((name, pattern, definition),) = re.findall(
        r"^rabbitmqctl set_policy -p qanat (\w+) '(.*?)' '(.*?)'", text, re.MULTILINE
    )
    kinds = ("configure", "write", "read")
    return {
        "vhosts": [{"name": VHOST}],
        "users": [{"name": user, "password": PASSWORD, "tags": ""} for user, *_ in rights],
        "permissions": [
            {"user": user, "vhost": VHOST, **dict(zip(kinds, given, strict=True))}
            for user, *given in rights
        ],
        "policies": [
            {
                "vhost": VHOST,
                "name": name,
                "pattern": pattern,
                "apply-to": "queues",
                "priority": 0,
                "definition": json.loads(definition),
            }
        ],
    }


@pytest.fixture
def address(rabbitmq_server: Any, tmp_path: Path) -> Callable[[str], str]:
    """The address of the broker for a user."""
    file = tmp_path / "definitions.json"
    file.write_text(json.dumps(definitions()))
    done = subprocess.run(
        [CONTROL, "-n", rabbitmq_server.environ["RABBITMQ_NODENAME"], "import_definitions", file],
        env={"PATH": "/usr/bin:/bin"} | rabbitmq_server.environ,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    where = urlsplit(rabbitmq_server.broker_url)
    return lambda user: f"amqp://{user}:a%20long%20password@{where.hostname}:{where.port}/{VHOST}"


@pytest.fixture
def least(cluster: Any, address: Callable[[str], str]) -> Any:
    """The cluster, each service of which is a user of its own."""
    for service in ("registry", "worker", "api"):
        cluster.environ["QANAT_BROKER_URL"] = address(service)
        cluster.kill(service)
        cluster.start(service)
    cluster.wait_for("fake:echo", 60)
    return cluster


@pytest.mark.parametrize("servers", ["debian"], indirect=True)
def test_services_do_all_their_work_with_the_rights_of_the_page(
    least: Any, address: Callable[[str], str], until: Callable[..., Any]
) -> None:
    body = {"inputs": {"x": "y"}}
    assert httpx2.post(f"{least.url}/{EXECUTION}", json=body, timeout=60).status_code == 200

    nap = {"inputs": {"x": 20}}
    later = {"Prefer": "respond-async"}
    job = httpx2.post(
        f"{least.url}/processes/fake:nap/execution", json=nap, headers=later, timeout=60
    ).headers["Location"]
    until(lambda: httpx2.get(job).json()["status"] == "running", 60)
    least.kill("worker")
    least.environ["QANAT_BROKER_URL"] = address("worker")
    least.start("worker")
    until(lambda: httpx2.get(job).json()["status"] == "running", 60)
    assert httpx2.delete(job, timeout=30).status_code == 200
    for service in ("registry", "worker", "api"):
        assert "ACCESS_REFUSED" not in least.log(service)


@pytest.mark.parametrize("user", ["api", "registry", "worker"])
def test_a_user_may_do_nothing_else(address: Callable[[str], str], user: str) -> None:
    where = urlsplit(address(user))
    with (
        amqp.Connection(
            f"{where.hostname}:{where.port}", userid=user, password=PASSWORD, virtual_host=VHOST
        ) as connection,
        pytest.raises(amqp.AccessRefused),
    ):
        connection.channel().queue_declare("somebody-elses")
