"""The server and the client are published apart: one version, and no file in both."""

import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def read(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / name).read_text(encoding="utf-8"))


def files(patterns: Iterable[str], folder: Path) -> set[str]:
    """Tell the files that patterns name, a folder meaning all below it."""
    found = {path for pattern in patterns for path in folder.glob(pattern)}
    below = {path for top in found if top.is_dir() for path in top.rglob("*")}
    return {path.relative_to(ROOT).as_posix() for path in found | below if path.is_file() and path.suffix != ".pyc"}


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
    assert f"utterson-client=={version}" in server["project"]["dependencies"]


def test_they_ask_for_the_same_versions(server: dict[str, Any], client: dict[str, Any]) -> None:
    assert set(client["project"]["dependencies"]) <= set(server["project"]["dependencies"])
    for key in ("license", "requires-python"):
        assert client["project"][key] == server["project"][key]


def test_a_client_is_forbidden_what_only_the_server_brings(server: dict[str, Any], client: dict[str, Any]) -> None:
    contracts = server["tool"]["importlinter"]["contracts"]
    (contract,) = [contract for contract in contracts if contract["name"] == "what callers install needs gRPC and protobuf only"]
    of_the_server = set(server["project"]["dependencies"]) - set(client["project"]["dependencies"])
    names = {re.split(r"[=<>]", requirement)[0] for requirement in of_the_server} - {"utterson-client"}
    modules = {
        module
        for module, distributions in packages_distributions().items()
        if names.intersection(name.lower() for name in distributions) and not module.startswith("_")
    }
    assert set(contract["forbidden_modules"]) == modules


def test_every_file_is_in_one_of_them(server: dict[str, Any], client: dict[str, Any]) -> None:
    excluded = server["tool"]["maturin"]["exclude"]
    assert {entry["format"] for entry in excluded} == {"wheel"}
    left_out = files([entry["path"] for entry in excluded], ROOT)
    brought = files(client["tool"]["hatch"]["build"]["only-include"], ROOT / "python")
    assert left_out == brought
    assert "python/utterson/client/client.py" in brought
