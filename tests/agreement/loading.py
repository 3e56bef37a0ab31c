"""Loads a state from the table twin, through Postgres' binary COPY format."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import TypeAlias

from tests.agreement.twin import US_OF_DAY, Tables
from utterson import _core

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = struct.pack(">h", -1)


class Int4(int):
    """A number that is four bytes long on the wire; others are eight."""


Field: TypeAlias = "bytes | str | bool | int | None"


def copy_bytes(rows: Iterable[tuple[Field, ...]]) -> bytes:
    """Encode rows as COPY ... TO STDOUT (FORMAT binary) does."""
    parts = [SIGNATURE]
    for row in rows:
        parts.append(struct.pack(">h", len(row)))
        parts.extend(_field(value) for value in row)
    return b"".join([*parts, TRAILER])


def _field(value: Field) -> bytes:
    if value is None:
        return struct.pack(">i", -1)
    match value:
        case bool():
            data = struct.pack(">?", value)
        case Int4():
            data = struct.pack(">i", value)
        case int():
            data = struct.pack(">q", value)
        case str():
            data = value.encode()
        case bytes():
            data = value
    return struct.pack(">i", len(data)) + data


def load(tables: Tables, workspace: str, keys: tuple[bytes, bytes], choices: Random) -> _core.State:
    """Build an index from the tables: rows in any order but the profiles', chunk borders anywhere."""
    head = tables.head
    loader = _core.StateLoader(
        workspace,
        *keys,
        [],
        head.policy_revision,
        tables.policies[head.policy_revision],
        head.seq,
        head.id,
        head.commit_time_us,
        head.state_hash,
    )
    feed(loader.profiles, profile_rows(tables), choices)
    feed(loader.identifiers, shuffled(identifier_rows(tables), choices), choices)
    feed(loader.traits, shuffled(trait_rows(tables), choices), choices)
    feed(loader.requests, shuffled(request_rows(tables), choices), choices)
    return loader.finish()


def profile_rows(tables: Tables) -> Iterator[tuple[Field, ...]]:
    """Rows as load_profiles.sql gives them."""
    for serial, row in sorted(tables.profiles.items()):
        yield serial, row.create_time_us, row.source, Int4(row.imported_merges), row.merged_into


def identifier_rows(tables: Tables) -> Iterator[tuple[Field, ...]]:
    """Rows as load_identifiers.sql gives them."""
    for (profile, digest), row in tables.identifiers.items():
        yield digest, profile, row.type, row.added_us, Int4(row.seen_day), row.slot == 0


def trait_rows(tables: Tables) -> Iterator[tuple[Field, ...]]:
    """Rows as load_traits.sql gives them."""
    for (profile, name), row in tables.traits.items():
        yield profile, name, row.value, row.time_us, row.seq, Int4(row.position)


def request_rows(tables: Tables) -> Iterator[tuple[Field, ...]]:
    """Rows as load_requests.sql gives them: those not older than 24 hours at the head."""
    for digest, row in tables.requests.items():
        if row.commit_time_us >= tables.head.commit_time_us - US_OF_DAY:
            yield digest, row.fingerprint, row.commit_time_us, row.seq


def shuffled(rows: Iterable[tuple[Field, ...]], choices: Random) -> list[tuple[Field, ...]]:
    """Give the rows in another order."""
    listed = list(rows)
    choices.shuffle(listed)
    return listed


def feed(take: Callable[[bytes], None], rows: Iterable[tuple[Field, ...]], choices: Random) -> None:
    """Hand COPY bytes over in chunks of any size."""
    data = copy_bytes(rows)
    at = 0
    while at < len(data):
        size = choices.choice((1, 3, 17, 200, 5000, 65536))
        take(data[at : at + size])
        at += size
