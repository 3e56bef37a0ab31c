"""Postgres' binary COPY format."""

import struct

SIGNATURE = b"PGCOPY\n\xff\r\n\x00"


def decode_copy(data: bytes) -> list[list[bytes | None]]:
    """Decode rows, each a list of raw fields."""
    assert data.startswith(SIGNATURE)
    at = len(SIGNATURE) + 8
    rows = []
    while (count := struct.unpack_from(">h", data, at)[0]) != -1:
        at += 2
        row: list[bytes | None] = []
        for _ in range(count):
            size = struct.unpack_from(">i", data, at)[0]
            at += 4
            row.append(None if size == -1 else data[at : at + size])
            at += max(size, 0)
        rows.append(row)
    return rows
