"""What the documents name is there: links, and files and folders in backticks."""

import re
from pathlib import Path

import pytest

from tests.docs.blocks import blocks_of
from tests.house.sources import ROOT, files, read, written

DOCUMENTS = written(".md")
# A path in a document is told from one of these.
ROOMS = ("", "python/utterson", "python/utterson/store", "rust_core/engine/src", "tests")
_LINK = re.compile(r"\[[^\]]+\]\((?!https?://)([^)#\s]+)(?:#[^)]*)?\)")
# No link stands in it: expressions do, whose brackets look like one.
_CODE_OF_A_TABLE = re.compile(r"^\| `[^`]*`", re.MULTILINE)
_PATH = re.compile(r"`((?:[\w.-]+/)+(?:[\w-]+\.\w+)?)`")
# Names of messages, commands and protocols that look like paths.
_NO_PATHS = ("utterson.v1.", "grpc.", "application/json")


def prose(name: str) -> str:
    """Tell a document without its fenced blocks."""
    text = read(name)
    for block in blocks_of(text):
        text = text.replace(block.text, "")
    return text


def paths(name: str) -> set[str]:
    return {path for path in _PATH.findall(prose(name)) if not path.startswith(_NO_PATHS)}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    folder = (ROOT / name).parent
    assert [
        link for link in _LINK.findall(_CODE_OF_A_TABLE.sub("|", prose(name))) if not (folder / link).exists()
    ] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_paths_exist(name: str) -> None:
    bases = [ROOT / room for room in ROOMS] + [(ROOT / name).parent]
    assert [path for path in paths(name) if not any((base / path).exists() for base in bases)] == []


def test_paths_are_found() -> None:
    assert "server/front/calls.py" in paths("docs/architecture.md")
    assert "tests/conformance/" in paths("README.md")


def test_every_decision_is_short_numbered_and_whole() -> None:
    decisions = [Path(name) for name in files() if name.startswith("docs/decisions/")]
    assert [path.name[:4] for path in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    for path in decisions:
        text = read(path.as_posix())
        assert text.startswith(f"# {path.name[:4]}: ")
        assert "Status: " in text
        assert re.search(r"^## Decision", text, re.MULTILINE)
        assert len(text.splitlines()) <= 100


@pytest.mark.parametrize("package", sorted(path.name for path in (ROOT / "python/utterson").iterdir() if path.is_dir()))
def test_the_architecture_names_every_room(package: str) -> None:
    if package.startswith(("_", ".")):
        return
    assert f"{package}/" in read("docs/architecture.md")
