"""Brokers and stores that stand open are told at the start."""

import pytest

from qanat_common.settings import SharedSettings
from qanat_common.unguarded import is_open, warnings


@pytest.mark.parametrize(
    ("url", "open_to_all"),
    [
        ("redis://valkey:6379/0", True),
        ("redis://10.0.0.7/0", True),
        ("rediss://valkey/0", True),
        ("redis://user@valkey/0", True),
        ("amqp://rabbit//", True),
        ("amqp://guest:guest@rabbit//", True),
        ("amqp://guest:guest@[2001:db8::1]:5672//", True),
        ("redis://:word@valkey/0", False),
        ("amqp://api:word@rabbit//", False),
        ("amqp://guest:guest@127.0.0.1//", False),
        ("amqp://guest:guest@localhost//", False),
        ("redis://[::1]:6379/0", False),
        ("redis+socket:///run/valkey.sock", False),
        ("unix:///run/valkey.sock?db=1", False),
    ],
)
def test_another_machine_needs_a_password_of_ones_own(url: str, open_to_all: bool) -> None:
    assert is_open(url) is open_to_all


def test_what_stands_open_is_told_by_its_setting_and_without_its_address() -> None:
    both = SharedSettings(broker_url="amqp://guest:guest@rabbit//", store_url="redis://valkey/1")
    broker, store = warnings(both)
    assert broker.startswith("broker_url: ")
    assert store.startswith("store_url: ")
    assert "rabbit" not in broker
    assert warnings(SharedSettings()) == []
