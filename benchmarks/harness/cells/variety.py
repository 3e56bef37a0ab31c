"""The other workloads: no goal hangs on them, but their rates belong to the table."""

from benchmarks.harness.bench import Bench, unary
from benchmarks.harness.cells.batches import STREAM

WORKLOADS = ("isolation-day", "hits", "new", "merge-storm", "hot-device", "workspaces-100")
REPETITIONS = 2
# Pure hits write nothing: a stream takes so many times as many of them.
HITS_FACTOR = 3


async def variety(bench: Bench) -> None:
    """Drive each workload by unary calls and by a stream; one that fails does not stop the others."""
    for name in WORKLOADS:
        try:
            await _one(bench, name)
        except Exception as error:
            bench.failed(f"variety: {name}", error)


async def _one(bench: Bench, name: str) -> None:
    sizes = bench.sizes
    population, calls = sizes.small_population, sizes.calls(1)
    if name == "hits":
        calls *= HITS_FACTOR
    if name == "merge-storm":  # profiles to be joined must be there first, five for three calls
        population = sizes.storm_population
        calls = population * 6 // 10
    workload = await bench.workload(name, population, calls, f"variety {name}")
    for _ in range(REPETITIONS):  # each on a fresh copy, with the same calls
        async with bench.utterson(workload) as ours:
            few = bench.side("unary, 32 callers", ours, unary(32))
            await bench.pairs(f"variety: {name}", [few, bench.side("stream of 100", ours, STREAM)], 1)
