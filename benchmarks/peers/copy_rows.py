"""COPY of a workspace's rows, bytes only: the rate at which Postgres hands over what an index is loaded from.

Run as `python -m benchmarks.peers.copy_rows --database-url URL --workspace ID`. Prints a reading as JSON; a call of it
is a row.
"""

import argparse
import json
import time

import asyncpg
import uvloop

from benchmarks.harness.readings import measured
from utterson.store.statements import Statement

# The queries that an index is loaded by.
STATEMENTS = (Statement.LOAD_PROFILES, Statement.LOAD_IDENTIFIERS)


async def copy(database_url: str, workspace: str) -> dict[str, object]:
    """Copy all rows once and throw the bytes away."""
    connection = await asyncpg.connect(database_url)
    key = await connection.fetchval("SELECT workspace_key FROM workspaces WHERE workspace = $1", workspace)
    byte_count = 0
    rows = 0

    async def take(chunk: bytes) -> None:
        nonlocal byte_count
        byte_count += len(chunk)

    cpu_begin, begin = time.process_time(), time.perf_counter()
    for statement in STATEMENTS:
        told = await connection.copy_from_query(statement.text, key, output=take, format="binary")
        rows += int(told.split()[-1])
    seconds, cpu_s = time.perf_counter() - begin, time.process_time() - cpu_begin
    await connection.close()
    reading = measured([seconds], seconds, 1, rows, cpu_s)
    return reading.report() | {
        "calls": rows,
        "calls_a_second": rows / seconds,
        "rows_a_second": rows / seconds,
        "byte_count": byte_count,
    }


def main() -> None:
    """Read the options, copy, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database-url", required=True, help="address of a database of ours")
    parser.add_argument("--workspace", required=True, help="the workspace to copy")
    options = parser.parse_args()
    print(json.dumps(uvloop.run(copy(options.database_url, options.workspace))))


if __name__ == "__main__":
    main()
