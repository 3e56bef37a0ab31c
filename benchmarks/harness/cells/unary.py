"""Unary calls: beside the naive peer and the bare echo, pure hits, and one caller alone."""

import grpc

from benchmarks.harness import frames
from benchmarks.harness.bench import Bench, Side, Target, unary
from benchmarks.harness.clients import Freshness, run_json
from benchmarks.harness.ghz import CALLS_A_SECOND_MAX
from benchmarks.harness.processes import python_module
from benchmarks.harness.readings import Reading
from utterson.v1.identity_service_pb2 import IdentifyRequest
from utterson.v1.workspace_service_pb2 import ImportProfilesRequest

NAIVE_CONNECTIONS = (4, 8, 16)


async def sweep_naive(bench: Bench) -> None:
    """Find out with how many connections the naive peer is at its best, directly and behind its server."""
    workload = await bench.workload("mixed", bench.sizes.population, bench.sizes.calls(bench.sizes.pairs))
    direct: dict[int, float] = {}
    behind: dict[int, float] = {}
    async with bench.naive(workload) as naive:
        for connections in NAIVE_CONNECTIONS:
            reading = await bench.measure(bench.naive_direct(naive, connections))
            bench.telling.reading("naive, connections", f"direct, {connections}", reading)
            direct[connections] = reading.calls_a_second
        for connections in NAIVE_CONNECTIONS:
            async with bench.naive_server(naive, connections) as server:
                reading = await bench.measure(bench.naive_unary(naive, server, unary(128)))
                bench.telling.reading("naive, connections", f"server, {connections}", reading)
                behind[connections] = reading.calls_a_second
    bench.facts["naive direct connections"] = max(direct, key=direct.__getitem__)
    bench.facts["naive server connections"] = max(behind, key=behind.__getitem__)


async def mixed(bench: Bench) -> None:
    """G1, G2 and G11: the mixed workload, durable."""
    workload = await bench.workload("mixed", bench.sizes.population, bench.sizes.calls(bench.sizes.pairs))
    async with bench.utterson(workload) as ours, bench.naive(workload) as naive:
        bench.facts["answer bytes"] = await answer_bytes(ours)
        async with bench.naive_server(naive) as server, bench.echo(await answer_bytes(ours), workload) as echo:
            for callers in (128, 32):
                load = unary(callers)
                sides = [
                    bench.side("utterson", ours, load),
                    bench.naive_unary(naive, server, load),
                    bench.side("echo", echo, load),
                ]
                await bench.pairs(f"unary, {callers} callers", sides)


async def hits(bench: Bench) -> None:
    """G2 and G14: pure hits, local and strong."""
    calls = int(2 * bench.sizes.pairs * (bench.sizes.warm_up_s + bench.sizes.seconds) * CALLS_A_SECOND_MAX)
    workload = await bench.workload("hits", bench.sizes.population, calls)
    async with bench.utterson(workload) as ours, bench.echo(await answer_bytes(ours), workload) as echo:
        local, strong = unary(128, Freshness.LOCAL), unary(128, Freshness.STRONG)
        sides = [bench.side("local", ours, local), bench.side("echo", echo, local)]
        if not bench.sizes.is_quick:
            sides.append(bench.side("strong", ours, strong))
        await bench.pairs("hits, 128 callers", sides)


async def one_caller(bench: Bench) -> None:
    """G15: one caller whose every call is a durable write, beside the echo and one durable commit."""
    workload = await bench.workload("new", bench.sizes.small_population, 400_000)
    database_url = await bench.cluster.create("one_commit")

    async def commit() -> Reading:
        options = ["--database-url", database_url, "--warm-up-seconds", str(bench.clients.warm_up_s)]
        options += ["--seconds", str(bench.clients.seconds)]
        return Reading.of_report(await run_json(python_module("benchmarks.peers.one_commit", *options)))

    async with bench.utterson(workload) as ours, bench.echo(await answer_bytes(ours), workload) as echo:
        sides = [
            bench.side("utterson", ours, unary(1)),
            bench.side("echo", echo, unary(1)),
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
