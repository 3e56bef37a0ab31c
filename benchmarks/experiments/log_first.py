"""Log first, or tables in the same transaction? (docs/decisions/0014-tables-in-the-same-transaction.md)

`python -m benchmarks.experiments.log_first --seconds 600` runs both ways on fresh databases of one embedded Postgres,
durable settings on, and prints for each: calls a second, latency of a commit, CPU of Postgres and of the client a call.

- tables: `commit_batch`, as the service does.
- log first: the log row alone is durable before the answer; another connection writes the tables behind it, in groups
  of many commits sorted by key, one transaction a group together with the watermark. The log waits where the tables
  lag too far behind. The rate counts until the tables have caught up. What merging the commits of a group would cost
  is left out: the effects of a group are made whole. So is all that reads would wait for: both favour log first.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import asyncpg
import uvloop

from benchmarks.experiments.synthetic import NOW_US, Effects, payload
from utterson.store.embedded import EmbeddedPostgres
from utterson.store.migrate import migrate
from utterson.store.pool import KEY_SETTINGS, pass_columns_through
from utterson.store.statements import Statement

POPULATION_CALLS = 20_000
# What an entry is held against: the workspace as `begin` makes it, and any time.
PROOF = (bytes(32), 10**16)
WATERMARK = "CREATE TABLE watermarks (workspace_key bigint PRIMARY KEY, seq bigint NOT NULL);"


@dataclass(frozen=True)
class Settings:
    """How one run is made."""

    seconds: float
    calls_in_commit: int
    calls_in_group: int
    lag_calls_max: int
    population: int


@dataclass
class Reading:
    """What one way came to."""

    calls: int = 0
    seconds: float = 0.0
    lag_calls_largest: int = 0
    latencies_ms: list[float] = field(default_factory=list)

    def told(self, cpu_us: dict[str, float], wal_bytes: int) -> dict[str, float]:
        """Give the figures."""
        ordered = sorted(self.latencies_ms)
        shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999, "max": 1.0}
        latency = {
            f"{name}_ms": ordered[min(int(len(ordered) * share), len(ordered) - 1)] for name, share in shares.items()
        }
        cpu = {f"{who}_us_a_call": used / self.calls for who, used in cpu_us.items()}
        rates = {"calls_a_second": self.calls / self.seconds, "seconds": self.seconds}
        return rates | latency | cpu | {"wal_bytes_a_call": wal_bytes / self.calls, "lag_calls": self.lag_calls_largest}


def functions() -> str:
    """Cut `commit_batch` in two: what the answer waits for, and what the tables get."""
    whole = resources.files("utterson.store").joinpath("functions", "commit_batch.sql").read_text(encoding="utf-8")
    head, tables = whole.split("    IF cardinality(p_created_serials)", 1)
    declared = head.index("BEGIN\n") + len("BEGIN\n")
    log = head.replace("commit_batch", "commit_log") + "    RETURN 0;\nEND $$;\n"
    first_column, last = log.index("    p_created_serials"), log.index(") RETURNS integer")
    log = log[:first_column] + "    p_identity bytea, p_clock_skew_us_max bigint\n" + log[last:]
    mark = (
        "    INSERT INTO watermarks VALUES (p_workspace_key, p_seq) ON CONFLICT (workspace_key) DO UPDATE"
        " SET seq = excluded.seq;\n"
    )
    project = (
        head[:declared].replace("commit_batch", "project") + mark + "    IF cardinality(p_created_serials)" + tables
    )
    return WATERMARK + log + project


class Writer:
    """The chain of one workspace, and two connections to its database."""

    def __init__(
        self, commits: "asyncpg.Connection[asyncpg.Record]", tables: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        self.effects = Effects()
        self._commits = commits
        self._tables = tables
        self._seq = 0
        self._id = bytes(16)

    async def begin(self, population: int) -> None:
        """Make the workspace and its population."""
        await self._commits.execute(functions())
        await self._commits.execute(
            "INSERT INTO workspaces"
            " (workspace, workspace_key, digest_key, id_key, create_time_us, genesis_id, database_id)"
            " VALUES ('soho', 1, $1, $1, 0, $1, $1)",
            bytes(16),
        )
        await self._commits.execute("INSERT INTO log VALUES (1, 0, $1, $1, 1, 0, $2, 1)", bytes(16), bytes(48))
        while self.effects.profiles * 3 < population:
            await self.commit(self.effects.columns(POPULATION_CALLS), POPULATION_CALLS)
        await self._commits.execute("VACUUM ANALYZE")
        await self._commits.execute("CHECKPOINT")

    def _entry(self, calls: int) -> tuple[object, ...]:
        prev, self._id = self._id, os.urandom(16)
        self._seq += 1
        return (1, self._seq, self._id, prev, 1, NOW_US, bytes(48), 1, payload(calls))

    async def commit(self, columns: list[bytes], calls: int) -> None:
        """Log and tables, as the service does."""
        outcome = await self._commits.fetchval(Statement.COMMIT_BATCH.text, *self._entry(calls), *columns, *PROOF)
        if outcome != 0:
            raise RuntimeError(f"outcome {outcome}")

    async def log(self, calls: int) -> None:
        """Write the log alone."""
        statement = "SELECT commit_log($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        if await self._commits.fetchval(statement, *self._entry(calls), *PROOF):
            raise RuntimeError("the log refused its own next entry")

    async def project(self, columns: list[bytes]) -> None:
        """Write the tables of a group, and the watermark."""
        statement = Statement.COMMIT_BATCH.text.replace("commit_batch", "project")
        entry = (1, self._seq, bytes(16), bytes(16), 1, NOW_US, bytes(48), 1, b"")
        await self._tables.fetchval(statement, *entry, *columns, *PROOF)


async def tables_too(writer: Writer, settings: Settings) -> Reading:
    """Commit after commit, each with its tables; the next one's effects are made while one is under way."""
    reading, calls = Reading(), settings.calls_in_commit
    began = time.perf_counter()
    columns = writer.effects.columns(calls)
    while time.perf_counter() - began < settings.seconds:
        sent = time.perf_counter()
        commit = asyncio.ensure_future(writer.commit(columns, calls))
        await asyncio.sleep(0)
        columns = writer.effects.columns(calls)
        await commit
        reading.latencies_ms.append((time.perf_counter() - sent) * 1000)
        reading.calls += calls
    reading.seconds = time.perf_counter() - began
    return reading


