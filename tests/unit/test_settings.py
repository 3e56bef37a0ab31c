"""The process settings: where they come from, what is refused, and the options made from them."""

import os
import re
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from utterson.cli.app import app
from utterson.domain.startup import StartupError
from utterson.settings.database import DatabaseSettings, default_data_dir
from utterson.settings.failpoints import FailpointSettings
from utterson.settings.lanes import Consistency, LaneSettings
from utterson.settings.listening import ListeningSettings, Reflection
from utterson.settings.logging import LogFormat, LoggingSettings
from utterson.settings.process import Settings, load_settings
from utterson.settings.soundness import SoundnessSettings


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("UTTERSON_"):
            monkeypatch.delenv(name)


def _file(folder: Path, text: str) -> Path:
    path = folder / "utterson.toml"
    path.write_text(text)
    return path


def test_defaults() -> None:
    settings = load_settings(None, {})
    assert settings.listen == "127.0.0.1:50051"
    assert settings.data_dir == default_data_dir()
    assert settings.default_consistency is Consistency.STRONG
    assert settings.receive_bytes_max == 33_554_432
    assert settings.database_url is None


def test_options_beat_the_environment_and_the_environment_beats_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _file(tmp_path, "staleness_ms = 1\nhead_poll_ms = 1\ngather_ms_max = 1\n")
    monkeypatch.setenv("UTTERSON_STALENESS_MS", "2")
    monkeypatch.setenv("UTTERSON_HEAD_POLL_MS", "2")
    settings = load_settings(file, {"staleness_ms": 3})
    assert (settings.staleness_ms, settings.head_poll_ms, settings.gather_ms_max) == (3, 2, 1)


def test_types_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UTTERSON_LOG_FORMAT", "json")
    monkeypatch.setenv("UTTERSON_DATA_DIR", "/somewhere")
    settings = load_settings(None, {})
    assert settings.log_format is LogFormat.JSON
    assert settings.data_dir == Path("/somewhere")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"listen": "50051"}, "listen: write it as HOST:PORT"),
        ({"listen": "localhost:65536"}, "listen: write it as HOST:PORT"),
        ({"listen": ":50051"}, "listen: write it as HOST:PORT"),
        ({"staleness_ms": 0}, "staleness_ms: Input should be greater than or equal to 1"),
        ({"batch_calls_max": 0}, "batch_calls_max"),
        ({"default_consistency": "weak"}, "default_consistency: .*'strong' or 'local'"),
    ],
)
def test_wrong_values_are_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(StartupError, match=sentence):
        load_settings(None, options)


def test_unknown_setting_in_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="no setting named stalenes_ms"):
        load_settings(_file(tmp_path, "stalenes_ms = 5\n"), {})


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("UTTERSON_STALENES_MS", "UTTERSON_STALENES_MS names no setting, did you mean UTTERSON_STALENESS_MS?"),
        ("utterson_lissten", "utterson_lissten names no setting, did you mean UTTERSON_LISTEN?"),
        ("UTTERSON_ZZZZZZZZZ", "the variable UTTERSON_ZZZZZZZZZ names no setting$"),
        ("UTTERSON_zz\n9", "the variable UTTERSON_zz\\n9 names no setting$"),
    ],
)
def test_a_variable_that_names_no_setting_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, "hyde")
    with pytest.raises(StartupError, match=re.escape(sentence.removesuffix("$")) + "$") as caught:
        load_settings(None, {})
    assert "hyde" not in str(caught.value)


def test_what_kubernetes_gives_to_every_pod_beside_the_service_is_let_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    for service in ("UTTERSON", "UTTERSON_CANARY"):
        monkeypatch.setenv(f"{service}_SERVICE_HOST", "10.0.0.7")
        monkeypatch.setenv(f"{service}_SERVICE_PORT", "50051")
        monkeypatch.setenv(f"{service}_SERVICE_PORT_GRPC", "50051")
        monkeypatch.setenv(f"{service}_PORT", "tcp://10.0.0.7:50051")
        for part in ("", "_PROTO", "_PORT", "_ADDR"):
            monkeypatch.setenv(f"{service}_PORT_50051_TCP{part}", "tcp")
    load_settings(None, {})
    monkeypatch.delenv("UTTERSON_SERVICE_HOST")
    with pytest.raises(StartupError, match="UTTERSON_PORT names no setting"):
        load_settings(None, {})


def test_a_variable_in_lower_case_counts_as_the_tools_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("utterson_staleness_ms", "7")
    assert load_settings(None, {}).staleness_ms == 7


