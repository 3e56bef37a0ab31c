"""Columns reach the tables as the core wrote them: binary arrays that the driver does not touch."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import asyncpg
import pytest

from tests.store.array_format import COLUMN_TYPES, decode_columns, encode_columns
from tests.store.conftest import NOW_US, Chain, attached, created
from utterson.domain.chain import CommitOutcome, FailureKind, StoreFailureError

LARGE_BYTES = 3_000_000
# An apostrophe, a brace and a backslash mean something in the text format of arrays; nothing does in the binary one.
TEXTS: list[object] = ["", "NULL", "{}", "a,b", 'a"b\\c', "Jekyll's", "håper", "雪", "\U0001f600\u200d", "x" * 1_000]
BIGGEST, SMALLEST = 2**63 - 1, -(2**63)


async def fetch(url: str, query: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


def test_the_test_format_reads_what_it_writes() -> None:
    values: list[object] = [None, b"", os.urandom(99), None]
    columns: dict[int, list[object]] = {0: [BIGGEST, SMALLEST], 3: [2**31 - 1, -(2**31)], 12: TEXTS, 23: values}
    decoded = decode_columns(encode_columns(columns))
    assert {place: column for place, column in enumerate(decoded) if column} == columns
    assert len(decoded) == len(COLUMN_TYPES)


async def test_text_arrives_as_it_is(chain: Chain, database_url: str) -> None:
    digests = [bytes([place]) * 16 for place in range(len(TEXTS))]
    columns = attached(*((digest, 0, 1) for digest in digests)) | {13: TEXTS, 14: TEXTS[::-1]}
    await chain.append(created(1) | columns)
    found = await fetch(database_url, "SELECT normalized_value, raw_value FROM identifiers ORDER BY digest")
    assert found == list(zip(TEXTS, TEXTS[::-1], strict=True))


async def test_null_is_not_empty(chain: Chain, database_url: str) -> None:
    values: list[object] = [None, b"", b"\x00", None]
    names: list[object] = [f"name {place}" for place in range(4)]
    await chain.append({21: [1] * 4, 22: names, 23: values, 24: [5] * 4, 25: [0, 1, 2, 3]})
    assert await fetch(database_url, "SELECT value FROM traits ORDER BY name") == [(value,) for value in values]


async def test_large_values_and_many_rows(chain: Chain, database_url: str) -> None:
    records: list[object] = [os.urandom(LARGE_BYTES), b""]
    await chain.append({26: [0, 0], 27: [BIGGEST, SMALLEST], 28: [0, 2**31 - 1], 29: records})
    found = await fetch(database_url, "SELECT time_us, position, record FROM events ORDER BY time_us DESC")
    assert found == [(BIGGEST, 0, records[0]), (SMALLEST, 2**31 - 1, records[1])]
    await chain.append(created(*range(1, 20_001)))
    expected = [(20_000, 20_000 * 20_001 // 2)]
    assert await fetch(database_url, "SELECT count(*), sum(serial)::bigint FROM profiles") == expected


def cut_short(array: bytes) -> bytes:
    return array[:-1]


def too_long(array: bytes) -> bytes:
    return array + b"\x00"


def of_another_type(array: bytes) -> bytes:
    return array[:8] + (23).to_bytes(4, "big") + array[12:]


@pytest.mark.parametrize("broken", [cut_short, too_long, of_another_type])
async def test_an_array_that_is_none_is_refused_whole(
    chain: Chain, database_url: str, broken: Callable[[bytes], bytes]
) -> None:
    entry = chain.entry(created(1))
    with pytest.raises(StoreFailureError) as caught:
        await chain.send(replace(entry, columns=[broken(entry.columns[0]), *entry.columns[1:]]))
    assert caught.value.kind is FailureKind.POISON
    assert await fetch(database_url, "SELECT count(*) FROM log WHERE seq > 0") == [(0,)]
    await chain.append(created(1))


async def test_every_new_connection_passes_columns_through(chain: Chain, database_url: str) -> None:
    await chain.append(created(1))
    await fetch(
        database_url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    with suppress(StoreFailureError):  # whether the driver has noticed the loss yet is up to it
        await chain.send(chain.entry(created(2)))
    await chain.append(created(3))


@pytest.mark.parametrize("columns", [37, 39])
async def test_a_build_that_cannot_read_the_tables_or_proves_nothing_is_turned_away(
    chain: Chain, database_url: str, columns: int
) -> None:
    """Replicas before migrations 8 and 9 may still be there when the first of this build has migrated."""
    connection = await asyncpg.connect(database_url)
    entry = chain.entry()
    chain_columns = (entry.policy_revision, NOW_US, entry.state_hash, entry.format_version, entry.payload)
    head = (entry.keys.workspace_key, entry.seq, entry.id, entry.prev)
    places = ", ".join(f"${place}" for place in range(1, 10 + columns))
    outcome = await connection.fetchval(f"SELECT commit_batch({places})", *head, *chain_columns, *([[]] * columns))
    assert outcome == CommitOutcome.FENCED
    assert await connection.fetchval("SELECT max(seq) FROM log") == 0
    await connection.close()
