"""The suite of QGIS takes minutes: it runs when it is asked for, by `-m suite`."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "suite: QGIS's own algorithm tests; only with -m suite")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "suite" in config.getoption("markexpr"):
        return
    for item in items:
        if item.get_closest_marker("suite"):
            item.add_marker(pytest.mark.skip(reason="only with -m suite"))
