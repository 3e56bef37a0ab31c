"""What a server still does while more is asked of it than it can do: `python -m benchmarks.experiments.overload`.

Callers of batches come back at once, whatever they are told; so many fit, then three and ten times as many. The calls a
second that were answered are printed beside those of the callers that fit. Then a quiet workspace calls beside a noisy
one: its latencies alone and at each noise, in turn, several times.

Who makes the load runs only while nobody else would: it stands for other machines, which take no time from the server's
processors. The quiet caller runs as the server does, so its latencies are the server's.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import grpc
import uvloop

from benchmarks.harness.processes import PROGRAM, Server, free_address, python_module
from utterson.client import UttersonClient
from utterson.v1 import identity_service_pb2 as pb
from utterson.v1.identifier_pb2 import Identifier

# One batch of ours fills a tenth of a workspace's queue.
CALLS_A_BATCH = 1000
FITTING = 5
TIMES = (1, 3, 10)
NOISES = (20, 300, 2000)
NOISE_CONNECTIONS = 20
NEIGHBOUR_ROUNDS = 3
QUIET_PAUSE_S = 0.02
DEADLINE_S = 30.0
_IDENTITY = "/utterson.v1.IdentityService/"


@dataclass
class Tally:
    """What one phase met."""

    answered: int = 0
    refused: int = 0
    refused_s: list[float] = field(default_factory=list)


@contextmanager
def _scratch() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="utterson-overload-") as folder:
        Path(folder).chmod(0o755)  # Postgres may run as another account
        yield folder


@asynccontextmanager
async def served(program: Path, options: list[str]) -> AsyncIterator[str]:
    """Serve on a database of its own, with a quiet and a noisy workspace; gives the address."""
    with _scratch() as folder:
        address = free_address()
        command = [str(program), "serve", "--listen", address, "--data-dir", f"{folder}/data", *options]
        server = Server(command, address, Path(folder, "log"))
        try:
            await server.up()
            async with UttersonClient(address, timeout_s=DEADLINE_S) as client:
                for workspace in ("quiet", "noisy"):
                    await client.create_workspace(workspace, preset="identity_graph_rules")
            yield address
        finally:
            await server.stop()


async def hammer(address: str, callers: int, seconds: float, request_of: Any, method: str, connections: int) -> Tally:
    """Have callers call without a pause.

    Args:
        address: of the server.
        callers: how many.
        seconds: how long.
        request_of: makes the request of a caller, encoded, of its number and that of the call.
        method: of the identity service.
        connections: how many they share.
    """
    tally, end_s = Tally(), time.monotonic() + seconds
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0))
    channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(min(callers, connections))]

    async def caller(number: int) -> None:
        call: Any = channels[number % len(channels)].unary_unary(_IDENTITY + method)
        calls = 0
        while (began_s := time.monotonic()) < end_s:
            try:
                await call(request_of(number, calls), timeout=DEADLINE_S)
                tally.answered += 1
            except grpc.aio.AioRpcError:
                tally.refused += 1
                tally.refused_s.append(time.monotonic() - began_s)
            calls += 1

    await asyncio.gather(*(caller(number) for number in range(callers)))
    for channel in channels:
        await channel.close()
    return tally


def batch_of(number: int, _call: int) -> bytes:
    """Make the batch of a caller: always the same, so that the database is not the bound."""
    made = _BATCHES.get(number)
    if made is None:
        calls = [
            pb.Call(identify=pb.IdentifyRequest(identifiers=[Identifier(type="user_id", value=f"{number}-{place}")]))
            for place in range(CALLS_A_BATCH)
        ]
        made = _BATCHES[number] = pb.BatchResolveRequest(workspace="noisy", calls=calls).SerializeToString()
    return made


_BATCHES: dict[int, bytes] = {}


def identify_of(number: int, call: int) -> bytes:
    """Make a call that makes a profile."""
    identifier = Identifier(type="user_id", value=f"{number}-{call}-{time.monotonic_ns()}")
    return pb.IdentifyRequest(workspace="noisy", identifiers=[identifier]).SerializeToString()


async def load(address: str, method: str, callers: int, seconds: float) -> None:
    """Be the load, in a process of its own, and print what it met."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    request_of, connections = (batch_of, callers) if method == "BatchResolve" else (identify_of, NOISE_CONNECTIONS)
    if method == "BatchResolve":
        for number in range(callers):
            batch_of(number, 0)
    print(json.dumps(asdict(await hammer(address, callers, seconds, request_of, method, connections))))


