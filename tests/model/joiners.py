"""C2: where U+200C and U+200D are letters or parts of an emoji, and where they are dirt."""

from __future__ import annotations

from functools import cache

from idna import idnadata
from idna.intranges import intranges_contain

from tests.model.hits import Branch, Hits
from tests.model.unicode_data import VARIATION_SELECTOR_16, tables, unicodedata2

NON_JOINER = "\u200c"
JOINER = "\u200d"
VIRAMA_CLASS = 9


def joining_type(character: str) -> str:
    """Return a character's Joining_Type; U where the data names none."""
    if idnadata.__version__ != tables().version:
        raise RuntimeError(f"idna is of Unicode {idnadata.__version__}, the tables are {tables().version}")
    for name, ranges in idnadata.joining_types.items():
        if intranges_contain(ord(character), ranges):
            return name
    return "U"


def is_in_context(value: str, position: int) -> bool:
    """RFC 5892, appendix A.1 and A.2: whether CONTEXTJ lets the joiner at `position` stand."""
    if position > 0 and unicodedata2.combining(value[position - 1]) == VIRAMA_CLASS:
        return True
    if value[position] == JOINER:
        return False
    before = next((name for name in map(joining_type, reversed(value[:position])) if name != "T"), "U")
    after = next((name for name in map(joining_type, value[position + 1 :]) if name != "T"), "U")
    return before in ("L", "D") and after in ("R", "D")


@cache
def plain_sequences() -> tuple[str, ...]:
    """Return the sequences with joiners of the emoji data, without the selectors that senders drop."""
    return tuple(sorted({one.replace(VARIATION_SELECTOR_16, "") for one in tables().joined_emoji}))


def is_in_emoji(value: str, position: int) -> bool:
    """Whether the joiner at `position` stands within an emoji sequence of the Unicode data.

    With and without U+FE0F a sequence is the same one: the data lists the shorter forms as unqualified.
    """
    if value[position] != JOINER:
        return False
    plain = value.replace(VARIATION_SELECTOR_16, "")
    place = position - value[:position].count(VARIATION_SELECTOR_16)
    for sequence in plain_sequences():
        for at, character in enumerate(sequence):
            start = place - at
            if character == JOINER and start >= 0 and plain.startswith(sequence, start):
                return True
    return False


def may_stand(value: str, position: int, hits: Hits) -> bool:
    """C2: tell whether the character at `position`, a format character, is a joiner in its place."""
    if value[position] not in (NON_JOINER, JOINER):
        return False
    if is_in_context(value, position):
        hits[Branch.C2_JOINER_IN_CONTEXT] += 1
        return True
    if is_in_emoji(value, position):
        hits[Branch.C2_JOINER_IN_EMOJI] += 1
        return True
    return False
