"""Goals G7, G8, G9 and G13 (benchmarks/goals.toml): the core without a server, from the benchmark written in Rust."""

from benchmarks.harness.bench import Bench
from benchmarks.harness.clients import run_json_list
from benchmarks.harness.goals import CoreFigure
from benchmarks.harness.tools import CORE_PACKAGE


async def core(bench: Bench) -> None:
    """Run the core's benchmark and take its figures over."""
    program = bench.program(CORE_PACKAGE)
    with bench.telling.step("the core's benchmark"):
        told = await run_json_list([str(program), *(["--quick"] if bench.sizes.is_quick else [])])
    bench.core[:] = [read_figure(one) for one in told]


def read_figure(told: dict[str, object]) -> CoreFigure:
    """Read one figure as the core's benchmark prints it."""
    goal = told.get("goal")
    goal_id = str(goal["name"]) if isinstance(goal, dict) else ""
    return CoreFigure(str(told["name"]), int(str(told["at"])), float(str(told["value"])), str(told["unit"]), goal_id)
