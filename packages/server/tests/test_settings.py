"""What the all-in-one makes of the settings, what is in its way, and the command itself."""

import json
import os
import socket
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from qanat.folder import DataFolder
from qanat.parts import service_parts, settings_file
from qanat.problems import CannotStart, check
from qanat.settings import PUBLISHED, Settings, base_url, settle
from qanat_api.settings import Settings as ApiSettings
from qanat_common.settings import load
from qanat_registry.settings import Settings as RegistrySettings
from qanat_worker.settings import Settings as WorkerSettings

ALL_INTERFACES = "0.0.0.0"  # noqa: S104  # not listened on
EMBEDDED = ("redis+socket:///run/s?virtual_host=0", "unix:///run/s?db=1")


def settings(**given: Any) -> Settings:
    return Settings.model_validate(given)


def test_without_urls_everything_lies_in_the_data_folder() -> None:
    settled = settle(settings(server={"data_folder": "/data"}), *EMBEDDED)

    assert (settled.broker_url, settled.store_url) == EMBEDDED
    assert settled.storage_url == "file:///data/storage"
    assert settled.worker.work_folder == Path("/data/work")


def test_urls_that_are_given_stay() -> None:
    given = settings(broker_url="amqp://h//", store_url="redis://h/1", storage_url="s3://b")

    assert not given.embedded
    assert settle(given, "", "") == settle(given, *EMBEDDED)
    assert settle(given, "", "").broker_url == "amqp://h//"


def test_one_url_alone_still_needs_the_embedded_one() -> None:
    assert settings(broker_url="amqp://h//").embedded


def test_the_api_asks_the_registry_where_it_listens_unless_told_otherwise() -> None:
    here = settle(settings(registry={"port": 9999, "host": ALL_INTERFACES}), *EMBEDDED)
    there = settle(settings(api={"registry_url": "http://h:1"}), *EMBEDDED)

    assert here.api.registry_url == "http://127.0.0.1:9999"
    assert there.api.registry_url == "http://h:1"


def test_folders_of_the_data_folder_are_published_from_unless_others_are_given() -> None:
    given = settings(
        server={"data_folder": "/data"}, worker={"qgis": {"models": ["/m"], "plugins": []}}
    )
    qgis = settle(given, *EMBEDDED).worker.qgis
    assert (qgis.models, qgis.scripts, qgis.plugins) == ([Path("/m")], [Path("/data/scripts")], [])


def test_a_data_folder_has_empty_folders_to_publish_from(tmp_path: Path) -> None:
    DataFolder(tmp_path / "data")
    for name in PUBLISHED:
        assert list((tmp_path / "data" / name).iterdir()) == []


def test_the_echo_is_offered_unless_it_is_switched_off() -> None:
    assert settle(settings(), *EMBEDDED).worker.echo
    assert not settle(settings(worker={"echo": False}), *EMBEDDED).worker.echo


def test_worker_and_registry_agree_on_the_beat() -> None:
    assert settle(settings(worker={"beat_seconds": 2}), *EMBEDDED).registry.beat_seconds == 2
    assert settle(settings(registry={"beat_seconds": 2}), *EMBEDDED).worker.beat_seconds == 2


def test_port_0_becomes_a_free_one() -> None:
    settled = settle(settings(api={"port": 0}, registry={"port": 0}), *EMBEDDED)

    assert 0 not in (settled.api.port, settled.registry.port)
    assert settled.api.registry_url.endswith(f":{settled.registry.port}")


def test_addresses_are_such_that_this_machine_reaches_them() -> None:
    hosts = ["127.0.0.1", ALL_INTERFACES, "::", "::1", "example.org"]

    assert [base_url(host, 1) for host in hosts] == [
        *("http://127.0.0.1:1", "http://127.0.0.1:1"),
        *("http://[::1]:1", "http://[::1]:1", "http://example.org:1"),
    ]


