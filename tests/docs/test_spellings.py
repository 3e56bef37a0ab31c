"""Tables of the documents that say what data files say: spellings of phone numbers, named lists of blocked values."""

import pytest

from tests.house.sources import read

ENGINE = "rust_core/engine/src/"
LISTS = ["placeholders", "zeros", "repeated"]


def entries(name: str) -> list[list[str]]:
    """Read the lines of a data file that are no comments, split at their tabs."""
    return [line.split("\t") for line in read(name).splitlines() if line and not line.startswith("# ")]


def rows(page: str) -> list[list[str]]:
    """Read the cells of a page's tables, without their code marks, and without heads."""
    cells = [line[2:-2].split(" | ") for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip("`").replace(r"\|", "|") for cell in row] for row in cells]


def test_the_page_of_phone_numbers_shows_every_spelling() -> None:
    page = read("docs/phone-numbers.md")
    data = [[region or "none", *rest] for region, *rest in entries(ENGINE + "normalize/phone/spellings.tsv")]
    assert rows(page)[1:] == data


@pytest.mark.parametrize("name", LISTS)
def test_the_page_of_blocked_lists_shows_every_entry(name: str) -> None:
    page = read("docs/blocked-lists.md").partition(f"## {name.upper()}")[2].partition("## ")[0]
    assert rows(page)[1:] == entries(f"{ENGINE}policy/lists/{name}.txt")
