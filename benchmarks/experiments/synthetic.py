"""Commits without end: made-up effects in the proportions of the mixed workload, cheap enough to be made on the fly.

What Postgres pays for is kept: random digests, serials that grow, rows in the order of the key, history, and merges of
which half leave an old profile somewhere. Texts are the same in every row; no table looks at them.
"""

import os
import random
import struct
from collections.abc import Sequence
from enum import Enum

from utterson import _core

# Rows a call of the mixed workload, measured on the core's plans: profiles, identifiers, of these on profiles that were
# there before, merges, history.
CREATED, ATTACHED, ATTACHED_TO_OLD, MERGED, HISTORY = 0.30, 0.98, 0.15, 0.093, 0.47
PAYLOAD_BYTES = 103
RECORD = os.urandom(48)
TYPE, VALUE = b"device_id", b"device-000123456-ab12"
BIGINT, INTEGER, BYTEA, TEXT, UUID = 20, 23, 17, 25, 2950
NOW_US = 1_800_000_000_000_000
_TYPE_IDS = {"bigint": BIGINT, "integer": INTEGER, "bytea": BYTEA, "text": TEXT, "uuid": UUID}


class Order(Enum):
    """In which order the rows of identifiers are handed over: that of the table's key."""

    BY_DIGEST = "digest"
    BY_PROFILE = "profile"


def _header(type_id: int, length: int) -> bytes:
    return struct.pack(">iiiii", 1, 0, type_id, length, 1) if length else struct.pack(">iii", 0, 0, type_id)


def _repeated(type_id: int, value: bytes, length: int) -> bytes:
    return _header(type_id, length) + (struct.pack(">i", len(value)) + value) * length


def _numbers(values: Sequence[int], type_id: int = BIGINT) -> bytes:
    size, letter = (8, "q") if type_id == BIGINT else (4, "i")
    flat = [part for value in values for part in (size, value)]
    return _header(type_id, len(values)) + struct.pack(">" + ("i" + letter) * len(values), *flat)


def _digests(digests: Sequence[bytes]) -> bytes:
    return _header(UUID, len(digests)) + b"".join(b"\0\0\0\x10" + digest for digest in digests)


class Effects:
    """Makes the columns of one batch after another; no profile is merged twice.

    Args:
        profiles: how many there are before.
        order: in which order rows of identifiers come.
        seed: makes who is joined, and to whom identifiers go; digests are chance whatever the seed.
    """

    def __init__(self, profiles: int = 0, order: Order = Order.BY_PROFILE, seed: int = 1) -> None:
        self.profiles = profiles
        self.order = order
        self._random = random.Random(seed)
        self._merged: set[int] = set()
        self._visitor = 1

    def columns(self, calls: int) -> list[bytes]:
        """Make the net effects of so many calls."""
        created, history = round(CREATED * calls), round(HISTORY * calls)
        serials = range(self.profiles + 1, self.profiles + created + 1)
        self.profiles += created
        # New profiles and old ones, as the calls come.
        touched = [*serials, *(self._anybody() for _ in range(history - created))]
        filled = self._identifiers(serials, calls) | self._merges(round(MERGED * calls))
        filled |= {
            "created_serials": _numbers(serials),
            "created_create_time_us": _repeated(BIGINT, struct.pack(">q", NOW_US), created),
            "created_source": _repeated(BIGINT, bytes(8), created),
            "created_merges": _repeated(INTEGER, bytes(4), created),
            "history_profiles": _numbers(touched),
            "history_positions": _numbers(range(history), INTEGER),
            "history_records": _repeated(BYTEA, RECORD, history),
        }
        return [filled.get(name, _header(_TYPE_IDS[element], 0)) for name, element in _core.COMMIT_COLUMNS]

    def _anybody(self) -> int:
        return 1 + self._random.randrange(self.profiles)

    def _identifiers(self, new: Sequence[int], calls: int) -> dict[str, bytes]:
        count, on_old = round(ATTACHED * calls), round(ATTACHED_TO_OLD * calls)
        owners = [self._anybody() if place < on_old or not new else new[place % len(new)] for place in range(count)]
        rows = [(owner, os.urandom(16)) for owner in owners]
        rows.sort(key=None if self.order is Order.BY_PROFILE else lambda row: row[1])
        return {
            "attached_profiles": _numbers([owner for owner, _ in rows]),
            "attached_digests": _digests([digest for _, digest in rows]),
            "attached_slots": _repeated(BIGINT, bytes(8), count),
            "attached_types": _repeated(TEXT, TYPE, count),
            "attached_normalized": _repeated(TEXT, VALUE, count),
            "attached_raw": _repeated(TEXT, VALUE, count),
            "attached_added_us": _repeated(BIGINT, struct.pack(">q", NOW_US), count),
            "attached_seen_day": _repeated(INTEGER, struct.pack(">i", 20_000), count),
        }

    def _merges(self, count: int) -> dict[str, bytes]:
        """Join odd serials into even ones: the visitor who waits longest, or somebody by chance."""
        losers: list[int] = []
        while len(losers) < min(count, self.profiles // 4 - len(self._merged)):
            self._visitor += 2
            chosen = self._visitor if len(losers) % 2 else self._anybody() | 1
            if chosen not in self._merged and 1 < chosen <= self.profiles:
                self._merged.add(chosen)
                losers.append(chosen)
        survivors = [2 * (1 + number * 7919 % (self.profiles // 2)) for number in losers]
        return {"loser_serials": _numbers(losers), "loser_merged_into": _numbers(survivors)}


def payload(calls: int) -> bytes:
    """Make a log record of the usual size."""
    return os.urandom(PAYLOAD_BYTES * calls)
