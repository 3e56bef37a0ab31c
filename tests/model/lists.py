"""C3: the named lists of values that identify nobody, written from the rule's own words."""

from __future__ import annotations

import re
from enum import Enum

# Dashes and the wide forms of East Asia among them.
SEPARATOR = r"[\s().,:;/_+{}\[\]\-\u2010-\u2015\u2212\ufe58\ufe63\uff08\uff09\uff0b-\uff0f\uff1a]"
OPENED = r"""["'`(<\[{]*"""
CLOSED = r"""["'`)>\]}]*"""
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

    # In any case, in quotes and brackets.
    PLACEHOLDERS = (rf"\A{OPENED}(?:{'|'.join(re.escape(word) for word in PLACEHOLDERS)}){CLOSED}\Z",)
    # One 0 or more and nothing else but separators, wide digits too; UUIDs as URNs.
    ZEROS = (rf"\A{SEPARATOR}*[0\uff10](?:[0\uff10]|{SEPARATOR})*\Z", r"\Aurn:uuid:[0-]+\Z")
    # One digit six times or more and nothing else but separators, and the decimals of a spreadsheet.
    REPEATED = tuple(
        rf"\A{SEPARATOR}*(?:[{digit}{chr(0xFF10 + digit)}]{SEPARATOR}*){{6,}}(?:\.0+)?\Z" for digit in range(10)
    )

    @property
    def patterns(self) -> tuple[re.Pattern[str], ...]:
        """Return the expressions, compiled."""
        return tuple(re.compile(expression, re.IGNORECASE) for expression in self.value)
