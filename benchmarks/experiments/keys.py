"""What the key of `identifiers` costs (docs/decisions/0019-rows-where-they-are-looked-for.md).

`python -m benchmarks.experiments.keys --identifiers 10000000 --rounds 3` fills the service's tables, then gives
`identifiers` one key and the other in turn. With each it makes a checkpoint and has `commit_batch` write the mixed
workload, durable settings on, and tells what the first commits cost, the last, and all:

- digest: the key up to migration 7, which itself enforces one owner. Each row has a place of its own.
- profile: the key since migration 8. Rows of new profiles lie at its end.

A call's rows, and what of them is made up: benchmarks/experiments/synthetic.py.
"""

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from typing import TypeAlias

import asyncpg
import uvloop
from rich.table import Table

from benchmarks.experiments.synthetic import NOW_US, Effects, Order, payload
from benchmarks.harness.telling import console_here
from utterson.store.embedded import EmbeddedPostgres
from utterson.store.migrate import migrate
from utterson.store.pool import KEY_SETTINGS, pass_columns_through
from utterson.store.statements import Statement

IDENTIFIERS_IN_PROFILE = 3
FILLED_AT_ONCE = 5_000_000
FILL_PROFILES = "INSERT INTO profiles SELECT 1, n, n, 0, 0 FROM generate_series($1::bigint, $2::bigint) AS n"
FILL_IDENTIFIERS = """
INSERT INTO identifiers SELECT 1, md5(n::text)::uuid, 0, (n + 2) / 3, 'email', 'u' || n, 'u' || n, n, 20000
FROM generate_series($1::bigint, $2::bigint) AS n
"""
COUNTERS = """
SELECT wal_bytes::bigint AS log_bytes, wal_fpi AS whole_pages,
    (SELECT blks_read FROM pg_stat_database WHERE datname = current_database()) AS pages_read
FROM pg_stat_wal
"""

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Key(Enum):
    """The columns of the primary key."""

    DIGEST = "workspace_key, digest, slot"
    PROFILE = "workspace_key, profile, digest"

    @property
    def order(self) -> Order:
        """The order in which the core of a build with this key hands rows over."""
        return Order[f"BY_{self.name}"]


@dataclass(frozen=True)
class Costs:
    """Counters of the database and of the backend that commits."""

    elapsed_us: float
    backend_cpu_us: float
    log_bytes: float
    whole_pages: float
    pages_read: float
    disk_read_bytes: float


@dataclass(frozen=True)
class Counters:
    """What so many calls have cost so far."""

    calls: int
    costs: Costs

    def a_call(self, before: "Counters") -> Costs:
        """Tell what a call cost between two readings."""
        calls = self.calls - before.calls
        names = [one.name for one in fields(Costs)]
        return Costs(*((getattr(self.costs, name) - getattr(before.costs, name)) / calls for name in names))


@dataclass(frozen=True)
class Size:
    """How much is filled and measured."""

    identifiers: int
    calls_in_commit: int = 270
    commits_first: int = 150
    commits_between: int = 2_000
    rounds: int = 1


# What an entry is held against: the workspace as `fill` makes it, and any time.
PROOF = (bytes(32), 10**16)


class Writer:
    """Commits the mixed workload to a workspace, on a connection of its own."""

    def __init__(self, connection: Connection, effects: Effects, size: Size) -> None:
        self._connection = connection
        self._effects = effects
        self._size = size
        self._process_id = 0
        self._calls = 0
        self._waited_us = 0.0

    async def begin(self) -> None:
        """Get the connection ready, and the backend's plans with it."""
        await pass_columns_through(self._connection)
        self._process_id = await self._connection.fetchval("SELECT pg_backend_pid()")
        await self.commit(10)

    async def commit(self, commits: int) -> None:
        """Commit so often."""
        calls = self._size.calls_in_commit
        head = await self._connection.fetchrow("SELECT seq, id FROM log ORDER BY seq DESC LIMIT 1")
        assert head is not None
        seq, prev = head["seq"], head["id"]
        for _ in range(commits):
            seq, entry_id = seq + 1, os.urandom(16)
            entry = (1, seq, entry_id, prev, 1, NOW_US, bytes(48), 1, payload(calls))
            columns = self._effects.columns(calls)
            began_s = time.perf_counter()
            outcome = await self._connection.fetchval(Statement.COMMIT_BATCH.text, *entry, *columns, *PROOF)
            self._waited_us += (time.perf_counter() - began_s) * 1e6
            if outcome != 0:
                raise RuntimeError(f"outcome {outcome}")
            prev = entry_id
        self._calls += commits * calls

    async def measure(self) -> dict[str, Costs]:
        """Commit, and tell what a call cost at first, later and all in all."""
        began = await self._read()
        await self.commit(self._size.commits_first)
        first = await self._read()
        await self.commit(self._size.commits_between)
        between = await self._read()
        await self.commit(self._size.commits_first)
        ended = await self._read()
        return {"first": first.a_call(began), "later": ended.a_call(between), "whole": ended.a_call(began)}

    async def _read(self) -> "Counters":
        process = Path(f"/proc/{self._process_id}")
        await self._connection.execute("SELECT pg_stat_force_next_flush()")
        counters = await self._connection.fetchrow(COUNTERS)
        assert counters is not None
        cpu_us = int(process.joinpath("schedstat").read_text(encoding="ascii").split()[0]) / 1000
        io = dict(line.split(": ") for line in process.joinpath("io").read_text(encoding="ascii").splitlines())
        read = (counters["log_bytes"], counters["whole_pages"], counters["pages_read"], io["read_bytes"])
        return Counters(self._calls, Costs(self._waited_us, cpu_us, *map(float, read)))


