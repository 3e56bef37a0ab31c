"""A first reading: calls a second, alone and in batches, beside a server that does nothing.

Run as `python -m benchmarks.first_reading`. Starts the real server on a fresh embedded Postgres (durable settings on)
and the echo server, drives both with the same client in turn, and prints the median of the pairs' ratios. The client
is Python and shares the machine, so rates are lower bounds; the ratio is what counts.
"""

import argparse
import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import grpc
import uvloop

from benchmarks.workload import batch_requests, unary_requests
from utterson.v1.workspace_service_pb2 import CreateWorkspaceRequest
from utterson.v1.workspace_service_pb2_grpc import WorkspaceServiceStub

REAL, ECHO = "127.0.0.1:50971", "127.0.0.1:50972"
SERVICE = "/utterson.v1.IdentityService/"


@dataclass(frozen=True)
class Reading:
    """What one drive of one server came to."""

    calls_a_second: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Case:
    """One way of calling."""

    name: str
    method: str
    callers: int
    calls_in_message: int


CASES = (
    Case("unary, 1 caller", "Identify", 1, 1),
    Case("unary, 32 callers", "Identify", 32, 1),
    Case("unary, 128 callers", "Identify", 128, 1),
    Case("batches of 100, 4 callers", "BatchResolve", 4, 100),
    Case("batches of 1000, 2 callers", "BatchResolve", 2, 1000),
)


async def drive(address: str, case: Case, requests: list[bytes], seconds: float) -> Reading:
    """Send prepared requests from so many callers until the time is over or the requests are used up."""
    channels = [grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) for _ in range(4)]
    calls: list[grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]] = [
        channel.unary_unary(SERVICE + case.method) for channel in channels
    ]
    queue = iter(requests)
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    async def caller(number: int) -> None:
        call = calls[number % len(calls)]
        for request in queue:
            begin = time.perf_counter()
            await call(request)
            now = time.perf_counter()
            latencies.append(now - begin)
            if now > end:
                return

    begin = time.perf_counter()
    await asyncio.gather(*(caller(number) for number in range(case.callers)))
    elapsed = time.perf_counter() - begin
    for channel in channels:
        await channel.close()
    latencies.sort()
    return Reading(
        calls_a_second=len(latencies) * case.calls_in_message / elapsed,
        p50_ms=1000 * latencies[len(latencies) // 2],
        p99_ms=1000 * latencies[len(latencies) * 99 // 100],
    )


async def wait_until_up(address: str) -> None:
    """Wait for a server to take connections."""
    async with grpc.aio.insecure_channel(address) as channel:
        await asyncio.wait_for(channel.channel_ready(), 60)


async def measure(case: Case, pair: int, seconds: float) -> tuple[Reading, Reading]:
    """Drive both servers with one case, the real one in a fresh workspace."""
    workspace = f"reading-{case.callers}-{case.calls_in_message}-{pair}-{time.time_ns() % 10**9}"
    async with grpc.aio.insecure_channel(REAL) as channel:
        create = CreateWorkspaceRequest(workspace=workspace, preset="identity_graph_rules")
        await WorkspaceServiceStub(channel).CreateWorkspace(create)
    if case.calls_in_message == 1:
        requests = unary_requests(workspace, pair, int(12_000 * seconds))
    else:
        messages = int(150_000 * seconds) // case.calls_in_message
        requests = batch_requests(workspace, pair, messages, case.calls_in_message)
    order = [REAL, ECHO] if pair % 2 else [ECHO, REAL]
    readings = {address: await drive(address, case, requests, seconds) for address in order}
    return readings[REAL], readings[ECHO]


async def run(pairs: int, seconds: float) -> list[dict[str, object]]:
    """Measure every case, print the table and answer it."""
    table: list[dict[str, object]] = []
    print(f"{'case':<28}{'calls/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'echo calls/s':>14}{'ratio':>8}{'min to max':>15}")
    for case in CASES:
        both = [await measure(case, pair, seconds) for pair in range(pairs)]
        ratios = sorted(real.calls_a_second / echo.calls_a_second for real, echo in both)
        real = [reading for reading, _ in both]
        row = {
            "calls_a_second": statistics.median(one.calls_a_second for one in real),
            "p50_ms": statistics.median(one.p50_ms for one in real),
            "p99_ms": statistics.median(one.p99_ms for one in real),
            "echo": statistics.median(one.calls_a_second for _, one in both),
            "ratio": statistics.median(ratios),
        }
        spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
        print(
            f"{case.name:<28}{row['calls_a_second']:>10.0f}{row['p50_ms']:>9.2f}{row['p99_ms']:>9.2f}"
            f"{row['echo']:>14.0f}{row['ratio']:>8.2f}{spread:>15}",
            flush=True,
        )
        table.append(asdict(case) | row | {"ratios": ratios})
    return table


def main() -> None:
    """Start both servers, measure, stop them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3, help="how often each case is measured")
    parser.add_argument("--seconds", type=float, default=5, help="how long one drive lasts")
    parser.add_argument("--results", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="utterson-bench-", dir="/tmp"))
    folder.chmod(0o755)
    utterson = Path(sys.executable).with_name("utterson")
    commands = (
        [str(utterson), "serve", "--listen", REAL, "--data-dir", str(folder / "data")],
        [sys.executable, "-m", "benchmarks.peers.echo_server", "--listen", ECHO],
    )
    servers = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for command in commands]
    try:
        table = uvloop.run(prepare_and_run(arguments.pairs, arguments.seconds))
        if arguments.results:
            arguments.results.write_text(json.dumps(table, indent=1))
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


async def prepare_and_run(pairs: int, seconds: float) -> list[dict[str, object]]:
    """Wait for the servers, then measure."""
    await wait_until_up(REAL)
    await wait_until_up(ECHO)
    return await run(pairs, seconds)


if __name__ == "__main__":
    main()
