"""Commits and reads find their rows by key, even with plans that were made for tables of a few rows."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg
import pytest

from tests.store.conftest import ANY_CLOCK, NOW_US, Chain, attached, created, new_chain, requested
from tests.store.older import NEW_KEY, OLD_KEY
from tests.store.test_snapshot import Collector
from utterson.domain.chain import Head
from utterson.domain.rows import EventPosition, HistoryPosition, ProfileQuery
from utterson.engine.core_engine import REQUEST_RETENTION_US
from utterson.store.migrate import migrate
from utterson.store.open_store import Store, open_store

DIGEST = bytes(range(16))
ROWS = 20_000
# The driver's plan of a statement is made anew for each of the first five calls, then kept.
ROUNDS = 7
# A row or two, and no more with time.
SMALL = {"workspaces", "migrations"}
FOUND_BY_KEY = {"log", "profiles", "identifiers", "traits", "events", "history", "requests"}
GROWN = (
    "INSERT INTO log SELECT $1, n, decode(md5(n::text), 'hex'), decode(md5(n::text), 'hex'), 1, n,"
    " decode(repeat('00', 48), 'hex'), 1 FROM generate_series($2::integer, $3::integer) AS n",
    "INSERT INTO log_payload SELECT $1, n, n, '' FROM generate_series($2::integer, $3::integer) AS n",
    "INSERT INTO profiles SELECT $1, n, n, 0, 0 FROM generate_series($2::integer, $3::integer) AS n",
    "INSERT INTO identifiers SELECT $1, md5(n::text)::uuid, 0, n, 'email', '', '', n, 1"
    " FROM generate_series($2::integer, $3::integer) AS n",
    "INSERT INTO traits SELECT $1, n, 'name', '', n, n, 0 FROM generate_series($2::integer, $3::integer) AS n",
    "INSERT INTO events SELECT $1, n, n, n, 0, '' FROM generate_series($2::integer, $3::integer) AS n",
    "INSERT INTO history SELECT $1, n, n, 0, '' FROM generate_series($2::integer, $3::integer) AS n",
    "INSERT INTO requests SELECT $1, md5(n::text)::uuid, '', n, 0, n, ''"
    " FROM generate_series($2::integer, $3::integer) AS n",
)


async def read_everything(store: Store, chain: Chain) -> None:
    """Call every reader of a few rows."""
    for _ in range(ROUNDS):
        await store.log.heads([chain.keys])
        await store.log.entry_id(chain.keys, 1)
        await store.log.tail(chain.keys, 0, 2)
        await store.log.request_answers(chain.keys, [DIGEST])
        await store.profiles.read(chain.keys, lambda head: [ProfileQuery(1, [1, 2], [DIGEST], [1])])
        await store.profiles.events_page(chain.keys, [1, 2], EventPosition(NOW_US, 10, 0), 5)
        await store.profiles.traits_page(chain.keys, [1, 2], "name", 5)
        await store.profiles.raw_values(chain.keys, [(DIGEST, 1)])
        await store.profiles.entry_ids(chain.keys, [0, 1])
        await store.profiles.history_page(chain.keys, [1, 2], HistoryPosition(10, 0), 5)


async def commit_everything(chain: Chain, first: int, rounds: int) -> None:
    """Commit, several times, what finds rows: losers, identifiers that go and that are seen; from a profile on."""
    for serial in range(first, first + rounds):
        other = serial + rounds
        digest, seen_digest = (hashlib.md5(b"%d" % number).digest() for number in (serial, other))
        gone: dict[int, list[object]] = {4: [serial], 5: [1], 6: [serial], 7: [digest], 8: [0]}
        await chain.append(gone | {17: [other], 18: [seen_digest], 19: [0], 20: [7]})


async def load_whole(store: Store, chain: Chain) -> None:
    """Load the workspace, several times."""
    for _ in range(ROUNDS):
        assert await store.snapshots.load(chain.keys.workspace, lambda keys, head: Collector(), 30.0)


@dataclass(frozen=True)
class Read:
    """How many rows of a table were read in its own order, and by key."""

    in_order: int
    by_key: int


async def rows_read(
    database_url: str, rounds_before: int, read: Callable[[Store, Chain], Awaitable[None]], key: str = NEW_KEY
) -> dict[str, Read]:
    """Have plans made in tables of a few rows, grow these, commit and read again, and tell what was read then."""
    await migrate(database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute(f"ALTER TABLE identifiers DROP CONSTRAINT identifiers_pkey, ADD {key}")
    # One connection each, so that the plans made before are those used afterwards.
    store = await open_store(database_url, ANY_CLOCK, REQUEST_RETENTION_US, connections_max=1)
    chain = await new_chain(store, "soho")
    await chain.append(created(1, 2) | attached((DIGEST, 0, 1)) | requested(DIGEST))
    await chain.append({21: [1], 22: ["city"], 23: [b"London"], 24: [5], 25: [0]})
    await chain.append({26: [1], 27: [5], 28: [0], 29: [b"event"], 30: [1], 31: [0], 32: [b"decision"]})
    for statement in GROWN:
        await connection.execute(statement, chain.key, 10, 9 + 2 * rounds_before)
    await connection.execute("VACUUM (ANALYZE)")
    chain.head = await newest(connection)
    await commit_everything(chain, 10, rounds_before)
    await read(store, chain)
    for statement in GROWN:
        await connection.execute(statement, chain.key, 100, ROWS)
    await connection.execute("SELECT pg_stat_force_next_flush()")
    await connection.execute("SELECT pg_stat_reset()")
    chain.head = await newest(connection)

    await commit_everything(chain, 1_000, ROUNDS)
    await read(store, chain)
    await store.close()  # a backend that ends tells its counters at once

    told = await connection.fetch("SELECT relname, seq_tup_read, idx_tup_fetch FROM pg_stat_user_tables")
    await connection.close()
    return {row["relname"]: Read(row["seq_tup_read"], row["idx_tup_fetch"] or 0) for row in told}


@pytest.mark.parametrize("key", [NEW_KEY, OLD_KEY])
@pytest.mark.parametrize("rounds_before", [1, ROUNDS])
async def test_rows_are_found_by_key_in_tables_that_grew_since_they_were_analysed(
    database_url: str, rounds_before: int, key: str
) -> None:
    tables = await rows_read(database_url, rounds_before, read_everything, key)
    assert {name for name, read in tables.items() if read.in_order} <= SMALL
    assert {name for name, read in tables.items() if read.by_key > 24 * ROUNDS} == set()
    assert {name for name, read in tables.items() if read.by_key} >= FOUND_BY_KEY


async def test_a_load_looks_for_its_head_by_key(database_url: str) -> None:
    log = (await rows_read(database_url, 1, load_whole))["log"]
    assert log.in_order == 0
    assert 0 < log.by_key < 20 * ROUNDS


async def newest(connection: "asyncpg.Connection[asyncpg.Record]") -> Head:
    row = await connection.fetchrow("SELECT seq, id FROM log ORDER BY seq DESC LIMIT 1")
    assert row is not None
    return Head(row["seq"], row["id"])