async def fill(connection: Connection, identifiers: int) -> None:
    """Make a workspace and its population; `identifiers` is left without a key."""
    await connection.execute("ALTER TABLE identifiers DROP CONSTRAINT identifiers_pkey")
    for table in ("identifiers", "profiles", "history"):
        await connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
    await connection.execute(
        "INSERT INTO workspaces (workspace, workspace_key, digest_key, id_key, create_time_us, genesis_id, database_id)"
        " VALUES ('soho', 1, $1, $1, 0, $1, $1)",
        bytes(16),
    )
    await connection.execute("INSERT INTO log VALUES (1, 0, $1, $1, 1, 0, $2, 1)", bytes(16), bytes(48))
    profiles = -(-identifiers // IDENTIFIERS_IN_PROFILE)
    for statement, count in ((FILL_PROFILES, profiles), (FILL_IDENTIFIERS, identifiers)):
        for first in range(1, count + 1, FILLED_AT_ONCE):
            await connection.execute(statement, first, min(first + FILLED_AT_ONCE - 1, count))


async def rekey(connection: Connection, key: Key) -> None:
    """Give `identifiers` another key."""
    await connection.execute("SET maintenance_work_mem = '1GB'")
    await connection.execute("ALTER TABLE identifiers DROP CONSTRAINT IF EXISTS identifiers_pkey")
    await connection.execute(f"ALTER TABLE identifiers ADD CONSTRAINT identifiers_pkey PRIMARY KEY ({key.value})")


async def measure(
    database_url: str, size: Size, keys: tuple[Key, ...] = tuple(Key)
) -> dict[tuple[Key, str], list[Costs]]:
    """Fill a migrated database, and give for each key and phase what a call cost in each round."""
    admin = await asyncpg.connect(database_url)
    await fill(admin, size.identifiers)
    found: dict[tuple[Key, str], list[Costs]] = {}
    effects = Effects(-(-size.identifiers // IDENTIFIERS_IN_PROFILE))
    for number in range(size.rounds):
        for key in keys if number % 2 == 0 else reversed(keys):
            await rekey(admin, key)
            effects.order = key.order
            connection = await asyncpg.connect(database_url, server_settings=KEY_SETTINGS | {"jit": "off"})
            writer = Writer(connection, effects, size)
            await writer.begin()
            await admin.execute("CHECKPOINT")
            for phase, costs in (await writer.measure()).items():
                found.setdefault((key, phase), []).append(costs)
            await connection.close()
    await admin.close()
    return found


def costs_table(found: dict[tuple[Key, str], list[Costs]], size: Size) -> Table:
    """Set both keys side by side: medians of the rounds, and the first key's to the second's."""
    names = [one.name for one in fields(Costs)]
    table = Table(
        title=f"{size.identifiers:,} identifiers, a call of the mixed workload, {size.calls_in_commit} a commit"
    )
    for heading in ("commits after the checkpoint", "key", *names):
        table.add_column(heading.replace("_", " "), justify="right")
    last = size.commits_first + size.commits_between
    end = last + size.commits_first
    spans = {"first": (0, size.commits_first), "later": (last, end), "whole": (0, end)}
    for phase, (begin, until) in spans.items():
        told: dict[Key, list[float]] = {}
        for key in (one for one in Key if (one, phase) in found):
            told[key] = [statistics.median(getattr(one, name) for one in found[key, phase]) for name in names]
            table.add_row(f"{begin} to {until}", key.name.lower(), *(f"{value:,.2f}" for value in told[key]))
        if len(told) == len(Key):
            pairs = zip(*told.values(), strict=True)
            table.add_row("", "ratio", *(f"{one / other:.2f}" if other else "-" for one, other in pairs))
    return table


async def run(folder: Path, size: Size) -> None:
    """Measure in a cluster of its own, and print."""
    async with EmbeddedPostgres(folder / "data") as postgres:
        await migrate(postgres.dsn)
        found = await measure(postgres.dsn, size)
    console = console_here()
    for (key, phase), rounds in found.items():
        for costs in rounds:
            console.print(key.name.lower(), phase, costs, soft_wrap=True)
    console.print(costs_table(found, size))


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--identifiers", type=int, default=1_000_000, help="rows in the table before")
    parser.add_argument("--rounds", type=int, default=3, help="how often each key is built and measured")
    parser.add_argument("--commits-between", type=int, default=2_000, help="commits between the two readings")
    parser.add_argument("--folder", type=Path, help="where the database lies meanwhile")
    options = parser.parse_args()
    size = Size(options.identifiers, commits_between=options.commits_between, rounds=options.rounds)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        # Postgres may run as another account.
        folder.chmod(0o755)
        uvloop.run(run(folder, size))


if __name__ == "__main__":
    main()
