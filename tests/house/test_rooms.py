"""Rooms: the import contracts leave no package out, public things have docstrings, the extension's stub is true."""

import subprocess
import sys
import tomllib
from typing import Any, Final

import pytest

from tests.house.sources import ROOT, read

# Generated code imports what it imports.
GENERATED: Final = {"v1", "internal"}
# Who may know an outside library; every other package must be forbidden to.
MAY_KNOW: Final = {
    "asyncpg": {"store"},
    "grpc": {"server", "main", "client", "cli"},
}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads(read("pyproject.toml"))


def packages() -> set[str]:
    """Tell the rooms: what stands directly in the package, but for the compiled extension."""
    room = ROOT / "python" / "utterson"
    names = {path.stem for path in room.glob("*.py")} | {path.parent.name for path in room.glob("*/__init__.py")}
    return names - {"__init__"}


def contracts(project: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    return found


def test_every_package_has_its_layer(project: dict[str, Any]) -> None:
    (layers,) = [contract for contract in contracts(project) if contract.get("containers") == ["utterson"]]
    named = {name.strip() for layer in layers["layers"] for name in layer.replace(":", "|").split("|")}
    assert named == packages()


@pytest.mark.parametrize("library", MAY_KNOW)
def test_every_other_package_is_forbidden_an_outside_library(project: dict[str, Any], library: str) -> None:
    forbidding = [contract for contract in contracts(project) if library in contract.get("forbidden_modules", ())]
    forbidding = [contract for contract in forbidding if contract["name"].startswith("only ")]
    forbidden = {module.removeprefix("utterson.") for contract in forbidding for module in contract["source_modules"]}
    assert forbidden == packages() - MAY_KNOW[library] - GENERATED


def test_a_client_is_forbidden_everything_but_the_api(project: dict[str, Any]) -> None:
    (contract,) = [contract for contract in contracts(project) if contract["name"].startswith("a client")]
    forbidden = {module.removeprefix("utterson.") for module in contract["forbidden_modules"]}
    assert forbidden == packages() - {"client", "v1"}


def test_everything_in_the_server_but_its_listeners_is_shared(project: dict[str, Any]) -> None:
    (contract,) = [contract for contract in contracts(project) if contract["name"].startswith("what every listener")]
    room = ROOT / "python" / "utterson" / "server"
    shared = {path.stem for path in room.glob("*.py")} - {"__init__"}
    assert {module.removeprefix("utterson.server.") for module in contract["source_modules"]} == shared


def test_what_every_listener_shares_is_imported_without_grpc(project: dict[str, Any]) -> None:
    (contract,) = [contract for contract in contracts(project) if contract["name"].startswith("what every listener")]
    modules = ", ".join(contract["source_modules"])
    program = f"import sys, {modules}; sys.exit(any(name.split('.')[0] == 'grpc' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_docstrings_are_asked_for(project: dict[str, Any]) -> None:
    lint = project["tool"]["ruff"]["lint"]
    assert "D" in lint["select"]
    # Special methods and constructors are told by their class.
    assert {rule for rule in lint["ignore"] if rule.startswith("D")} == {"D105", "D107"}
    spared = {place for place, rules in lint["per-file-ignores"].items() if "D" in rules}
    assert spared <= {"tests/**", "benchmarks/**", "**/*.pyi"}


def test_types_are_asked_for(project: dict[str, Any]) -> None:
    mypy = project["tool"]["mypy"]
    assert mypy["strict"]
    assert set(mypy["files"]) >= {"python", "tests"}
    loosened = [
        entry["module"]
        for entry in mypy["overrides"]
        if not set(entry) <= {"module", "follow_imports", "ignore_missing_imports"}
    ]
    assert not loosened


def test_the_front_door_checks_all_of_it() -> None:
    makefile = read("Makefile")
    for check in (
        "ruff check",
        "ruff format --check",
        "mypy",
        "lint-imports",
        "buf lint",
        "buf breaking",
        "cargo clippy",
        "cargo test",
        "pytest",
    ):
        assert check in makefile
    assert "make test" in read(".ci/run")


def test_the_stub_of_the_extension_is_true() -> None:
    """Without an allow-list: whatever the stub says is so."""
    command = [sys.executable, "-m", "mypy.stubtest", "utterson._core"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
