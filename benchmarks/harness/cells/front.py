"""The front: its echo beside one in Rust, and calls while a thread of Python never rests."""

from dataclasses import replace

from benchmarks.harness.bench import Bench, Side, Target, unary
from benchmarks.harness.cells.unary import answer_bytes
from benchmarks.harness.clients import Load
from benchmarks.harness.peer_servers import echo, echo_by_front, echo_in_rust
from benchmarks.harness.readings import Reading

SPINNING = "beside a spinning thread"
BEHIND_GRPC = "utterson behind grpc.aio"


async def echoes(bench: Bench) -> None:
    """G2b: what crossing to asyncio and back costs, beside an echo of the same library that stays in Rust."""
    workload = await bench.workload("hits", bench.sizes.population, bench.sizes.hits)
    size = int(str(bench.facts.get("answer bytes", 195)))
    async with echo_by_front(bench, size, workload) as by_front, echo_in_rust(bench, size, workload) as in_rust:
        load = unary(128)
        sides = [bench.side("echo by the front", by_front, load), bench.side("echo in Rust", in_rust, load)]
        await bench.pairs("echoes, 128 callers", sides)


async def spinning(bench: Bench) -> None:
    """Durable calls while a thread of pure Python never rests: through the front, and behind gRPC's Python library."""
    workload = await bench.workload("mixed", bench.sizes.population, bench.sizes.calls(bench.sizes.pairs))
    async with (
        bench.utterson(workload, name="spinning", spins=True) as ours,
        bench.utterson(workload, "--front", "off", name="spinning_grpc", spins=True) as behind,
        echo(bench, await answer_bytes(ours), workload, spins=True) as bare,
    ):
        load = unary(128)
        sides = [
            alone(bench, "utterson", ours, load),
            alone(bench, BEHIND_GRPC, behind, load),
            alone(bench, "echo", bare, load),
        ]
        await bench.pairs(SPINNING, sides, min(3, bench.sizes.pairs))


def alone(bench: Bench, name: str, target: Target, load: Load) -> Side:
    """Make a side whose server runs while it is driven and not else: a thread that never rests would disturb others."""
    side, server = bench.side(name, target, load), target.server
    server.pause()

    async def drive() -> Reading:
        server.resume()
        try:
            return await side.drive()
        finally:
            server.pause()

    return replace(side, drive=drive)
