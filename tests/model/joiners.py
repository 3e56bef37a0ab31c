"""C2: where U+200C and U+200D are letters or parts of an emoji, and where they are dirt."""

from __future__ import annotations

from idna import idnadata
from idna.intranges import intranges_contain

from tests.model.hits import Branch, Hits
from tests.model.unicode_data import VARIATION_SELECTOR_16, tables, unicodedata2

NON_JOINER = "\u200c"
JOINER = "\u200d"
VIRAMA_CLASS = 9
SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"


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


def is_pictographic(character: str) -> bool:
    """Tell whether a character is Extended_Pictographic."""
    return ord(character) in tables().points["pictographic"]


def is_in_emoji(value: str, position: int) -> bool:
    """Whether the joiner at `position` stands within an emoji sequence (UTS 51, ED-16).

    It joins two pictographs, the first of which may have a skin tone or the selector U+FE0F. Not only those that are
    recommended for interchange: keyboards have others, and names are made of them.
    """
    if value[position] != JOINER or position + 1 == len(value) or not is_pictographic(value[position + 1]):
        return False
    before = value[:position]
    if before and before[-1] in (VARIATION_SELECTOR_16, *SKIN_TONES):
        before = before[:-1]
    return bool(before) and is_pictographic(before[-1])


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