def test_each_service_reads_its_settings_from_the_file_that_is_handed_over(tmp_path: Path) -> None:
    given = settings(
        broker_url="amqp://user:secret@h//",
        server={"data_folder": tmp_path},
        api={"title": 'A "title"'},
        worker={"labels": {"zone": "a"}, "limits": {"wall_seconds": 7}},
    )
    settled = settle(given, *EMBEDDED)

    with settings_file(settled, tmp_path) as file:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        api = load(ApiSettings, file, environ={}).settings
        registry = load(RegistrySettings, file, environ={}).settings
        worker = load(WorkerSettings, file, environ={}).settings
    assert not file.exists()

    assert api.broker_url == registry.broker_url == worker.broker_url == given.broker_url
    assert (api.api, registry.registry, worker.worker) == (
        settled.api,
        settled.registry,
        settled.worker,
    )


def test_command_lines_and_environments_of_the_parts_hold_no_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QANAT_STORE_URL", "redis://:secret@h/1")

    parts = service_parts(settle(settings(), *EMBEDDED), tmp_path / "settings.toml")

    assert [part.name for part in parts] == ["registry", "worker", "api"]
    assert not any("QANAT_STORE_URL" in part.environment for part in parts)
    assert not any("secret" in " ".join(part.command) for part in parts)


def test_a_taken_port_is_told_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        given = settle(settings(api={"port": port}, registry={"port": 0}), *EMBEDDED)

        with pytest.raises(CannotStart, match=rf"port {port}: Address already in use.*api\.port"):
            check(given)


def test_an_address_that_others_reach_needs_a_word_on_who_may_do_what() -> None:
    with pytest.raises(CannotStart, match=r"api\.access\.open = true"):
        check(settings(api={"host": ALL_INTERFACES, "port": 0}, registry={"port": 0}))


def test_keys_and_rules_go_on_to_the_parts(tmp_path: Path) -> None:
    key = {"name": "alice", "sha256": "0" * 64, "roles": ["admin"]}
    given = settings(api={"access": {"keys": [key], "rules": [{"roles": ["user"], "actions": []}]}})
    with settings_file(given, tmp_path) as file:
        read = load(ApiSettings, file, environ={}).settings.api.access
    assert read == given.api.access


def test_api_and_registry_on_one_port_are_told_too() -> None:
    registry = settle(settings(registry={"port": 0}), *EMBEDDED).registry
    given = settings(registry={"port": registry.port}, api={"port": registry.port})

    with pytest.raises(CannotStart, match=r"api\.port"):
        check(settle(given, *EMBEDDED))


def pyqgiswps(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "qanat", *args],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_dump_config_prints_the_settings_of_all_parts() -> None:
    done = pyqgiswps("--dump-config", QANAT_API__PORT="1234")

    found = tomllib.loads(done.stdout)
    assert {"api", "registry", "worker", "server"} <= set(found)
    assert found["api"]["port"] == 1234
    assert done.returncode == 0


def test_an_unknown_setting_is_told_with_the_nearest(tmp_path: Path) -> None:
    config = tmp_path / "qanat.toml"
    config.write_text("[server]\ndata_foldr = '/x'\n")

    done = pyqgiswps("-c", str(config))

    assert done.returncode == 2
    assert "server.data_folder" in done.stderr


def test_a_start_that_fails_is_one_line_and_status_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = pyqgiswps(
            QANAT_API__PORT=port, QANAT_SERVER__DATA_FOLDER=str(tmp_path), QANAT_REGISTRY__PORT="0"
        )

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert f"port {port}" in done.stderr
    assert "api.port" in done.stderr


def test_a_missing_qgis_is_told_with_what_installs_it(tmp_path: Path) -> None:
    ended = pyqgiswps(
        QANAT_SERVER__DATA_FOLDER=str(tmp_path / "data"),
        QANAT_API__PORT="0",
        QANAT_REGISTRY__PORT="0",
        QANAT_WORKER__QGIS__PYTHON_PATHS=json.dumps([str(tmp_path)]),
    )
    assert ended.returncode == 1
    assert "apt install python3-qgis" in ended.stderr
