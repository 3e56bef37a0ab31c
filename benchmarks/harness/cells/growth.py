"""G12: throughput with 10 M identifiers beside that with 100 k, both servers on the same Postgres."""

from benchmarks.harness.bench import Bench
from benchmarks.harness.cells.batches import BATCH


async def sizes(bench: Bench) -> None:
    """Drive a large and a small workspace in turn."""
    calls = bench.sizes.calls(bench.sizes.pairs)
    large = await bench.workload("mixed", bench.sizes.large_population, calls, "mixed, large")
    small = await bench.workload("mixed", bench.sizes.small_population, calls, "mixed, small")
    async with bench.utterson(large, name="large") as many, bench.utterson(small, name="small") as few:
        bench.facts["identifiers of sizes"] = {"10 M": large.identifiers, "100 k": small.identifiers}
        await bench.pairs("sizes", [bench.side("10 M", many, BATCH), bench.side("100 k", few, BATCH)])
