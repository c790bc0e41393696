"""Settings: layers, unknown keys, what the dump shows."""

import tomllib
from pathlib import Path

import pytest
from pydantic import Field, SecretStr

from qanat_common.settings import Section, SettingsError, SharedSettings, dump, load


class ApiSettings(Section):
    port: int = Field(default=9080, ge=1, le=65535, description="Where it listens.")
    public_url: str | None = None
    hosts: list[str] = Field(default_factory=list)
    key: SecretStr | None = None


class Settings(SharedSettings):
    api: ApiSettings = Field(default_factory=ApiSettings)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "qanat.toml"
    path.write_text("[api]\nport = 1000\nhosts = ['a']\n[worker]\nslots = 7\n")
    return path


def test_each_layer_goes_before_the_one_below(file: Path) -> None:
    environ = {"QANAT_API__PORT": "2000", "QANAT_LOG__LEVEL": "error"}
    assert load(Settings, None, environ={}).settings.api.port == 9080
    assert load(Settings, file, environ={}).settings.api.port == 1000
    assert load(Settings, file, environ=environ).settings.api.port == 2000
    loaded = load(Settings, file, {"log": {"level": "debug"}}, environ)
    assert loaded.settings.log.level == "debug"
    assert loaded.sources == {
        ("api", "port"): "environment",
        ("api", "hosts"): "file",
        ("log", "level"): "command line",
    }


@pytest.mark.parametrize(
    ("text", "environ", "words"),
    [
        ("[api]\nprot = 1", {}, "unknown setting api.prot: did you mean api.port?"),
        ("brokr_url = 'x'", {}, "unknown setting brokr_url: did you mean broker_url?"),
        (
            "",
            {"QANAT_API__PROT": "1"},
            "unknown setting QANAT_API__PROT: did you mean QANAT_API__PORT?",
        ),
        ("", {"QANAT_ZZZ": "1"}, "known are broker_url, store_url"),
        ("[api]\nport = 'x'", {}, r"api.port = 'x': .* valid integer"),
        ("", {"QANAT_API__PORT": "0"}, r"QANAT_API__PORT = '0': .*\(from: environment\)"),
        ("api = 3", {}, "api = 3"),
        ("[api", {}, "not TOML"),
        ("", {"QANAT_API__HOSTS": "[1"}, "QANAT_API__HOSTS: not JSON"),
    ],
)
def test_a_wrong_setting_is_named_with_what_would_be_right(
    tmp_path: Path, text: str, environ: dict[str, str], words: str
) -> None:
    path = tmp_path / "qanat.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=words):
        load(Settings, path, environ=environ)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(Settings, tmp_path / "none.toml", environ={})


def test_lists_come_from_the_environment_as_json_and_secrets_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    environ = {"QANAT_API__HOSTS": '["a", "b"]', "QANAT_API__KEY_FILE": str(secret)}
    settings = load(Settings, environ=environ).settings
    assert settings.api.hosts == ["a", "b"]
    assert settings.api.key is not None
    assert settings.api.key.get_secret_value() == "s3cret"


def test_the_dump_is_toml_that_gives_the_same_settings_without_secrets(file: Path) -> None:
    environ = {"QANAT_API__KEY": "s3cret", "QANAT_BROKER_URL": "amqp://me:pw@mq/"}
    text = dump(load(Settings, file, environ=environ))
    values = tomllib.loads(text)
    assert values["api"] == {"port": 1000, "hosts": ["a"], "key": "***"}
    assert values["broker_url"] == "amqp://me:***@mq/"
    assert "s3cret" not in text
    assert "pw" not in text
    assert "# Where it listens.\nport = 1000 # file" in text
    assert "# public_url =  # default: not set" in text
