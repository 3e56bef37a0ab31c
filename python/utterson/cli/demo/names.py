"""Profiles by the names that the source documents use: Profile 1, Profile 2 and so on.

Scenario files call them P1, P2 and so on, numbered in the order in which they are created.
"""

import re
from typing import Final

_SYMBOL: Final = re.compile(r"\bP([1-9][0-9]*)\b")


def with_names(text: str) -> str:
    """Replace the symbols of a scenario file by the documents' names: `P1` becomes `Profile 1`."""
    return _SYMBOL.sub(r"Profile \1", text)
