"""The command: many seeds, on several processors, and what they came to."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.running import Verdict, run

FAILURES_TOLD = 5
# So often a long run tells how far it is.
PROGRESS_S = 60.0


def run_all(seeds: Iterable[int], jobs: int) -> Iterator[Verdict]:
    """Run seeds; verdicts come in the order of the seeds."""
    if jobs == 1:
        yield from map(run, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(run, seeds, chunksize=8)


def told(verdict: Verdict) -> str:
    """Tell a failure, and how it comes back."""
    lines = "\n".join(f"  {line}" for line in verdict.lines)
    again = f"uv run python -m tests.simulation --seed {verdict.seed} --seeds 1"
    return f"seed {verdict.seed}: {verdict.failure}\n{lines}\nrepeat with: {again}"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; tells the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many runs")
    parser.add_argument("--seed", type=int, default=0, help="the first one's seed")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes")
    options = parser.parse_args(arguments)
    began_s = time.monotonic()
    sums: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    failed = 0
    told_s = began_s
    for verdict in run_all(range(options.seed, options.seed + options.seeds), options.jobs):
        sums.update(
            runs=1, calls=verdict.calls, acknowledged=verdict.acknowledged, unknown=verdict.unknown,
            entries=verdict.entries, losses=verdict.losses,
        )  # fmt: skip
        faults += verdict.faults
        if verdict.failure:
            failed += 1
            if failed <= FAILURES_TOLD:
                print(told(verdict), flush=True)
        if time.monotonic() - told_s > PROGRESS_S:
            told_s = time.monotonic()
            print(f"seed {verdict.seed}: {_line(sums)}; {failed} failed", flush=True)
    print(f"{_line(sums)}; faults: {_line(faults)}; {time.monotonic() - began_s:.0f} s")
    print(f"{failed} seeds failed" if failed else "every promise was kept")
    return 1 if failed else 0


def _line(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
