"""C1: UTS 46 ToASCII of a domain name, non-transitional, as browsers do it.

That is: CheckBidi and CheckJoiners, no CheckHyphens, no UseSTD3ASCIIRules, no VerifyDnsLength. The mapping table is
that of the package idna, whose own functions take the interpreter's Unicode for the rest.
"""

from __future__ import annotations

from bisect import bisect_right

from idna import uts46data

from tests.model.joiners import JOINER, NON_JOINER, is_in_context
from tests.model.unicode_data import nfc, tables, unicodedata2

PREFIX = "xn--"
RIGHT_TO_LEFT = {"R", "AL", "AN"}
NEUTRAL = {"EN", "ES", "CS", "ET", "ON", "BN", "NSM"}


def status(character: str) -> tuple[str, str]:
    """Return a character's status (V valid, D deviation, M mapped, I ignored, X disallowed), and what it maps to."""
    if uts46data.__version__ != tables().version:
        raise RuntimeError(f"idna is of Unicode {uts46data.__version__}, the tables are {tables().version}")
    place = bisect_right(uts46data.uts46_starts, ord(character)) - 1
    return chr(uts46data.uts46_statuses[place]), uts46data.uts46_replacements[place] or ""


def to_ascii(domain: str) -> str | None:
    """Return the domain in its ASCII form; None where it does not convert."""
    mapped = []
    for character in domain:
        name, replacement = status(character)
        if name == "X":
            return None
        if name != "I":
            mapped.append(replacement if name == "M" else character)
    labels: list[str] = []
    for label in nfc("".join(mapped)).split("."):
        decoded = decode(label) if label.startswith(PREFIX) else label
        if decoded is None or not is_valid(decoded):
            return None
        labels.append(decoded)
    is_bidi = any(unicodedata2.bidirectional(character) in RIGHT_TO_LEFT for label in labels for character in label)
    if is_bidi and not all(keeps_bidi_rule(label) for label in labels):
        return None
    return ".".join(label if label.isascii() else PREFIX + label.encode("punycode").decode() for label in labels)


def decode(label: str) -> str | None:
    """Return what an encoded label stands for; None for one that is broken, or need not have been encoded."""
    try:
        decoded = label.removeprefix(PREFIX).encode("ascii").decode("punycode")
    except (UnicodeError, OverflowError, ValueError):
        return None
    return None if decoded.isascii() else decoded


def is_valid(label: str) -> bool:
    """UTS 46, section 4.1, validity criteria: what must hold of a label."""
    if not label:
        return True
    if nfc(label) != label or label.startswith(PREFIX) or unicodedata2.category(label[0]).startswith("M"):
        return False
    for position, character in enumerate(label):
        if character == "." or status(character)[0] not in "VD":
            return False
        if character in (NON_JOINER, JOINER) and not is_in_context(label, position):
            return False
    return True


def keeps_bidi_rule(label: str) -> bool:
    """RFC 5893, section 2: the six conditions on a label of a domain that has characters from right to left."""
    classes = [unicodedata2.bidirectional(character) for character in label]
    if not classes:
        return True
    ending = next((name for name in reversed(classes) if name != "NSM"), "")
    if classes[0] == "L":
        return set(classes) <= {"L", *NEUTRAL} and ending in ("L", "EN")
    if classes[0] not in ("R", "AL"):
        return False
    if {"EN", "AN"} <= set(classes):
        return False
    return set(classes) <= RIGHT_TO_LEFT | NEUTRAL and ending in ("R", "AL", "EN", "AN")
