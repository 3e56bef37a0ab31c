"""The server and the client are published apart: one version, the same needs, and a word where they do not fit."""

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from utterson.cli.installed import require_one_version
from utterson.domain.startup import StartupError

ROOT = Path(__file__).resolve().parents[2]


def read(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def server() -> dict[str, Any]:
    return read("pyproject.toml")


@pytest.fixture(scope="module")
def client() -> dict[str, Any]:
    return read("python/pyproject.toml")


def test_there_is_one_version(server: dict[str, Any], client: dict[str, Any]) -> None:
    version = server["project"]["version"]
    assert client["project"]["version"] == version
    assert read("Cargo.toml")["workspace"]["package"]["version"] == version


def test_they_ask_for_the_same_versions(server: dict[str, Any], client: dict[str, Any]) -> None:
    assert set(client["project"]["dependencies"]) <= set(server["project"]["dependencies"])
    for key in ("license", "requires-python"):
        assert client["project"][key] == server["project"][key]


def test_a_client_is_forbidden_what_only_the_server_brings(server: dict[str, Any], client: dict[str, Any]) -> None:
    contracts = server["tool"]["importlinter"]["contracts"]
    (contract,) = [contract for contract in contracts if contract["name"].startswith("what callers install")]
    of_the_server = set(server["project"]["dependencies"]) - set(client["project"]["dependencies"])
    names = {re.split(r"[=<>]", requirement)[0] for requirement in of_the_server}
    modules = {
        module
        for module, distributions in packages_distributions().items()
        if names.intersection(name.lower() for name in distributions) and not module.startswith("_")
    }
    assert set(contract["forbidden_modules"]) == modules


def test_a_client_beside_a_server_of_another_version_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"utterson": "0.2.0", "utterson-client": "0.2.0"}
    monkeypatch.setattr("utterson.cli.installed.version", installed.__getitem__)
    require_one_version()
    installed["utterson-client"] = "0.3.0"
    with pytest.raises(StartupError, match=r"^utterson 0\.2\.0 and utterson-client 0\.3\.0 are installed here"):
        require_one_version()


def test_a_server_alone_is_in_order() -> None:
    require_one_version()
