"""Profiles as the documents call them: Profile 1, Profile 2 and so on."""

import re
from typing import Final

_SYMBOL: Final = re.compile(r"\bP([1-9][0-9]*)\b")


def with_names(text: str) -> str:
    """Replace the symbols of a text (P1) by names (Profile 1)."""
    return _SYMBOL.sub(r"Profile \1", text)
