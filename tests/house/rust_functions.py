"""Finds the functions of a Rust file and their lengths, by its braces; comments and literals are blanked first."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# In this order: what begins first hides the others. A lifetime ('a) is no character literal ('a').
_NOT_CODE = re.compile(
    r"""
      //[^\n]*
    | /\*.*?\*/
    | b?r(?P<hashes>\#*)".*?"(?P=hashes)
    | b?"(?:\\.|[^"\\])*"
    | b?'(?:\\(?:x[0-9a-fA-F]{2}|u\{[^}]*\}|.)|[^'\\\n])'
    """,
    re.VERBOSE | re.DOTALL,
)
_FUNCTION = re.compile(r"\bfn\s+(?P<name>\w+)")


@dataclass(frozen=True)
class Function:
    """One function: its name, the line where it begins, and how many lines it takes."""

    name: str
    line: int
    lines: int


def functions(source: str) -> Iterator[Function]:
    """Tell the functions that have a body, nested ones too."""
    code = _NOT_CODE.sub(lambda literal: re.sub(r"[^\n]", " ", literal.group()), source)
    for found in _FUNCTION.finditer(code):
        begin = _body(code, found.end())
        if begin is None:
            continue
        end = _closing(code, begin)
        first = code.count("\n", 0, found.start()) + 1
        last = code.count("\n", 0, end) + 1
        yield Function(found["name"], first, last - first + 1)


def _body(code: str, start: int) -> int | None:
    """Find the brace that opens the body; None for a declaration, which ends with a semicolon."""
    depth = 0
    for place in range(start, len(code)):
        sign = code[place]
        if sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        elif depth == 0 and sign == "{":
            return place
        elif depth == 0 and sign == ";":
            return None
    return None


def _closing(code: str, begin: int) -> int:
    depth = 0
    for place in range(begin, len(code)):
        depth += {"{": 1, "}": -1}.get(code[place], 0)
        if depth == 0:
            return place
    raise ValueError(f"no brace closes the one at {begin}")
