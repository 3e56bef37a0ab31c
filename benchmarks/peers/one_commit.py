"""One durable commit: a connection that writes one small row at a time. What a lone durable write cannot beat.

Run as `python -m benchmarks.peers.one_commit --database-url URL`. Prints a reading as JSON.
"""

import argparse
import json
import time

import asyncpg
import uvloop

from benchmarks.harness.readings import Reading, measured


async def drive(database_url: str, warm_up_s: float, seconds: float) -> Reading:
    """Insert a row after the other, each in a transaction of its own."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("CREATE TABLE IF NOT EXISTS one_commit (number bigint PRIMARY KEY, record bytea)")
    number = await connection.fetchval("SELECT coalesce(max(number), 0) FROM one_commit")
    insert = await connection.prepare("INSERT INTO one_commit VALUES ($1, $2)")
    start = time.perf_counter() + warm_up_s
    latencies_s = []
    used = 0
    cpu_begin = time.process_time()
    while (begin := time.perf_counter()) < start + seconds:
        used += 1
        await insert.fetch(number + used, bytes(150))
        if begin >= start:
            latencies_s.append(time.perf_counter() - begin)
    cpu_s = time.process_time() - cpu_begin
    await connection.close()
    return measured(latencies_s, seconds, 1, used, cpu_s)


def main() -> None:
    """Read the options, drive, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database-url", required=True, help="address of a database of its own")
    parser.add_argument("--warm-up-seconds", type=float, default=1)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    reading = uvloop.run(drive(options.database_url, options.warm_up_seconds, options.seconds))
    print(json.dumps(reading.report()))


if __name__ == "__main__":
    main()
