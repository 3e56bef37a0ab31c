"""C1 and the judgement of values in C2, with the tables of one named Unicode version, never the interpreter's (C8)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import phonenumbers

from tests.model.policy import Normalization, TypeSettings
from tests.model.records import Reason, RefusedError


class UnicodeDatabase(Protocol):
    """The part of unicodedata2 that is used; the package has no type hints."""

    unidata_version: str

    def normalize(self, form: str, text: str, /) -> str:
        """Bring a text into a normalization form."""
        ...

    def category(self, character: str, /) -> str:
        """Return a character's general category."""
        ...


unicodedata2 = cast(UnicodeDatabase, import_module("unicodedata2"))

MAX_VALUE_BYTES = 512
REFUSED_CATEGORIES = {"Cc", "Cf", "Cn"}
CAPITAL_SIGMA = 0x3A3
FINAL_SIGMA = "\u03c2"


class UnicodeTables:
    """Case mappings and white space of one Unicode version; see unicode_tables.mjs for their origin."""

    def __init__(self, path: Path) -> None:
        self.version = ""
        self.fold: dict[int, str] = {}
        self.lower: dict[int, str] = {}
        self.points: dict[str, set[int]] = {"cased": set(), "case_ignorable": set(), "white_space": set()}
        for line in path.read_text(encoding="ascii").splitlines():
            name, *rest = line.split()
            if name == "version":
                self.version = rest[0]
                continue
            first, *others = (int(text, 16) for text in rest)
            if name in self.points:
                self.points[name].update(range(first, others[0] + 1))
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


def trim(value: str) -> str:
    """Remove White_Space at both ends."""
    white_space = tables().points["white_space"]
    start, end = 0, len(value)
    while start < end and ord(value[start]) in white_space:
        start += 1
    while start < end and ord(value[end - 1]) in white_space:
        end -= 1
    return value[start:end]


def fold(value: str) -> str:
    """Full default case folding (C and F of CaseFolding.txt)."""
    return "".join(tables().fold.get(ord(character), character) for character in value)


def lower(value: str) -> str:
    """Full default lower-casing (root locale), the final sigma by its context."""
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


def email(value: str) -> str:
    """NFKC, casefold, NFKC, then trim; no dot or plus folding."""
    return trim(unicodedata2.normalize("NFKC", fold(unicodedata2.normalize("NFKC", value))))


def phone(value: str, region: str) -> str:
    """E.164; a leading + or the type's region is needed.

    The library takes one national prefix off at a time ("+375005..." loses its zeros one by one), but C1 is
    idempotent: a number whose E.164 form does not read back as itself is refused.
    """
    formatted = phone_once(value, region)
    if phone_once(formatted, "") != formatted:
        raise RefusedError(Reason.FIELD_INVALID)
    return formatted


def phone_once(value: str, region: str) -> str:
    """Read a number of a possible length and without an extension, and write it in E.164."""
    try:
        number = phonenumbers.parse(value, region or None)
    except phonenumbers.NumberParseException:
        raise RefusedError(Reason.FIELD_INVALID) from None
    length = phonenumbers.is_possible_number_with_reason(number)
    if length != phonenumbers.ValidationResult.IS_POSSIBLE or number.extension:
        raise RefusedError(Reason.FIELD_INVALID)
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def normalise(value: str, settings: TypeSettings) -> str:
    """C1: bring a value into the form that is compared, byte for byte."""
    if settings.normalization is Normalization.TRIM:
        return trim(value)
    if settings.normalization is Normalization.LOWER:
        return lower(value)
    if settings.normalization is Normalization.EMAIL:
        return email(value)
    if settings.normalization is Normalization.PHONE:
        return phone(value, settings.region)
    return value


def judge_value(value: str) -> None:
    """C2: refuse an empty value, one over 512 bytes, and control, unassigned or format characters; after C1."""
    if not value or len(value.encode()) > MAX_VALUE_BYTES:
        raise RefusedError(Reason.FIELD_INVALID)
    for character in value:
        if unicodedata2.category(character) in REFUSED_CATEGORIES:
            raise RefusedError(Reason.FIELD_INVALID)
