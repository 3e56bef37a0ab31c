"""Two builds or more, side by side: `python -m benchmarks.experiments.builds old=PROGRAM new=PROGRAM`.

A program is the `utterson` of an environment of its own (`uv sync` in another work tree). All serve at once, each a
database with the same population, and are driven in turn with the same calls; for each way of calling the rates are
printed, and the ratios to the first build: median, least and most of the pairs. A build beside itself tells how much of
that is noise.
"""

import argparse
import statistics
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import uvloop
from rich.table import Table

from benchmarks.harness.bench import Bench, unary
from benchmarks.harness.cells.batches import BATCH, STREAM
from benchmarks.harness.ratios import figure, paired, spread_of
from benchmarks.harness.readings import Reading
from benchmarks.harness.running import prepared
from benchmarks.harness.sizes import FULL, Sizes
from benchmarks.harness.telling import console_here
from benchmarks.harness.tools import ToolError

LOADS = {
    "unary-128": unary(128),
    "unary-32": unary(32),
    "one-caller": unary(1),
    "batches": BATCH,
    "stream-4": replace(STREAM, window=4),
    "stream-8": STREAM,
}
FIGURES: dict[str, Callable[[Reading], float]] = {
    "rate": lambda reading: reading.calls_a_second,
    "p50": lambda reading: reading.latency_ms["p50"],
    "p99": lambda reading: reading.latency_ms["p99"],
    "server CPU": lambda reading: reading.cpu.server_us,
    "Postgres CPU": lambda reading: reading.cpu.postgres_us,
    "log": lambda reading: reading.wal_bytes_a_call,
}


async def measure(bench: Bench, programs: dict[str, Path], ways: list[str], *, fresh: bool) -> None:
    """Serve with every build at once and drive them in turn, one way of calling after the other.

    Where it is to be fresh too, they are driven once more, every pair after a checkpoint: whole pages are logged then.
    """
    workload = await bench.workload(
        "mixed", bench.sizes.population, bench.sizes.calls(bench.sizes.pairs * len(ways) * (1 + fresh))
    )
    async with AsyncExitStack() as stack:
        targets = {
            name: await stack.enter_async_context(bench.utterson(workload, name=f"build_{name}", program=program))
            for name, program in programs.items()
        }
        for way in ways:
            sides = [bench.side(name, target, LOADS[way]) for name, target in targets.items()]
            await bench.pairs(way, sides)
            for pair in range(bench.sizes.pairs if fresh else 0):
                await bench.pairs(f"{way}, fresh", sides if pair % 2 == 0 else sides[::-1], count=1)


def ratios_table(readings: dict[str, dict[str, list[Reading]]]) -> Table:
    """Set every build beside the first: medians, and ratios of the pairs."""
    table = Table(title="ratios to the first build: median of the pairs, lowest and highest")
    for heading in ("calls", "build", *FIGURES, "calls/s"):
        table.add_column(heading, justify="left" if heading in ("calls", "build") else "right")
    for way, sides in readings.items():
        first = next(iter(sides.values()))
        for name, drives in sides.items():
            told = [
                str(spread_of(paired([read(one) for one in drives], [[read(one) for one in first]])) or "-")
                for read in FIGURES.values()
            ]
            rate = statistics.median(one.calls_a_second for one in drives)
            table.add_row(way, name, *told, figure(rate))
    return table


async def run(programs: dict[str, Path], ways: list[str], sizes: Sizes, ghz: Path | None, *, fresh: bool) -> None:
    """Measure in a cluster of its own, and print."""
    console = console_here()
    async with prepared(console, sizes, ghz, Path("/tmp"), len(ways)) as bench:
        await measure(bench, programs, ways, fresh=fresh)
    console.print(ratios_table(bench.readings))


def named_program(argument: str) -> tuple[str, Path]:
    """Read a build's name and program.

    Raises:
        argparse.ArgumentTypeError: the name is missing, or there is no such program.
    """
    name, _, program = argument.partition("=")
    if not name or not Path(program).is_file():
        raise argparse.ArgumentTypeError(f"give NAME=PROGRAM, the `utterson` of a build that is there, not {argument}")
    return name, Path(program)


def main() -> int:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "builds", nargs="+", type=named_program, metavar="NAME=PROGRAM", help="what to call a build, and its `utterson`"
    )
    parser.add_argument("--way", action="append", choices=list(LOADS), help="how to call; may be given several times")
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long a drive is measured")
    parser.add_argument("--population", type=int, default=FULL.population, help="profiles there before")
    parser.add_argument("--fresh", action="store_true", help="drive once more, with a checkpoint before every pair")
    parser.add_argument("--held-gib", type=int, default=FULL.held_memory_bytes_max >> 30, help="memory to take hold of")
    parser.add_argument("--ghz", type=Path, help="the program ghz, where it is not on the search path")
    options = parser.parse_args()
    sizes = replace(
        FULL,
        pairs=options.pairs,
        seconds=options.seconds,
        warm_up_s=0.5,
        population=options.population,
        held_memory_bytes_max=options.held_gib << 30,
    )
    ways = options.way or list(LOADS)
    try:
        uvloop.run(run(dict(options.builds), ways, sizes, options.ghz, fresh=options.fresh))
    except ToolError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
