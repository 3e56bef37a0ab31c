"""The peers that are servers, run for a cell."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.harness.bench import Bench, Naive, Target
from benchmarks.harness.processes import Server, python_module, spinning
from benchmarks.harness.tools import PEERS_PACKAGE
from benchmarks.harness.workloads import Workload
from benchmarks.peers import echo_server


@asynccontextmanager
async def naive_server(bench: Bench, naive: Naive, connections: int = 0) -> AsyncIterator[Server]:
    """Run the naive peer's server in Python."""
    options = _naive_options(bench, naive, connections, "naive server connections")
    async with bench.running(
        "naive_server", lambda address: python_module("benchmarks.peers.naive_server", "--listen", address, *options)
    ) as server:
        yield server


@asynccontextmanager
async def naive_in_rust(bench: Bench, naive: Naive, connections: int = 0) -> AsyncIterator[Server]:
    """Run the naive peer's server in Rust."""
    program = str(bench.program(PEERS_PACKAGE))
    options = _naive_options(bench, naive, connections, "naive in Rust connections")
    async with bench.running(
        "naive_in_rust", lambda address: [program, "--listen", address, "naive", *options]
    ) as server:
        yield server


@asynccontextmanager
async def echo(
    bench: Bench, answer_bytes: int, workload: Workload, *, calls_in_message: int = 100, spins: bool = False
) -> AsyncIterator[Target]:
    """Run the bare echo behind gRPC's Python library, with answers of that size."""
    options = ("--answer-bytes", str(answer_bytes), "--calls-in-message", str(calls_in_message))

    def command(address: str) -> list[str]:
        words = ("--listen", address, *options)
        if spins:
            return spinning(str(Path(echo_server.__file__)), *words)
        return python_module(echo_server.__name__, *words)

    async with bench.running("echo", command) as server:
        yield Target(server, workload, "", is_echo=True)


@asynccontextmanager
async def echo_by_front(bench: Bench, answer_bytes: int, workload: Workload) -> AsyncIterator[Target]:
    """Run the echo through the front, with answers of that size."""
    options = ("--answer-bytes", str(answer_bytes))
    async with bench.running(
        "front_echo", lambda address: python_module("benchmarks.peers.front_echo", "--listen", address, *options)
    ) as server:
        yield Target(server, workload, "", is_echo=True)


@asynccontextmanager
async def echo_in_rust(bench: Bench, answer_bytes: int, workload: Workload) -> AsyncIterator[Target]:
    """Run the bare echo in Rust, with answers of that size."""
    program = str(bench.program(PEERS_PACKAGE))
    options = ("--answer-bytes", str(answer_bytes))
    async with bench.running("rust_echo", lambda address: [program, "--listen", address, "echo", *options]) as server:
        yield Target(server, workload, "", is_echo=True)


def _naive_options(bench: Bench, naive: Naive, connections: int, fact: str) -> tuple[str, ...]:
    """Tell the database, and the number of connections: given, found by the sweep, or as usual."""
    count = connections or int(str(bench.facts.get(fact, bench.naive_connections)))
    return "--database-url", naive.database_url, "--connections", str(count)
