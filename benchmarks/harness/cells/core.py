"""G7, G8, G9 and G13: the core without a server, from the benchmark written in Rust."""

from benchmarks.harness.bench import Bench
from benchmarks.harness.clients import run_json
from benchmarks.harness.tools import CORE_PACKAGE, build


async def core(bench: Bench) -> None:
    """Run the core's benchmark and take its figures over."""
    with bench.telling.step("building the core's benchmark"):
        program = build(CORE_PACKAGE)
    with bench.telling.step("the core's benchmark"):
        bench.curves["core"] = await run_json([str(program)])
