"""docs/guarantees.md: every promise names a test, and every test that the page names is there."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import PurePosixPath

import pytest

from tests.house.sources import files, read

PAGE = "docs/guarantees.md"
# FILE::FUNCTION[CASE]; without a file it is that of the one before in the row.
_NAME = re.compile(r"`([\w./-]*)::(\w+)(?:\[([\w -]+)\])?`")
_PYTHON_TEST = re.compile(r"^(?:async )?def (test_\w+)\(", re.MULTILINE)
_RUST_TEST = re.compile(r"#\[(?:tokio::)?test\b[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn (\w+)\(")
_PROMISES = "| promise | test | limit |"


def rows(text: str) -> Iterator[list[str]]:
    """Tell the rows of the tables of promises, by their cells."""
    is_promise = False
    for line in text.splitlines():
        is_promise = line == _PROMISES or (is_promise and line.startswith("|"))
        if is_promise and line != _PROMISES and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


@cache
def functions_of(file: str) -> frozenset[str]:
    """Tell the tests of a file; none where there is no such file."""
    if file not in files():
        return frozenset()
    pattern = _RUST_TEST if file.endswith(".rs") else _PYTHON_TEST
    return frozenset(pattern.findall(read(file)))


def has_case(file: str, case: str) -> bool:
    """Tell whether a test's case is named in the folder of its file."""
    folder = PurePosixPath(file).parent.as_posix() + "/"
    return any(
        re.search(rf"\b{re.escape(case)}\b", read(name))
        for name in files()
        if name.startswith(folder) and name.endswith(".py")
    )


def missing(text: str) -> list[str]:
    """Tell the tests that a text names and nobody has."""
    found: list[str] = []
    for line in text.splitlines():
        file = ""
        for named, function, case in _NAME.findall(line):
            file = named or file
            if function not in functions_of(file) or (case and not has_case(file, case)):
                found.append(f"{file}::{function}" + (f"[{case}]" if case else ""))
    return found


def test_every_test_that_is_named_is_there() -> None:
    assert missing(read(PAGE)) == []
    assert len(_NAME.findall(read(PAGE))) > 150, "the names are not read"


def test_every_promise_has_a_test_and_says_its_limit() -> None:
    told = list(rows(read(PAGE)))
    assert len(told) > 60, "the tables are not read"
    assert [cells[0] for cells in told if len(cells) != len(_PROMISES.strip("|").split(" | "))] == []
    assert [promise for promise, tests, _ in told if not _NAME.search(tests)] == []


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("`tests/docs/test_links.py::test_paths_exist`, `::test_paths_are_found`", []),
        ("`tests/docs/test_links.py::test_paths_exist`, `::paths`", ["tests/docs/test_links.py::paths"]),
        ("`tests/docs/test_gone.py::test_paths_exist`", ["tests/docs/test_gone.py::test_paths_exist"]),
        ("`::test_paths_exist`", ["::test_paths_exist"]),
        ("`rust_core/front/tests/front/room.rs::whoever_has_calls_that_only_rest_makes_room_for_newcomers`", []),
        ("`rust_core/engine/src/keyed/permutation.rs::id_of`", ["rust_core/engine/src/keyed/permutation.rs::id_of"]),
        ("`tests/docs/test_links.py::test_paths_exist[house]`", []),
        ("`tests/docs/test_links.py::test_paths_exist[" + "no_such" + "_case]`",
         ["tests/docs/test_links.py::test_paths_exist[" + "no_such" + "_case]"]),
    ],
)  # fmt: skip
def test_what_is_not_there_is_noticed(text: str, lost: list[str]) -> None:
    assert missing(text) == lost


def test_a_promise_without_a_test_is_noticed() -> None:
    page = f"{_PROMISES}\n|---|---|---|\n| One. | `a.py::test_b` | |\n| Two. | no test | |\n\n| with | without |\n"
    assert [(cells[0], bool(_NAME.search(cells[1]))) for cells in rows(page)] == [("One.", True), ("Two.", False)]
