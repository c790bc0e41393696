"""The command line that every service has."""

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from qanat_common.command import command
from qanat_common.settings import SharedSettings

ran: list[SharedSettings] = []
app = command("qanat-x", "qanat-common", SharedSettings, ran.append, "Runs x.")


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    ran.clear()


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))  # type: ignore[arg-type]  # it is a Typer
    return result.exit_code, result.output


def test_it_runs_the_service_with_its_settings(tmp_path: Path) -> None:
    path = tmp_path / "q.toml"
    path.write_text('broker_url = "amqp://q:word@mq"\n')
    assert run("-c", str(path), "-d") == (0, "")
    assert [(s.broker_url, s.log.level) for s in ran] == [("amqp://q:word@mq", "debug")]


def test_a_broker_that_stands_open_is_told_and_the_service_runs(tmp_path: Path) -> None:
    path = tmp_path / "q.toml"
    path.write_text('broker_url = "redis://valkey/0"\nlog.format = "json"\n')
    status, text = run("-c", str(path))
    assert status == 0
    assert "broker_url: another machine, and no password" in text
    assert len(ran) == 1


def test_the_dump_is_valid_toml_and_nothing_runs() -> None:
    status, text = run("--dump-config")
    assert status == 0
    assert tomllib.loads(text)["log"] == {"level": "info", "format": "auto"}
    assert ran == []


def test_a_wrong_setting_ends_it_with_a_line_and_status_2(tmp_path: Path) -> None:
    path = tmp_path / "q.toml"
    path.write_text("brokerurl = 1\n")
    status, text = run("--config", str(path))
    assert (status, text) == (
        2,
        "qanat-x: unknown setting brokerurl: did you mean broker_url?\n",
    )


def test_it_tells_its_version() -> None:
    assert run("--version")[1].startswith("qanat-x 0.")


def test_help_teaches_the_options() -> None:
    text = run("--help")[1]
    assert all(option in text for option in ("--debug", "--config", "--dump-config", "QANAT_"))
