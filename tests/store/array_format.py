"""Postgres' binary array format, and which column of `commit_batch` is an array of what."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from utterson import _core

BIGINT, INTEGER, BYTEA, TEXT, UUID = 20, 23, 17, 25, 2950
_TYPE_IDS = {"bigint": BIGINT, "integer": INTEGER, "bytea": BYTEA, "text": TEXT, "uuid": UUID}
COLUMN_TYPES = [_TYPE_IDS[element] for _, element in _core.COMMIT_COLUMNS]


def encode_columns(columns: Mapping[int, Sequence[object]]) -> list[bytes]:
    """Encode all columns of a commit, those that are not given as empty ones."""
    return [encode_array(type_id, columns.get(place, ())) for place, type_id in enumerate(COLUMN_TYPES)]


def decode_columns(columns: Sequence[bytes]) -> list[list[Any]]:
    """Decode all columns of a commit, and hold their types against those that the tables want."""
    decoded = [decode_array(column) for column in columns]
    assert [type_id for type_id, _ in decoded] == COLUMN_TYPES, "a column's type"
    return [values for _, values in decoded]


def encode_array(type_id: int, values: Sequence[object]) -> bytes:
    """Encode an array of one dimension."""
    if not values:
        return struct.pack(">iii", 0, 0, type_id)
    parts = [struct.pack(">iiiii", 1, None in values, type_id, len(values), 1)]
    for value in values:
        if value is None:
            parts.append(struct.pack(">i", -1))
            continue
        item = _encode_element(type_id, value)
        parts.append(struct.pack(">i", len(item)) + item)
    return b"".join(parts)


def decode_array(array: bytes) -> tuple[int, list[Any]]:
    """Decode an array: the number of its elements' type, and the elements."""
    dimensions, has_nulls, type_id = struct.unpack_from(">iii", array)
    if dimensions == 0:
        assert len(array) == 12
        return type_id, []
    length, first = struct.unpack_from(">ii", array, 12)
    assert (dimensions, first) == (1, 1)
    at, values = 20, []
    for _ in range(length):
        (size,) = struct.unpack_from(">i", array, at)
        at += 4
        values.append(None if size == -1 else _decode_element(type_id, array[at : at + size]))
        at += max(size, 0)
    assert at == len(array)
    assert (None in values) == bool(has_nulls)
    return type_id, values


def _encode_element(type_id: int, value: object) -> bytes:
    if type_id in (BIGINT, INTEGER):
        return struct.pack(">q" if type_id == BIGINT else ">i", value)
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    assert isinstance(value, bytes)
    return value


def _decode_element(type_id: int, value: bytes) -> Any:
    if type_id in (BIGINT, INTEGER):
        return struct.unpack(">q" if type_id == BIGINT else ">i", value)[0]
    return value.decode() if type_id == TEXT else value
