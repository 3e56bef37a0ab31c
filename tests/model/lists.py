"""C3: the named lists of values that identify nobody, written from the rule's own words."""

from __future__ import annotations

import re
from enum import Enum

SEPARATOR = r"[\s().,:;/_+{}\[\]\-]"
PLACEHOLDERS = (
    "null",
    "undefined",
    "none",
    "nil",
    "nan",
    "n/a",
    "na",
    "unknown",
    "anonymous",
    "guest",
    "test",
    "true",
    "false",
    "-1",
    "0",
    "[object object]",
)


class BlockedList(Enum):
    """A named list, and the expressions that are searched for."""

    # In any case.
    PLACEHOLDERS = (rf"\A(?:{'|'.join(re.escape(word) for word in PLACEHOLDERS)})\Z",)
    # One 0 or more and nothing else but separators.
    ZEROS = (rf"\A{SEPARATOR}*0(?:0|{SEPARATOR})*\Z",)
    # One digit six times or more and nothing else but separators.
    REPEATED = tuple(rf"\A{SEPARATOR}*(?:{digit}{SEPARATOR}*){{6,}}\Z" for digit in "0123456789")

    @property
    def patterns(self) -> tuple[re.Pattern[str], ...]:
        """Return the expressions, compiled."""
        return tuple(re.compile(expression, re.IGNORECASE) for expression in self.value)
