"""The glossary of docs/architecture.md: every name that it gives to a word exists in the layer that it says."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from tests.house.sources import read, written

PAGE = "docs/architecture.md"
STUBS = [f"python/utterson/{name}.pyi" for name in ("_core", "_core_audit", "_core_front")]
LAYERS = ("Rust", "stub", "Python")


@dataclass(frozen=True)
class Name:
    """One name of a word, such as `State.replay`, and the layer that has it."""

    word: str
    layer: str
    name: str


def rows() -> Iterator[list[str]]:
    """Read the rows of the glossary's tables: the word, what it is, and a cell for each layer."""
    section = read(PAGE).split("\n## Words\n")[1].split("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[0] not in {"word", "---"}:
            yield cells


def names() -> list[Name]:
    return [
        Name(word, layer, name)
        for word, _, *cells in rows()
        for layer, cell in zip(LAYERS, cells, strict=True)
        for name in re.findall(r"`([\w.]+)`", cell)
    ]


@cache
def defined(layer: str) -> set[str]:
    """Tell what a layer defines: types, functions and constants; of Rust the variants of enums too."""
    if layer == "Rust":
        text = "\n".join(read(file) for file in written(".rs") if file.startswith("rust_core/"))
        found = re.findall(r"\b(?:struct|enum|trait|type|fn|const|mod) (\w+)", text)
        return {*found, *re.findall(r"^ {4}([A-Z]\w+)(?= \{|\(|,| =)", text, re.MULTILINE)}
    files = STUBS if layer == "stub" else [file for file in written(".py") if file.startswith("python/")]
    text = "\n".join(map(read, files))
    return {*re.findall(r"\b(?:class|def) (\w+)", text), *re.findall(r"^(\w+)(?:: \w+)? = ", text, re.MULTILINE)}


@pytest.mark.parametrize("name", names(), ids=lambda name: f"{name.layer} {name.name}")
def test_a_name_exists(name: Name) -> None:
    missing = [part for part in name.name.split(".") if part not in defined(name.layer)]
    assert not missing, f"the word {name.word!r} has another name in {name.layer}"


def test_the_tables_are_read() -> None:
    assert len(names()) > 60
    assert len({word for word, *_ in rows()}) > 40


def test_a_word_stands_once() -> None:
    words = [word for cells in rows() for word in cells[0].split(", ")]
    assert len(words) == len(set(words))
