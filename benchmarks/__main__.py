"""Measure us beside the alternatives: `python -m benchmarks`, or `make bench` and `make bench-quick`."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import uvloop

from benchmarks.harness.plan import CELLS
from benchmarks.harness.running import Options, run
from benchmarks.harness.sizes import FULL, QUICK
from benchmarks.harness.telling import console_here
from benchmarks.harness.tools import ToolError


def main() -> int:
    """Read the options and run."""
    names = [cell.name for cell in CELLS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the core goals only, small and short")
    parser.add_argument("--cell", action="append", choices=names, help="only this cell; may be given several times")
    parser.add_argument("--pairs", type=int, help="how often each pair of sides is driven")
    parser.add_argument("--seconds", type=float, help="how long a drive is measured")
    parser.add_argument("--population", type=int, help="profiles of the main workload")
    parser.add_argument("--ghz", type=Path, help="the program ghz, where it is not on the search path")
    parser.add_argument(
        "--scratch", type=Path, default=Path("/tmp"), help="where databases and workloads lie meanwhile"
    )
    parser.add_argument("--no-readme", action="store_true", help="leave the table in the README as it is")
    arguments = parser.parse_args()
    base = QUICK if arguments.quick else FULL
    asked = {name: getattr(arguments, name) for name in ("pairs", "seconds", "population")}
    sizes = replace(base, **{name: value for name, value in asked.items() if value is not None})
    if arguments.cell:
        cells = [cell for cell in CELLS if cell.name in arguments.cell]
    else:
        cells = [cell for cell in CELLS if cell.is_core or not sizes.is_quick]
    is_whole = len(cells) == len(CELLS) and not sizes.is_quick
    options = Options(sizes, cells, arguments.ghz, arguments.scratch, is_whole, is_whole and not arguments.no_readme)
    console = console_here()
    try:
        return uvloop.run(run(options, console))
    except ToolError as error:
        console.print(f"[red]{error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
