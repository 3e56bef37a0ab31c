"""The tables of one named Unicode version, never the interpreter's (C8), and what C1 does with them alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast


class UnicodeDatabase(Protocol):
    """The part of unicodedata2 that is used; the package has no type hints."""

    unidata_version: str

    def normalize(self, form: str, text: str, /) -> str:
        """Bring a text into a normalization form."""
        ...

    def category(self, character: str, /) -> str:
        """Return a character's general category."""
        ...

    def bidirectional(self, character: str, /) -> str:
        """Return a character's bidirectional class."""
        ...

    def combining(self, character: str, /) -> int:
        """Return a character's canonical combining class."""
        ...

    def decimal(self, character: str, default: int, /) -> int:
        """Return a decimal digit's value, or the default."""
        ...


unicodedata2 = cast(UnicodeDatabase, import_module("unicodedata2"))

CAPITAL_SIGMA = 0x3A3
FINAL_SIGMA = "\u03c2"
VARIATION_SELECTOR_16 = "\ufe0f"


class UnicodeTables:
    """Case mappings, white space and emoji of one Unicode version; see unicode_tables.mjs for their origin."""

    def __init__(self, path: Path) -> None:
        self.version = ""
        self.fold: dict[int, str] = {}
        self.lower: dict[int, str] = {}
        self.points: dict[str, set[int]] = {"cased": set(), "case_ignorable": set(), "white_space": set()}
        self.joined_emoji: set[str] = set()
        for line in path.read_text(encoding="ascii").splitlines():
            name, *rest = line.split()
            if name == "version":
                self.version = rest[0]
                continue
            first, *others = (int(text, 16) for text in rest)
            if name in self.points:
                self.points[name].update(range(first, others[0] + 1))
            elif name == "joined_emoji":
                self.joined_emoji.add("".join(chr(point) for point in (first, *others)))
            else:
                target = self.fold if name == "fold" else self.lower
                target[first] = "".join(chr(point) for point in others)


@cache
def tables() -> UnicodeTables:
    """Read the tables once; they and unicodedata2 must be of one version."""
    found = UnicodeTables(Path(__file__).with_name("unicode_tables.txt"))
    if unicodedata2.unidata_version != found.version:
        raise RuntimeError(f"unicodedata2 is {unicodedata2.unidata_version}, the tables are {found.version}")
    return found


def nfc(value: str) -> str:
    """Compose canonically."""
    return unicodedata2.normalize("NFC", value)


def nfkc(value: str) -> str:
    """Compose, compatibility characters replaced."""
    return unicodedata2.normalize("NFKC", value)


def is_white_space(character: str) -> bool:
    """Tell whether a character is of White_Space."""
    return ord(character) in tables().points["white_space"]


def trim(value: str) -> str:
    """Remove White_Space at both ends."""
    start, end = 0, len(value)
    while start < end and is_white_space(value[start]):
        start += 1
    while start < end and is_white_space(value[end - 1]):
        end -= 1
    return value[start:end]


def fold(value: str) -> str:
    """Full default case folding (C and F of CaseFolding.txt)."""
    return "".join(tables().fold.get(ord(character), character) for character in value)


def lower(value: str) -> str:
    """Full default lower-casing (root locale), the final sigma by its context: what LOWER was in 0.1."""
    result = []
    for position, character in enumerate(value):
        if ord(character) == CAPITAL_SIGMA and _is_final(value, position):
            result.append(FINAL_SIGMA)
        else:
            result.append(tables().lower.get(ord(character), character))
    return "".join(result)


def _is_final(value: str, position: int) -> bool:
    """Final_Sigma: a cased letter before and none after, skipping case-ignorable characters."""
    return _meets_cased(reversed(value[:position])) and not _meets_cased(iter(value[position + 1 :]))


def _meets_cased(characters: Iterator[str]) -> bool:
    points = tables().points
    for character in characters:
        if ord(character) in points["case_ignorable"]:
            continue
        return ord(character) in points["cased"]
    return False
