"""The command: runs seed after seed until enough calls agree, tells progress, and what was hit."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context

from tests.agreement.steps import steps_of
from tests.agreement.story import Told, run, shrink
from tests.model.hits import Branch, Hits

# Fewer calls than this leave rare branches out by chance.
ALL_BRANCHES_CALLS = 20_000
PROGRESS_SECONDS = 10.0


def main(arguments: list[str]) -> int:
    """Run; 0 where all agree."""
    parser = argparse.ArgumentParser(prog="python -m tests.agreement", description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000, help="stop after so many calls")
    parser.add_argument("--seed", type=int, default=1, help="the first run's seed; each further run takes the next")
    parser.add_argument("--through", choices=("core", "server"), default="core")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    parser.add_argument("--runs", type=int, default=0, help="stop after so many runs instead")
    parser.add_argument("--keep-going", action="store_true", help="count failing runs instead of stopping at the first")
    options = parser.parse_args(arguments)
    if options.through == "server":
        from tests.agreement.server_command import run_through_server

        told = run_through_server(options.seed, options.calls, options.runs)
    else:
        told = run_all(options.seed, options.calls, options.runs, options.jobs)
    return conclude(told, options.calls, f"--through {options.through}", options.keep_going)


def run_all(seed: int, calls: int, runs: int, jobs: int) -> Iterator[Told]:
    """Run seeds one after another, or several processes side by side, until there were enough calls."""
    done = count = 0
    if jobs == 1:
        while (runs == 0 and done < calls) or count < runs:
            told = run(seed + count)
            done, count = done + told.calls, count + 1
            yield told
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        running: set[Future[Told]] = set()
        while True:
            while len(running) < 4 * jobs and (done < calls if runs == 0 else count < runs):
                running.add(pool.submit(run, seed + count))
                count += 1
            if not running:
                return
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                told = future.result()
                done += told.calls
                yield told


def conclude(runs: Iterator[Told], calls: int, through: str, keep_going: bool) -> int:
    """Tell progress while runs come in, then the table of branches; tell a failing run with its shortest form."""
    started = told_at = time.monotonic()
    hits: Hits = Hits()
    done = count = failed = 0
    for told in runs:
        done, count = done + told.calls, count + 1
        hits.update(told.hits)
        if told.failure:
            failed += 1
            if not keep_going:
                tell_failure(told, through)
                return 1
            print(f"seed {told.seed}: {told.failure}", flush=True)
        if time.monotonic() - told_at > PROGRESS_SECONDS:
            told_at = time.monotonic()
            elapsed = told_at - started
            print(f"{done:,} of {calls:,} calls, {count:,} runs, {elapsed:.0f} s, {done / elapsed:,.0f}/s", flush=True)
    elapsed = time.monotonic() - started
    print(table(hits))
    print(f"{done:,} calls in {count:,} runs, {elapsed:.0f} s: {failed} runs disagree")
    missing = [branch.value for branch in Branch if hits[branch] == 0]
    if missing and done >= ALL_BRANCHES_CALLS:
        print(f"never taken: {', '.join(missing)}")
        return 1
    return 1 if failed else 0


def tell_failure(told: Told, through: str, shorten: Callable[..., object] | None = None) -> None:
    """Tell a failing run: what disagrees, how to repeat it, and the shortest turns that still disagree."""
    print(f"seed {told.seed}: {told.failure}")
    print(f"repeat with: python -m tests.agreement --seed {told.seed} --runs 1 {through}")
    turns, failure = shrink(told.seed, told.turns)
    if not turns:
        print("  the extension alone agrees on these steps")
        return
    print(f"  shortest: {failure}")
    for turn in turns:
        for step in steps_of(turn):
            print(f"    {step}")


def table(hits: Hits) -> str:
    """Give the table of branches and how often each was taken."""
    lines = [f"{hits[branch]:>12,}  {branch.value}" for branch in Branch]
    return "\n".join(lines)
