"""Commits without end: made-up effects in the proportions of the mixed workload, cheap enough to be made on the fly.

What Postgres pays for is kept: random digests in the order of the key, serials that grow, history and merges of old
profiles. Texts are the same in every row; no table looks at them.
"""

import os
import random
import struct
from collections.abc import Sequence

# Rows a call of the mixed workload, measured on the core's plans: profiles, identifiers, merges, history.
CREATED, ATTACHED, MERGED, HISTORY = 0.30, 0.98, 0.093, 0.47
PAYLOAD_BYTES = 103
RECORD = os.urandom(48)
TYPE, VALUE = b"device_id", b"device-000123456-ab12"
BIGINT, INTEGER, BYTEA, TEXT, UUID = 20, 23, 17, 25, 2950
NOW_US = 1_800_000_000_000_000
# The columns of commit_batch, by the elements' type.
TYPES = [
    *(BIGINT, BIGINT, BIGINT, INTEGER),
    *(BIGINT, BIGINT),
    *(UUID, BIGINT),
    *(UUID, BIGINT, BIGINT, TEXT, TEXT, TEXT, BIGINT, INTEGER),
    *(UUID, BIGINT, INTEGER),
    *(BIGINT, TEXT, BYTEA, BIGINT, INTEGER),
    *(BIGINT, BIGINT, INTEGER, BYTEA),
    *(BIGINT, INTEGER, BYTEA),
    *(UUID, BYTEA, INTEGER, BYTEA),
    *(INTEGER, BYTEA),
]


def _header(type_id: int, length: int) -> bytes:
    return struct.pack(">iiiii", 1, 0, type_id, length, 1) if length else struct.pack(">iii", 0, 0, type_id)


def _repeated(type_id: int, value: bytes, length: int) -> bytes:
    return _header(type_id, length) + (struct.pack(">i", len(value)) + value) * length


def _numbers(values: Sequence[int], type_id: int = BIGINT) -> bytes:
    size, letter = (8, "q") if type_id == BIGINT else (4, "i")
    flat = [part for value in values for part in (size, value)]
    return _header(type_id, len(values)) + struct.pack(">" + ("i" + letter) * len(values), *flat)


def _digests(length: int) -> bytes:
    random_bytes = os.urandom(16 * length)
    digests = sorted(random_bytes[at : at + 16] for at in range(0, 16 * length, 16))
    return _header(UUID, length) + b"".join(b"\0\0\0\x10" + digest for digest in digests)


class Effects:
    """Makes the columns of one batch after another; no profile is merged twice."""

    def __init__(self) -> None:
        self.profiles = 0
        self._merged = 0

    def columns(self, calls: int) -> list[bytes]:
        """Make the net effects of so many calls."""
        columns = [_header(type_id, 0) for type_id in TYPES]
        created, attached = round(CREATED * calls), round(ATTACHED * calls)
        serials = range(self.profiles + 1, self.profiles + created + 1)
        self.profiles += created
        columns[0:4] = [
            _numbers(serials),
            _repeated(BIGINT, struct.pack(">q", NOW_US), created),
            _repeated(BIGINT, bytes(8), created),
            _repeated(INTEGER, bytes(4), created),
        ]
        columns[8:16] = [
            _digests(attached),
            _repeated(BIGINT, bytes(8), attached),
            _numbers([1 + random.randrange(self.profiles) for _ in range(attached)]),
            *(_repeated(TEXT, text, attached) for text in (TYPE, VALUE, VALUE)),
            _repeated(BIGINT, struct.pack(">q", NOW_US), attached),
            _repeated(INTEGER, struct.pack(">i", 20_000), attached),
        ]
        columns[4:6] = self._merges(round(MERGED * calls))
        history = round(HISTORY * calls)
        # New profiles and old ones, as the calls come.
        touched = [*serials, *(1 + random.randrange(self.profiles) for _ in range(history - created))]
        columns[28:31] = [
            _numbers(touched),
            _numbers(range(history), INTEGER),
            _repeated(BYTEA, RECORD, history),
        ]
        return columns

    def _merges(self, count: int) -> list[bytes]:
        """Join odd serials into even ones, far from each other."""
        count = min(count, (self.profiles - 1) // 2 - self._merged)
        losers = [2 * number + 1 for number in range(self._merged + 1, self._merged + count + 1)]
        self._merged += count
        return [
            _numbers(losers),
            _numbers([2 * (1 + number * 7919 % (self.profiles // 2)) for number in losers]),
        ]


def payload(calls: int) -> bytes:
    """Make a log record of the usual size."""
    return os.urandom(PAYLOAD_BYTES * calls)
