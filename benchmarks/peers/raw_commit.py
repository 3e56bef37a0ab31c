"""Raw group commit: the very rows that our commits wrote, by plain INSERT … SELECT unnest, with no logic at all.

Run as `python -m benchmarks.peers.raw_commit --source-url URL --since-xid N --database-url URL`. Reads from the source
what each commit wrote, a transaction each, and writes it into a database that stands where ours stood before: one
statement a commit, one round trip, one connection. Prints a reading as JSON; a call of it is a row.
"""

import argparse
import json
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg
import uvloop

from benchmarks.harness.readings import measured

TABLES = ("log", "log_payload", "profiles", "identifiers", "traits", "events", "history", "requests")
# Rows of the population were updated, not written: they stand in the other database already.
KEYS = {"profiles": ("serial",), "identifiers": ("profile", "digest"), "traits": ("profile", "name")}
COMMIT_XIDS = """
SELECT xmin::text::bigint AS xid FROM log WHERE xmin::text::bigint >= $1 ORDER BY xmin::text::bigint OFFSET $2
"""
COLUMNS = """
SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Rows: TypeAlias = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Table:
    """One table: its columns with their types, and the rows that each transaction wrote."""

    name: str
    columns: list[tuple[str, str]]
    rows: dict[int, Rows]

    def insert(self, first_parameter: int) -> str:
        """Write the statement that takes one array a column."""
        arrays = ", ".join(
            f"${first_parameter + place}::{_domain(type_)}::{type_}[]" for place, (_, type_) in enumerate(self.columns)
        )
        return f"INSERT INTO {self.name} SELECT * FROM unnest({arrays})"

    def arrays(self, xid: int) -> list[list[Any]]:
        """Turn what a transaction wrote into one array a column."""
        rows = self.rows.get(xid)
        return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in self.columns]


async def read_table(source: Connection, target: Connection, name: str, xids: list[int]) -> Table:
    """Read what the transactions wrote into a table, but for rows that the target has already."""
    columns = [(row["name"], row["type"]) for row in await source.fetch(COLUMNS, name)]
    names = ", ".join(column for column, _ in columns)
    found = await source.fetch(
        f"SELECT xmin::text::bigint, {names} FROM {name} WHERE xmin::text::bigint BETWEEN $1 AND $2", xids[0], xids[-1]
    )
    present = await _present(target, name, columns, [tuple(row)[1:] for row in found])
    key = _key_places(name, columns)
    rows: dict[int, Rows] = defaultdict(list)
    for xid, *row in found:
        if not key or tuple(row[place] for place in key) not in present:
            rows[xid].append(tuple(row))
    return Table(name, columns, rows)


def _key_places(name: str, columns: list[tuple[str, str]]) -> list[int]:
    places = {column: place for place, (column, _) in enumerate(columns)}
    return [places[column] for column in KEYS.get(name, ())]


async def _present(target: Connection, name: str, columns: list[tuple[str, str]], rows: Rows) -> set[tuple[Any, ...]]:
    key = _key_places(name, columns)
    if not key or not rows:
        return set()
    arrays = ", ".join(f"${place + 2}::{columns[column][1]}[]" for place, column in enumerate(key))
    names = ", ".join(KEYS[name])
    query = f"SELECT {names} FROM {name} WHERE workspace_key = $1 AND ({names}) IN (SELECT * FROM unnest({arrays}))"
    values = [[row[place] for row in rows] for place in key]
    return {tuple(row) for row in await target.fetch(query, rows[0][0], *values)}


class Writer:
    """Writes what one transaction wrote, in one statement. The arrays travel as bytes that were encoded ahead."""

    def __init__(self, target: Connection, tables: list[Table]) -> None:
        self._target = target
        self._tables = tables
        self._types = [type_ for table in tables for _, type_ in table.columns]

    async def prepare(self) -> "asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record]":
        """Prepare the statement."""
        for type_ in set(self._types):
            await self._target.execute(f"CREATE DOMAIN {_domain(type_)} AS {type_}[]")
            await self._target.set_builtin_type_codec(
                _domain(type_), schema="public", codec_name="bytea", format="binary"
            )
        statements, first = [], 1
        for table in self._tables:
            statements.append(table.insert(first))
            first += len(table.columns)
        *before, last = statements
        parts = ", ".join(f"s{place} AS ({statement})" for place, statement in enumerate(before))
        return await self._target.prepare(f"WITH {parts} {last}" if before else last)

    async def encode(self, xids: list[int]) -> list[list[bytes]]:
        """Let Postgres itself encode the arrays, ahead of the clock."""
        sends = ", ".join(f"array_send(${place}::{type_}[])" for place, type_ in enumerate(self._types, start=1))
        encode = await self._target.prepare(f"SELECT {sends}")
        encoded = []
        for xid in xids:
            row = await encode.fetchrow(*(array for table in self._tables for array in table.arrays(xid)))
            encoded.append(list(row or ()))
        return encoded

    async def clean(self) -> None:
        """Leave nothing behind but the rows."""
        for type_ in set(self._types):
            await self._target.execute(f"DROP DOMAIN IF EXISTS {_domain(type_)}")


async def run(source_url: str, database_url: str, since_xid: int, skip: int, commits: int) -> dict[str, object]:
    """Read ahead, then write commit by commit; the first tenth warms up."""
    source, target = await asyncpg.connect(source_url), await asyncpg.connect(database_url)
    left = [row["xid"] for row in await source.fetch(COMMIT_XIDS, since_xid, skip)]
    # At most half of what is left, so that something is left for the next time.
    xids = left[: min(commits, (len(left) + 1) // 2)]
    if not xids:
        raise SystemExit("the source holds no commit that was not repeated yet")
    tables = [await read_table(source, target, name, xids) for name in TABLES]
    writer = Writer(target, [table for table in tables if table.rows])
    await writer.clean()
    batches = await writer.encode(xids)
    write = await writer.prepare()
    latencies_s = []
    cpu_begin = time.process_time()
    for batch in batches:
        begin = time.perf_counter()
        await write.fetch(*batch)
        latencies_s.append(time.perf_counter() - begin)
    cpu_s = time.process_time() - cpu_begin
    await writer.clean()
    await source.close()
    await target.close()
    warm = len(batches) // 10
    row_counts = [sum(len(table.rows.get(xid, ())) for table in tables) for xid in xids]
    return _report(latencies_s[warm:], row_counts[warm:], sum(row_counts), cpu_s) | {"commits": len(batches)}


def _report(latencies_s: list[float], row_counts: list[int], used: int, cpu_s: float) -> dict[str, object]:
    seconds, rows = sum(latencies_s), sum(row_counts)
    told: dict[str, object] = {
        "calls": rows,
        "calls_a_second": rows / seconds,
        "rows_a_second": rows / seconds,
        "used": used,
        "client_cpu_seconds": cpu_s * rows / used,
    }
    return measured(latencies_s, seconds, 1, used, 0.0).report() | told


def _domain(type_: str) -> str:
    """Name the domain over arrays of a type: the driver takes ready bytes for domains, not for arrays."""
    return f"raw_{type_}"


def main() -> None:
    """Read the options, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source-url", required=True, help="a database after a drive of ours")
    parser.add_argument("--database-url", required=True, help="a copy of the database as it was before that drive")
    parser.add_argument("--since-xid", type=int, required=True, help="the first transaction of the drive")
    parser.add_argument("--skip", type=int, default=0, help="commits that were used before")
    parser.add_argument("--commits", type=int, default=1000, help="how many commits to repeat")
    options = parser.parse_args()
    report = uvloop.run(run(options.source_url, options.database_url, options.since_xid, options.skip, options.commits))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