@asynccontextmanager
async def loaded(address: str, method: str, callers: int, seconds: float) -> AsyncIterator[asyncio.Task[Tally]]:
    """Have a load beside what is done here; gives what it met, once it is over."""
    words = ["--load", method, "--callers", str(callers), "--address", address, "--seconds", str(seconds)]
    command = python_module("benchmarks.experiments.overload", *words)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)

    async def met() -> Tally:
        told, _ = await process.communicate()
        return Tally(**json.loads(told))

    met_task = asyncio.create_task(met())
    yield met_task
    await met_task


async def goodput(address: str, seconds: float) -> None:
    """Print what is answered at each load, beside the load that fits."""
    peak = 0.0
    for times in TIMES:
        async with loaded(address, "BatchResolve", FITTING * times, seconds) as met:
            tally = await met
        rate = tally.answered * CALLS_A_BATCH / seconds
        peak = peak or rate
        slow = f", within {max(tally.refused_s) * 1000:.0f} ms" if tally.refused_s else ""
        print(
            f"{times:3} x: {rate:8,.0f} calls/s answered, {rate / peak:.2f} of the peak; refused {tally.refused}{slow}"
        )


async def neighbour(address: str, seconds: float) -> None:
    """Print a quiet workspace's latencies, alone and beside each noise, and the median of the 99th percentiles."""
    await quiet(address, 1.0)
    p99s_ms: dict[int, list[float]] = {noise: [] for noise in (0, *NOISES)}
    for _ in range(NEIGHBOUR_ROUNDS):
        for callers, p99_ms in p99s_ms.items():
            latencies_ms = await beside(address, callers, seconds)
            p99_ms.append(p99_of(latencies_ms))
            print(f"beside {callers} callers: {told(latencies_ms)}")
    for callers, ms in p99s_ms.items():
        print(f"beside {callers} callers: p99 {statistics.median(ms):.1f} ms [{min(ms):.1f}, {max(ms):.1f}]")


async def beside(address: str, callers: int, seconds: float) -> list[float]:
    """Call from the quiet workspace beside so many callers of the noisy one."""
    if callers == 0:
        return await quiet(address, seconds)
    async with loaded(address, "Identify", callers, seconds + 3):
        await asyncio.sleep(2)
        return await quiet(address, seconds)


async def quiet(address: str, seconds: float) -> list[float]:
    """Call now and then; gives the latencies in milliseconds."""
    latencies_ms, end_s = [], time.monotonic() + seconds
    async with UttersonClient(address, timeout_s=DEADLINE_S) as client:
        while (began_s := time.monotonic()) < end_s:
            await client.identify("quiet", [("user_id", str(time.monotonic_ns()))])
            latencies_ms.append((time.monotonic() - began_s) * 1000)
            await asyncio.sleep(QUIET_PAUSE_S)
    return latencies_ms


def p99_of(latencies_ms: list[float]) -> float:
    """Give the 99th percentile."""
    return statistics.quantiles(latencies_ms, n=100)[98]


def told(latencies_ms: list[float]) -> str:
    """Write latencies in a line."""
    p50_ms, p99_ms = statistics.median(latencies_ms), p99_of(latencies_ms)
    return f"p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms, at most {max(latencies_ms):.1f} ms"


async def run(program: Path, seconds: float, options: list[str]) -> None:
    """Measure both."""
    async with served(program, options) as address:
        await goodput(address, seconds)
        await neighbour(address, seconds)


def main() -> int:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, default=PROGRAM, help="the `utterson` of the build to measure")
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each load is measured")
    parser.add_argument("--front", choices=["on", "off"], default="on")
    parser.add_argument("--load", choices=["BatchResolve", "Identify"], help="be a load, at --address")
    parser.add_argument("--callers", type=int, default=0)
    parser.add_argument("--address", default="")
    options = parser.parse_args()
    if options.load:
        uvloop.run(load(options.address, options.load, options.callers, options.seconds))
    else:
        uvloop.run(run(options.program, options.seconds, ["--front", options.front, "--log-level", "warning"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
