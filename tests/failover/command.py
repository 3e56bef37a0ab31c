"""The command: each fault in turn on one pair, and a table of what it came to."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from tests.agreement.mismatch import MismatchError
from tests.failover.pair import opened_pair
from tests.failover.parts import MissingError
from tests.failover.rounds import FailoverRound, Measured
from tests.failover.scenarios import SCENARIOS

HEAD = ("fault", "seconds", "acknowledged", "unknown", "lost", "told")
MISSING = 2


async def run(rounds: int, seed: int, wanted: str, keep: Path | None) -> int:
    """Run rounds; tells the exit code."""
    chosen = [scenario for scenario in SCENARIOS if wanted in scenario.name]
    measured: list[Measured] = []
    async with opened_pair(keep) as pair:
        for number in range(rounds * len(chosen)):
            scenario = chosen[number % len(chosen)]
            try:
                measured.append(await FailoverRound(pair, scenario, seed + number).measured())
            except (MismatchError, TimeoutError) as error:
                print(f"{scenario.name}: {'the pair is not whole again' if isinstance(error, TimeoutError) else error}")
                return 1
            print(measured[-1], flush=True)
    print(table(measured))
    return 0


def table(measured: list[Measured]) -> str:
    """Write what was measured as a table of Markdown."""
    rows = [
        (one.name, f"{one.silent_s:.1f}", f"{one.acknowledged:,}", f"{one.unknown:,}", f"{one.lost:,}", str(one.told))
        for one in measured
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (HEAD, ("---",) * len(HEAD), *rows))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; tells the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.failover", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="how often each fault comes")
    parser.add_argument("--seed", type=int, default=0, help="the first round's seed")
    parser.add_argument("--only", default="", metavar="WORDS", help="only faults whose name has these words")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where to keep the logs of all programs")
    options = parser.parse_args(arguments)
    try:
        return asyncio.run(run(options.rounds, options.seed, options.only, options.keep))
    except MissingError as missing:
        print(f"not run: {missing}")
        return MISSING


if __name__ == "__main__":
    sys.exit(main())
