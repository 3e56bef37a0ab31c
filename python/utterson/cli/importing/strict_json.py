"""JSON, read without losing anything: what a lenient reader would drop, round or guess is a fault with its column."""

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

from utterson.cli.importing.records import LineError
from utterson.client.values import HALF_CHARACTER, LOSES_DIGITS, NOT_FINITE, TOO_DEEP, WHOLE_NUMBER_MAX

NOT_JSON: Final = "is not JSON: write one record a line"
NO_OBJECT: Final = "is no JSON object"
NOT_UTF_8: Final = "is not UTF-8: save the file as UTF-8"
UTF_16: Final = "looks like UTF-16 without its mark: save the file as UTF-8"
HOLDS_ZEROS: Final = "holds bytes that are 0, as a damaged file does: fetch it anew"
TWICE: Final = "has a key twice in one object: only one of its values can count"

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[{}\[\],:]|-?Infinity|NaN')
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)")
# The digits of 2^53: a shorter number is not beyond it.
_DIGITS_MAX: Final = len(str(WHOLE_NUMBER_MAX))


class _Found(Exception):  # noqa: N818 - caught here, where its column is looked for
    def __init__(self, description: str, token: str) -> None:
        super().__init__(description)
        self.description = description
        self.token = token


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Found(TWICE, key)
            seen.add(key)
    return fields


def _whole(token: str) -> int:
    if len(token) >= _DIGITS_MAX and (
        len(token) > _DIGITS_MAX + 1 or not -WHOLE_NUMBER_MAX <= int(token) <= WHOLE_NUMBER_MAX
    ):
        raise _Found(LOSES_DIGITS, token)
    return int(token)


def _fraction(token: str) -> float:
    number = float(token)
    if number in {float("inf"), float("-inf")}:
        raise _Found(NOT_FINITE, token)
    # A whole number with a point or an exponent loses digits as one without.
    if len(token) >= _DIGITS_MAX and abs(number) >= WHOLE_NUMBER_MAX:
        exact = Decimal(token)
        if exact == exact.to_integral_value() and exact != Decimal(repr(number)):
            raise _Found(LOSES_DIGITS, token)
    return number


def _constant(token: str) -> float:
    raise _Found(NOT_FINITE, token)


def _whole_or_text(token: str) -> int | str:
    try:
        return _whole(token)
    except _Found:
        return token


def _decoder(whole: Callable[[str], int | str]) -> json.JSONDecoder:
    return json.JSONDecoder(object_pairs_hook=_object, parse_int=whole, parse_float=_fraction, parse_constant=_constant)


_DECODER: Final = _decoder(_whole)
_LENIENT: Final = _decoder(_whole_or_text)


def read_object(line: bytes, *, large_as_text: bool = False) -> dict[str, object]:
    """Read a line that is a JSON object.

    Args:
        line: the line.
        large_as_text: whole numbers beyond 2^53 become texts: of a vendor that writes its ids so.

    Raises:
        LineError: it is none, or holds what would be lost: a key twice, half a character, a number no double holds.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise LineError(NOT_UTF_8, column=len(line[: error.start].decode()) + 1) from None
    try:
        fields = (_LENIENT if large_as_text else _DECODER).decode(text)
    except _Found as found:
        raise LineError(found.description, column=_column(text, found)) from None
    except json.JSONDecodeError as error:
        raise LineError(_no_json(text), column=min(error.pos, len(text.rstrip())) + 1) from None
    except RecursionError:
        raise LineError(TOO_DEEP, column=deepest_column(text)) from None
    if not isinstance(fields, dict):
        raise LineError(NO_OBJECT, column=1)
    if "\\u" in text and (column := _half_character(text)):
        raise LineError(HALF_CHARACTER, column=column)
    return fields


def _no_json(text: str) -> str:
    zeros = text.count("\0")
    if zeros * 3 >= len(text) and zeros < len(text.strip()):
        return UTF_16
    return HOLDS_ZEROS if zeros else NOT_JSON


def _column(text: str, found: _Found) -> int:
    """Find the sign; of a key the second in its object."""
    if found.description != TWICE:
        return next((place for place, sign in _signs(text) if sign == found.token), 1)
    objects: list[set[str]] = []
    last = (1, "")
    for place, sign in _signs(text):
        if sign == "{":
            objects.append(set())
        elif sign == "}" and objects:
            objects.pop()
        elif sign == ":" and objects:
            key = json.loads(last[1])
            if key in objects[-1] and key == found.token:
                return last[0]
            objects[-1].add(key)
        last = (place, sign)
    return 1


def deepest_column(text: str) -> int:
    """Tell the column at which a line of JSON is nested deepest."""
    depth = deepest = 0
    column = 1
    for place, sign in _signs(text):
        depth += (sign in "[{") - (sign in "]}")
        if depth > deepest:
            deepest, column = depth, place
    return column


def _half_character(text: str) -> int | None:
    """Find an escape that is half of a pair, without the other half."""
    high: re.Match[str] | None = None
    for escape in _ESCAPE.finditer(text):
        unit = int(escape[1], 16) if escape[1] else 0
        if high is not None:
            if not 0xDC00 <= unit < 0xE000 or escape.start() != high.end():
                return high.start() + 1
            high = None
        elif 0xD800 <= unit < 0xDC00:
            high = escape
        elif 0xDC00 <= unit < 0xE000:
            return escape.start() + 1
    return None if high is None else high.start() + 1


def _signs(text: str) -> Iterator[tuple[int, str]]:
    return ((sign.start() + 1, sign[0]) for sign in _TOKEN.finditer(text))