def test_the_nearest_setting_is_named_for_a_key_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"no setting named stalenes_ms, did you mean staleness_ms\?"):
        load_settings(_file(tmp_path, "stalenes_ms = 5\n"), {})


def test_a_group_has_the_same_defaults_as_the_whole() -> None:
    whole = load_settings(None, {})
    groups = (
        ListeningSettings, DatabaseSettings, LaneSettings, SoundnessSettings, LoggingSettings, FailpointSettings,
    )  # fmt: skip
    for group in groups:
        for name, value in group():
            assert getattr(whole, name) == value


def test_broken_or_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="cannot be read"):
        load_settings(_file(tmp_path, "listen = \n"), {})
    with pytest.raises(StartupError, match="does not exist"):
        load_settings(tmp_path / "absent.toml", {})


def test_password_is_neither_shown_nor_in_errors() -> None:
    settings = load_settings(None, {"database_url": "postgresql://jekyll:hyde@host/db"})
    assert "hyde" not in repr(settings)
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://jekyll:hyde@host/db"
    with pytest.raises(StartupError) as caught:
        load_settings(None, {"database_url": "mysql://jekyll:hyde@host/db"})
    assert "hyde" not in str(caught.value)


@pytest.mark.parametrize(
    ("listen", "reflection", "served"),
    [
        ("127.0.0.1:1", Reflection.AUTO, True),
        ("127.9.9.9:1", Reflection.AUTO, True),
        ("localhost:1", Reflection.AUTO, True),
        ("[::1]:1", Reflection.AUTO, True),
        ("0.0.0.0:1", Reflection.AUTO, False),
        ("[::]:1", Reflection.AUTO, False),
        ("10.1.2.3:1", Reflection.AUTO, False),
        ("example.org:1", Reflection.AUTO, False),
        ("0.0.0.0:1", Reflection.ON, True),
        ("127.0.0.1:1", Reflection.OFF, False),
    ],
)
def test_reflection_is_served_by_itself_on_loopback_only(listen: str, reflection: Reflection, served: bool) -> None:
    assert load_settings(None, {"listen": listen, "reflection": reflection}).serves_reflection is served


def test_every_setting_is_described_and_is_an_option() -> None:
    shown = re.sub(r"\s+", " ", CliRunner().invoke(app, ["serve", "--help"]).output)
    for name, field in Settings.model_fields.items():
        assert field.description
        is_shown = name not in FailpointSettings.model_fields
        assert (f"--{name.replace('_', '-')} " in shown) is is_shown
        assert (f"UTTERSON_{name.upper()}" in shown) is is_shown


def test_what_is_for_tests_is_an_option_that_the_help_does_not_show() -> None:
    result = CliRunner().invoke(app, ["serve", "--failpoint", "nowhere"])
    assert result.exit_code != 0
    assert "after_decide" in result.output
    for command in ("serve", "demo"):
        assert "failpoint" not in CliRunner().invoke(app, [command, "--help"]).output


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"utterson {version('utterson')}\n")


def test_settings_cannot_be_changed() -> None:
    settings = load_settings(None, {})
    with pytest.raises(ValueError, match="frozen"):
        settings.listen = "0.0.0.0:1"


def test_the_address_can_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "address"
    file.write_text("postgresql://utterson:carew@db/x\n")
    settings = load_settings(None, {"database_url_file": file})
    assert settings.database_address == "postgresql://utterson:carew@db/x"
    assert "carew" not in repr(settings)
    file.unlink()
    with pytest.raises(StartupError, match=r"database_url_file .* cannot be read"):
        _ = settings.database_address


@pytest.mark.parametrize("content", ["mysql://u:carew@db/x", "", "\udcff"])
def test_a_file_without_an_address_is_refused_and_not_told(tmp_path: Path, content: str) -> None:
    file = tmp_path / "address"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(StartupError, match="database_url_file") as caught:
        load_settings(None, {"database_url_file": file})
    assert "carew" not in str(caught.value)


def test_a_missing_file_and_two_addresses_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"database_url_file .* cannot be read"):
        load_settings(None, {"database_url_file": tmp_path / "none"})
    file = tmp_path / "address"
    file.write_text("postgresql://db/x")
    with pytest.raises(StartupError, match="not both"):
        load_settings(None, {"database_url_file": file, "database_url": "postgresql://db/y"})


def test_without_either_the_embedded_one_is_used() -> None:
    assert load_settings(None, {}).database_address is None
    assert load_settings(None, {"database_url": "postgresql://db/x"}).database_address == "postgresql://db/x"
