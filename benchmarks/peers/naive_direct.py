"""The naive peer at its best: its function called directly, with no RPC between.

Run as `python -m benchmarks.peers.naive_direct --database-url URL --calls FILE`. Prints a reading as JSON.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import asyncpg
import uvloop

from benchmarks.harness import frames
from benchmarks.harness.readings import Reading, measured
from benchmarks.peers.naive_database import REPEATABLE, RESOLVE
from utterson.v1.identity_service_pb2 import IdentifyRequest

IDENTIFY = 1
# No peer of this kind reaches more on any machine that we know; so many calls are decoded ahead a second.
CALLS_A_SECOND_MAX = 20_000

Call: TypeAlias = tuple[str, list[str], list[str]]


def decode(encoded: Iterator[tuple[int, bytes]]) -> list[Call]:
    """Decode Identify calls ahead, so that the clock sees the database only."""
    calls: list[Call] = []
    for kind, request_bytes in encoded:
        if kind != IDENTIFY:
            raise ValueError(f"the naive peer knows Identify only, not the call kind {kind}")
        request = IdentifyRequest.FromString(request_bytes)
        types = [identifier.type for identifier in request.identifiers]
        calls.append((request.workspace, types, [identifier.value for identifier in request.identifiers]))
    return calls


class Drive:
    """Calls in order from several connections, each waiting for its answer before the next."""

    def __init__(self, calls: list[Call], warm_up_s: float, seconds: float) -> None:
        self._calls = iter(calls)
        self._clock_start = time.perf_counter() + warm_up_s
        self._clock_end = self._clock_start + seconds
        self.latencies_s: list[float] = []
        self.used = 0
        self.repeats = 0

    async def connection(self, database_url: str) -> None:
        """Drive one connection until the time is over or the calls are used up."""
        connection = await asyncpg.connect(database_url)
        try:
            resolve = await connection.prepare(RESOLVE)
            for call in self._calls:
                begin = time.perf_counter()
                if begin >= self._clock_end:
                    return
                self.used += 1
                await self._one(resolve, call)
                end = time.perf_counter()
                if self._clock_start <= end < self._clock_end:
                    self.latencies_s.append(end - begin)
        finally:
            await connection.close()

    async def _one(self, resolve: "asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record]", call: Call) -> None:
        while True:
            try:
                await resolve.fetchrow(*call)
            except REPEATABLE:
                self.repeats += 1
            else:
                return


async def drive(database_url: str, calls: list[Call], connections: int, warm_up_s: float, seconds: float) -> Reading:
    """Drive the database; the calls must last."""
    run = Drive(calls, warm_up_s, seconds)
    cpu_begin = time.process_time()
    await asyncio.gather(*(run.connection(database_url) for _ in range(connections)))
    cpu_s = time.process_time() - cpu_begin
    return measured(run.latencies_s, seconds, 1, run.used, cpu_s)


def main() -> None:
    """Read the options, drive, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database-url", required=True, help="address of the naive peer's database")
    parser.add_argument("--calls", type=Path, required=True, help="the workload's calls")
    parser.add_argument("--skip", type=int, default=0, help="calls that were used before")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--warm-up-seconds", type=float, default=1)
    parser.add_argument("--seconds", type=float, default=8)
    options = parser.parse_args()
    wanted = int((options.warm_up_seconds + options.seconds) * CALLS_A_SECOND_MAX)
    calls = decode(frames.calls(options.calls, options.skip, wanted))
    reading = uvloop.run(
        drive(options.database_url, calls, options.connections, options.warm_up_seconds, options.seconds)
    )
    print(json.dumps(reading.report() | {"ran_dry": reading.used >= len(calls)}))


if __name__ == "__main__":
    main()
