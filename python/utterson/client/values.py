"""Callers' values as the API's messages; what cannot be one is a ValueError that names the field."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias, cast

from google.protobuf import struct_pb2
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from utterson.v1 import identifier_pb2

# (type, value) pairs, in the order of the call.
Identifiers: TypeAlias = Iterable[tuple[str, str]]
JsonValue: TypeAlias = bool | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"] | None

# What the service stores nests no deeper (rule C2).
NESTING_MAX: Final = 24
# Beyond it a double, which the numbers of a Struct are, has no longer every whole number.
WHOLE_NUMBER_MAX: Final = 2**53

NO_TEXT: Final = "must be a text"
HALF_CHARACTER: Final = "holds half a character (a lone surrogate), which no text can"
NO_WHOLE_NUMBER: Final = "must be a whole number"
LOSES_DIGITS: Final = "is a whole number beyond 2^53, which would lose digits: give it as a text"
NOT_FINITE: Final = "is a number that no double holds: give it as a text"
TOO_DEEP: Final = f"must not nest deeper than {NESTING_MAX} levels"
NO_JSON: Final = "has no form in JSON: give text, number, true or false, list, mapping or None"
NO_PAIR: Final = "must be a pair of type and value"
NO_LIST: Final = "must be a list of (type, value) pairs"
NO_MAPPING: Final = "must be a mapping of names to values"
NO_TIME: Final = "must be a time with its zone"
NO_ZONE: Final = "needs a time zone"
IMPOSSIBLE_TIME: Final = "must be a time from the year 1 to the year 9999 in UTC"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S: Final = 86_400
_FIRST_SECOND: Final = -62_135_596_800
_LAST_SECOND: Final = 253_402_300_799


class FieldError(ValueError):
    """A value cannot be sent.

    Args:
        field: the path of its field, such as `identifiers[0].value`.
        description: what is wrong with it, without the value.
    """

    def __init__(self, field: str, description: str) -> None:
        super().__init__(f"{field}: {description}")
        self.field = field
        self.description = description


def text(value: object, field: str) -> str:
    """Check a text; FieldError for what is none, or holds half a character."""
    if not isinstance(value, str):
        raise FieldError(field, f"{NO_TEXT}, not {type(value).__name__}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise FieldError(field, HALF_CHARACTER) from None
    return value


def whole_number(value: object, field: str, *, bits: int = 63, least: int | None = None) -> int:
    """Check a whole number.

    Args:
        value: the caller's.
        field: the path of its field.
        bits: how many the field has, so that the number is below 2^bits.
        least: the smallest that the field takes; None means -2^bits.

    Raises:
        FieldError: it is no whole number, or out of range.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise FieldError(field, f"{NO_WHOLE_NUMBER}, not {type(value).__name__}")
    if not (-(1 << bits) if least is None else least) <= value < 1 << bits:
        raise FieldError(field, f"must be from {f'-2^{bits}' if least is None else least} to 2^{bits} - 1")
    return value


def identifier_messages(identifiers: object, field: str = "identifiers") -> list[identifier_pb2.Identifier]:
    """Make the messages of (type, value) pairs; FieldError names the one that is none."""
    if isinstance(identifiers, str | bytes | Mapping) or not isinstance(identifiers, Iterable):
        raise FieldError(field, NO_LIST)
    messages = []
    for position, pair in enumerate(identifiers):
        if type(pair) is not tuple and (isinstance(pair, str | bytes) or not isinstance(pair, Sequence)):
            raise FieldError(f"{field}[{position}]", NO_PAIR)
        if len(pair) != 2:
            raise FieldError(f"{field}[{position}]", NO_PAIR)
        name, value = cast("tuple[object, object]", pair)
        # Nearly every pair is good: the fields' names are written only for one that may not be.
        if not (type(name) is str and type(value) is str and name.isascii() and value.isascii()):
            name, value = text(name, f"{field}[{position}].type"), text(value, f"{field}[{position}].value")
        messages.append(identifier_pb2.Identifier(type=name, value=value))
    return messages


def struct_message(values: Mapping[str, JsonValue] | None, field: str) -> Struct | None:
    """Make a Struct; None stays absent. Numbers are doubles: give number-like ids as texts.

    Raises:
        FieldError: something in it has no form in JSON, loses digits, or nests too deep.
    """
    if values is None:
        return None
    if not isinstance(values, Mapping):
        raise FieldError(field, NO_MAPPING)
    message = Struct()
    fill_struct(message, values, field)
    return message


def fill_struct(message: Struct, values: Mapping[str, JsonValue], field: str, depth: int = 1) -> None:
    """Put values into an empty Struct; FieldError as `struct_message`."""
    fields = message.fields
    for name, value in values.items():
        try:
            target = fields[name]
        except (TypeError, ValueError):
            text(name, f"a name in {field}")
            raise
        if type(value) is str and value.isascii():
            target.string_value = value
        else:
            _fill(target, value, f"{field}.{name}", depth)


def _fill(target: Value, value: JsonValue, field: str, depth: int) -> None:
    if depth > NESTING_MAX:
        raise FieldError(field, TOO_DEEP)
    match value:
        case None:
            target.null_value = struct_pb2.NULL_VALUE
        case bool():
            target.bool_value = value
        case str():
            target.string_value = text(value, field)
        case int() | float():
            target.number_value = _number(value, field)
        case Mapping():
            target.struct_value.SetInParent()
            fill_struct(target.struct_value, value, field, depth + 1)
        case bytes() | bytearray() | memoryview():
            raise FieldError(field, NO_JSON)
        case Sequence():
            target.list_value.SetInParent()
            for position, item in enumerate(value):
                _fill(target.list_value.values.add(), item, f"{field}[{position}]", depth + 1)
        case _:
            raise FieldError(field, NO_JSON)


def _number(value: float, field: str) -> float:
    if isinstance(value, int):
        if not -WHOLE_NUMBER_MAX <= value <= WHOLE_NUMBER_MAX:
            raise FieldError(field, LOSES_DIGITS)
    elif not math.isfinite(value):
        raise FieldError(field, NOT_FINITE)
    return value


def time_message(time: datetime | None, field: str) -> Timestamp | None:
    """Make a Timestamp; None stays absent.

    Raises:
        FieldError: it is no time, has no time zone, or lies outside of the years 1 to 9999 in UTC.
    """
    if time is None:
        return None
    if not isinstance(time, datetime):
        raise FieldError(field, NO_TIME)
    if time.tzinfo is None:
        raise FieldError(field, NO_ZONE)
    # Reckoned here: `astimezone` fails at the ends of what a datetime can be.
    since = time - _EPOCH
    seconds = since.days * _DAY_S + since.seconds
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        raise FieldError(field, IMPOSSIBLE_TIME)
    return Timestamp(seconds=seconds, nanos=since.microseconds * 1000)
