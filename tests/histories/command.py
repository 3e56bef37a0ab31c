"""The command: rounds until the time is over, and what they met."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from tests.agreement.mismatch import MismatchError
from tests.histories.fleet import opened_fleet
from tests.histories.rounds import Round


async def run(rounds: int, seconds: float, seed: int, until_s: float) -> int:
    """Run rounds; tells the exit code."""
    calls = number = 0
    async with opened_fleet() as fleet:
        while number < rounds or time.monotonic() < until_s:
            try:
                figures = await Round.with_faults(fleet, seed + number).run(seconds)
            except MismatchError as error:
                again = f"uv run python -m tests.histories --seed {seed + number}"
                print(f"round {seed + number}: {error}\nrepeat with: {again}")
                return 1
            calls += figures.calls
            print(f"round {seed + number}: {figures}", flush=True)
            number += 1
    print(f"every promise was kept: {number} rounds, {calls:,} calls")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; tells the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.histories", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="how many rounds, at least")
    parser.add_argument("--seconds", type=float, default=25, help="how long the faults of a round go on")
    parser.add_argument("--seed", type=int, default=0, help="the first round's seed")
    parser.add_argument("--minutes", type=float, default=0, help="go on for so long")
    options = parser.parse_args(arguments)
    until_s = time.monotonic() + options.minutes * 60
    return asyncio.run(run(options.rounds, options.seconds, options.seed, until_s))


if __name__ == "__main__":
    sys.exit(main())
