"""Unary calls: beside the naive peer and the bare echo, pure hits, one caller alone; all by our own client."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TypeAlias

import grpc

from benchmarks.harness import frames
from benchmarks.harness.bench import Bench, Naive, Side, Target, unary
from benchmarks.harness.clients import Freshness, run_json
from benchmarks.harness.peer_servers import echo, echo_by_front, naive_in_rust, naive_server
from benchmarks.harness.processes import Server, python_module
from benchmarks.harness.readings import Reading
from benchmarks.harness.tools import GHZ_MISSING
from utterson.v1.identity_service_pb2 import IdentifyRequest
from utterson.v1.workspace_service_pb2 import ImportProfilesRequest

NAIVE_CONNECTIONS = (4, 8, 16)
NAIVE_IN_RUST = "naive in Rust"

NaiveServer: TypeAlias = Callable[[Bench, Naive, int], AbstractAsyncContextManager[Server]]


async def sweep_naive(bench: Bench) -> None:
    """Find out with how many connections the naive peer is at its best: directly, and behind each server."""
    workload = await bench.workload("mixed", bench.sizes.population, bench.sizes.calls(bench.sizes.pairs))
    direct: dict[int, float] = {}
    async with bench.naive(workload) as naive:
        for connections in NAIVE_CONNECTIONS:
            reading = await bench.measure(bench.naive_direct(naive, connections))
            bench.telling.reading("naive, connections", f"direct, {connections}", reading)
            direct[connections] = reading.calls_a_second
        bench.facts["naive direct connections"] = max(direct, key=direct.__getitem__)
        bench.facts["naive server connections"] = await _best_behind(bench, naive, "server", naive_server)
        bench.facts["naive in Rust connections"] = await _best_behind(bench, naive, "in Rust", naive_in_rust)


async def _best_behind(bench: Bench, naive: Naive, name: str, serve: NaiveServer) -> int:
    rates: dict[int, float] = {}
    for connections in NAIVE_CONNECTIONS:
        async with serve(bench, naive, connections) as server:
            reading = await bench.measure(bench.naive_unary(naive, server, unary(128)))
        bench.telling.reading("naive, connections", f"{name}, {connections}", reading)
        rates[connections] = reading.calls_a_second
    return max(rates, key=rates.__getitem__)


async def mixed(bench: Bench) -> None:
    """G1, G2 and G11: the mixed workload, durable."""
    workload = await bench.workload("mixed", bench.sizes.population, bench.sizes.calls(bench.sizes.pairs))
    async with (
        bench.utterson(workload) as ours,
        bench.naive(workload) as naive,
        naive_server(bench, naive) as in_python,
        naive_in_rust(bench, naive) as in_rust,
        echo(bench, await answer_bytes(ours), workload) as bare,
    ):
        bench.facts["answer bytes"] = await answer_bytes(ours)
        for callers in (128, 32):
            load = unary(callers)
            sides = [
                bench.side("utterson", ours, load),
                bench.naive_unary(naive, in_python, load),
                bench.naive_unary(naive, in_rust, load, NAIVE_IN_RUST),
                bench.side("echo", bare, load),
            ]
            await bench.pairs(f"unary, {callers} callers", sides)


async def by_ghz(bench: Bench) -> None:
    """The same with another's client: ghz, where it is found. It takes ten times the CPU, and sets the pace."""
    if bench.clients.ghz is None:
        bench.telling.say(f"[yellow]{GHZ_MISSING}")
        return
    workload = await bench.workload("mixed", bench.sizes.population, bench.sizes.calls(bench.sizes.pairs))
    async with (
        bench.utterson(workload) as ours,
        bench.naive(workload) as naive,
        naive_server(bench, naive) as in_python,
        echo(bench, await answer_bytes(ours), workload) as bare,
    ):
        load = replace(unary(32), by_ghz=True)
        sides = [
            bench.side("utterson", ours, load),
            bench.naive_unary(naive, in_python, load),
            bench.side("echo", bare, load),
        ]
        await bench.pairs("by ghz, 32 callers", sides, min(2, bench.sizes.pairs))


async def hits(bench: Bench) -> None:
    """G2 and G14: pure hits, local and strong."""
    workload = await bench.workload("hits", bench.sizes.population, bench.sizes.hits)
    async with bench.utterson(workload) as ours, echo(bench, await answer_bytes(ours), workload) as bare:
        local, strong = unary(128, Freshness.LOCAL), unary(128, Freshness.STRONG)
        sides = [bench.side("local", ours, local), bench.side("echo", bare, local)]
        if not bench.sizes.is_quick:
            sides.append(bench.side("strong", ours, strong))
        await bench.pairs("hits, 128 callers", sides)


async def one_caller(bench: Bench) -> None:
    """G15: one caller whose every call is a durable write, beside the echoes and one durable commit."""
    workload = await bench.workload("new", bench.sizes.small_population, 400_000)
    database_url = await bench.cluster.create("one_commit")

    async def commit() -> Reading:
        options = ["--database-url", database_url, "--warm-up-seconds", str(bench.clients.warm_up_s)]
        options += ["--seconds", str(bench.clients.seconds)]
        return Reading.of_report(await run_json(python_module("benchmarks.peers.one_commit", *options)))

    async with bench.utterson(workload) as ours:
        size = await answer_bytes(ours)
        async with echo_by_front(bench, size, workload) as by_front, echo(bench, size, workload) as bare:
            sides = [
                bench.side("utterson", ours, unary(1)),
                bench.side("echo by the front", by_front, unary(1)),
                bench.side("echo", bare, unary(1)),
                Side("one commit", commit),
            ]
            await bench.pairs("one caller", sides)
    await bench.cluster.drop("one_commit")


async def answer_bytes(target: Target) -> int:
    """Tell the size of a real answer: that to a look-up of the population's first profile."""
    first = ImportProfilesRequest.FromString(next(frames.population(target.workload.population)))
    request = IdentifyRequest(workspace=first.workspace, identifiers=first.identifiers)
    async with grpc.aio.insecure_channel(target.server.address) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            "/utterson.v1.IdentityService/Identify"
        )
        return len(await call(request.SerializeToString()))