async def log_first(writer: Writer, settings: Settings) -> Reading:
    """Log entry after log entry, the tables behind; the log waits where they lag too far."""
    reading, calls = Reading(), settings.calls_in_commit
    projected, moved, is_over = 0, asyncio.Event(), False

    async def follow() -> None:
        nonlocal projected
        while not (is_over and projected == reading.calls):
            moved.clear()
            group = min(reading.calls - projected, settings.calls_in_group)
            if group < settings.calls_in_group and not is_over:
                await moved.wait()
                continue
            await writer.project(writer.effects.columns(group))
            projected += group
            moved.set()

    began = time.perf_counter()
    follower = asyncio.create_task(follow())
    while time.perf_counter() - began < settings.seconds:
        sent = time.perf_counter()
        while reading.calls - projected > settings.lag_calls_max and not follower.done():
            moved.clear()
            await moved.wait()
        await writer.log(calls)
        reading.latencies_ms.append((time.perf_counter() - sent) * 1000)
        reading.calls += calls
        reading.lag_calls_largest = max(reading.lag_calls_largest, reading.calls - projected)
        moved.set()
    is_over = True
    moved.set()
    await follower
    reading.seconds = time.perf_counter() - began
    return reading


WAYS = {"tables": tables_too, "log_first": log_first}


def cpu_us(data: Path) -> dict[str, float]:
    """Tell the CPU used so far by Postgres' processes that live, and by this one."""
    postmaster = (data / "postmaster.pid").read_text(encoding="ascii").split()[0]
    children = subprocess.run(["pgrep", "-P", postmaster], capture_output=True, text=True, check=True).stdout.split()
    used_ns = 0
    for child in children:
        schedule = Path(f"/proc/{child}/schedstat")
        used_ns += int(schedule.read_text(encoding="ascii").split()[0]) if schedule.exists() else 0
    return {"postgres": used_ns / 1000, "client": time.process_time() * 1e6}


async def run_way(way: str, settings: Settings, cluster: EmbeddedPostgres, data: Path) -> dict[str, float]:
    """Run one way on a database of its own."""
    admin = await asyncpg.connect(**cluster.connect_kwargs())
    await admin.execute("DROP DATABASE IF EXISTS experiment")
    await admin.execute("CREATE DATABASE experiment")
    arguments = cluster.connect_kwargs() | {"database": "experiment"}
    await migrate(f"postgresql://{arguments['user']}@/experiment?host={arguments['host']}&port={arguments['port']}")
    commits, tables = [await asyncpg.connect(**arguments, server_settings=KEY_SETTINGS | {"jit": "off"}) for _ in "ab"]
    for connection in (commits, tables):
        await pass_columns_through(connection)
    writer = Writer(commits, tables)
    await writer.begin(settings.population)
    before, wal = cpu_us(data), await admin.fetchval("SELECT pg_current_wal_lsn() - '0/0'")
    reading = await WAYS[way](writer, settings)
    after, wal_after = cpu_us(data), await admin.fetchval("SELECT pg_current_wal_lsn() - '0/0'")
    for connection in (commits, tables, admin):
        await connection.close()
    return reading.told({who: after[who] - before[who] for who in after}, int(wal_after - wal))


async def run(settings: Settings, pairs: int, folder: Path) -> None:
    """Run both ways in turn and print a JSON line for each, then the ratios."""
    async with EmbeddedPostgres(folder) as cluster:
        ratios = []
        for pair in range(pairs):
            found = {}
            for way in WAYS if pair % 2 == 0 else reversed(WAYS):
                found[way] = await run_way(way, settings, cluster, folder / "postgres" / "data")
                told = {name: round(value, 2) for name, value in found[way].items()}
                print(json.dumps({"way": way} | told), flush=True)
            ratios.append(found["log_first"]["calls_a_second"] / found["tables"]["calls_a_second"])
        print(json.dumps({"log_first_to_tables": [round(ratio, 2) for ratio in ratios]}))


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="how long each way runs")
    parser.add_argument("--calls-in-commit", type=int, default=400)
    parser.add_argument("--calls-in-group", type=int, default=16_000, help="calls whose tables are written at once")
    parser.add_argument("--lag-calls-max", type=int, default=100_000, help="how far the tables may be behind")
    parser.add_argument("--population", type=int, default=1_000_000, help="identifiers there beforehand")
    parser.add_argument("--pairs", type=int, default=1)
    given = parser.parse_args()
    settings = Settings(
        given.seconds, given.calls_in_commit, given.calls_in_group, given.lag_calls_max, given.population
    )
    folder = Path(tempfile.mkdtemp(prefix="utterson-experiment-"))
    folder.chmod(0o755)
    try:
        uvloop.run(run(settings, given.pairs, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
