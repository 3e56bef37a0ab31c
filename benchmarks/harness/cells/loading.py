"""G10: loading a workspace's index at the first call, beside COPY of the same rows with the bytes thrown away."""

import time

import asyncpg

from benchmarks.harness.bench import Bench, Side, prime
from benchmarks.harness.clients import run_json
from benchmarks.harness.processes import Server, free_address, python_module, utterson_serve
from benchmarks.harness.readings import Reading, measured
from benchmarks.harness.workloads import Workload

ROWS = """
SELECT (SELECT count(*) FROM profiles WHERE workspace_key = w.workspace_key)
    + (SELECT count(*) FROM identifiers WHERE workspace_key = w.workspace_key)
FROM workspaces w WHERE workspace = $1
"""


async def loading(bench: Bench) -> None:
    """Start, call once, stop; in turn with a COPY."""
    workload = await bench.workload("mixed", bench.sizes.population, bench.sizes.calls(bench.sizes.pairs))
    (workspace,) = workload.workspaces
    url = bench.cluster.url(await bench.loaded(workload))
    connection = await asyncpg.connect(url)
    rows = await connection.fetchval(ROWS, workspace)
    await connection.close()

    async def load() -> Reading:
        return await first_call(bench, workload, url, rows)

    async def copy() -> Reading:
        command = python_module("benchmarks.peers.copy_rows", "--database-url", url, "--workspace", workspace)
        return Reading.of_report(await run_json(command))

    await bench.pairs("loading", [Side("utterson", load), Side("copy", copy)])


async def first_call(bench: Bench, workload: Workload, url: str, rows: int) -> Reading:
    """Take the time from the first call to its answer, on a server that has loaded nothing yet."""
    address = free_address()
    server = Server(utterson_serve(address, url), address, bench.folder / "loading.log")
    try:
        await server.up()
        begin = time.perf_counter()
        await prime(address, workload.workspaces)
        seconds = time.perf_counter() - begin
    finally:
        await server.stop()
    reading = measured([seconds], seconds, 1, rows, 0.0)
    return Reading.of_report(
        reading.report() | {"calls": rows, "calls_a_second": rows / seconds, "rows_a_second": rows / seconds}
    )
