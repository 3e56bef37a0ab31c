"""C2 and C13: names and Structs, what is refused in them, and how large they are."""

from __future__ import annotations

import math

from tests.model.records import JsonValue, Reason, RefusedError, Traits

MAX_ID_BYTES = 256
MAX_STRUCT_BYTES = 64 * 1024


def check_text(text: str) -> None:
    """C2: no U+0000 in a name or id, at most 256 bytes."""
    if "\0" in text or len(text.encode()) > MAX_ID_BYTES:
        raise RefusedError(Reason.FIELD_INVALID)


def check_struct(struct: Traits | None, *, are_traits: bool) -> None:
    """C2: no U+0000, NaN or infinity inside; at most 64 KiB encoded; trait names are names (256 bytes)."""
    if struct is None:
        return
    _check_value(struct)
    if struct_bytes(struct) > MAX_STRUCT_BYTES:
        raise RefusedError(Reason.FIELD_INVALID)
    if are_traits:
        for name in struct:
            check_text(name)


def _check_value(value: JsonValue) -> None:
    if isinstance(value, str) and "\0" in value:
        raise RefusedError(Reason.FIELD_INVALID)
    if isinstance(value, float) and not math.isfinite(value):
        raise RefusedError(Reason.FIELD_INVALID)
    if isinstance(value, list):
        for item in value:
            _check_value(item)
    if isinstance(value, dict):
        for name, item in value.items():
            _check_value(name)
            _check_value(item)


def _varint_bytes(number: int) -> int:
    return max(1, math.ceil(number.bit_length() / 7))


def _field_bytes(length: int) -> int:
    return 1 + _varint_bytes(length) + length


def struct_bytes(struct: Traits) -> int:
    """Return the size of a google.protobuf.Struct on the wire."""
    entries = (_field_bytes(len(name.encode())) + _field_bytes(_value_bytes(value)) for name, value in struct.items())
    return sum(_field_bytes(length) for length in entries)


def _value_bytes(value: JsonValue) -> int:
    if value is None or isinstance(value, bool):
        return 2
    if isinstance(value, int | float):
        return 9
    if isinstance(value, str):
        return _field_bytes(len(value.encode()))
    if isinstance(value, list):
        return _field_bytes(sum(_field_bytes(_value_bytes(item)) for item in value))
    return _field_bytes(struct_bytes(value))
