"""The command: each bug before each proof, and the table of which finds it in what time."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import fresh_database
from tests.histories.black_box import SmallHistory, TooManyUnknownError, build_porcupine, judged
from tests.histories.fleet import Fleet, opened_fleet
from tests.histories.rounds import Round
from tests.safeguards.mutations import MUTATIONS
from tests.safeguards.world import world_on
from tests.seeded_bugs.bugs import BUGS, SeededBug
from tests.simulation.running import run
from utterson.store.embedded import EmbeddedPostgres
from utterson.store.migrate import migrate

ROUND_S = 20.0
SMALL_HISTORIES_A_TIME = 4


@dataclass(frozen=True)
class Finding:
    """What one proof said to one bug."""

    found: bool
    spent_s: float
    told: str = ""

    def __str__(self) -> str:
        return f"{self.spent_s:.1f} s" if self.found else "-"


@dataclass(frozen=True)
class Limits:
    """How long each proof is tried."""

    seeds: int
    rounds: int
    small_histories: int


async def by_the_kit(bug: SeededBug, limits: Limits) -> Finding:
    """Run the kit's check of the safeguard that the bug takes out."""
    del limits
    mutations = [mutation for mutation in MUTATIONS if mutation.safeguard == bug.kit]
    if not mutations:
        return Finding(found=False, spent_s=0, told="no check")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="utterson-seeded-")))
        folder.chmod(0o755)
        cluster = await stack.enter_async_context(EmbeddedPostgres(folder / "data", start_timeout_s=60))
        url = await stack.enter_async_context(fresh_database(cluster))
        await migrate(url)
        world = await stack.enter_async_context(world_on(url))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        await mutations[0].apply(world, patch)
        return await _found(lambda: mutations[0].noticed_by(world))


async def by_the_simulation(bug: SeededBug, limits: Limits) -> Finding:
    """Try seeds from the first on."""
    return await asyncio.to_thread(_simulated, bug, limits)


def _simulated(bug: SeededBug, limits: Limits) -> Finding:
    began_s = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        bug.patch(patch)
        for seed in range(limits.seeds):
            if failure := run(seed, bug.scripted).failure:
                return Finding(True, time.monotonic() - began_s, f"seed {seed}: {failure}")
    return Finding(False, time.monotonic() - began_s)


async def by_histories(bug: SeededBug, limits: Limits) -> Finding:
    """Run rounds of three servers that all have the bug."""

    async def rounds(fleet: Fleet) -> None:
        for seed in range(limits.rounds):
            await Round.with_faults(fleet, seed).run(ROUND_S)

    return await _of_a_fleet(bug, rounds)


async def by_porcupine(bug: SeededBug, limits: Limits) -> Finding:
    """Have porcupine judge small histories of three servers that all have the bug."""
    with tempfile.TemporaryDirectory(prefix="utterson-seeded-") as folder:
        program = build_porcupine(Path(folder))
        if program is None:
            return Finding(found=False, spent_s=0, told="go is not installed")

        async def histories(fleet: Fleet) -> None:
            for first in range(0, limits.small_histories, SMALL_HISTORIES_A_TIME):
                files = []
                for seed in range(first, first + SMALL_HISTORIES_A_TIME):
                    history = SmallHistory(fleet, seed)
                    # A bug that makes calls unknown is told by nothing here.
                    with contextlib.suppress(TooManyUnknownError):
                        await history.run()
                        files.append(history.save(Path(folder)))
                assert "Illegal" not in judged(program, files).values(), "no order explains the answers"

        return await _of_a_fleet(bug, histories)


async def _of_a_fleet(bug: SeededBug, work: Callable[[Fleet], Awaitable[None]]) -> Finding:
    program = (sys.executable, "-m", "tests.seeded_bugs.server", bug.name)
    async with opened_fleet(program) as fleet:
        await bug.put_into(fleet.database_url)
        return await _found(lambda: work(fleet))


async def _found(work: Callable[[], Awaitable[None]]) -> Finding:
    began_s = time.monotonic()
    try:
        await work()
    except Exception as error:
        return Finding(True, time.monotonic() - began_s, f"{type(error).__name__}: {error}")
    return Finding(False, time.monotonic() - began_s)


PROOFS = {
    "kit": by_the_kit,
    "simulation": by_the_simulation,
    "histories": by_histories,
    "porcupine": by_porcupine,
}


async def table(bugs: list[SeededBug], proofs: list[str], limits: Limits) -> int:
    """Print the table, and what was said on the way; tells how many bugs nothing found."""
    lines = []
    missed = 0
    for number, bug in enumerate(bugs, 1):
        cells = []
        found = bool(bug.model)
        for name in proofs:
            finding = await PROOFS[name](bug, limits)
            told = f"{number}/{len(bugs)} {bug.name}: {name}: {finding} {finding.told[:200]}"
            print(told, file=sys.stderr, flush=True)
            cells.append(str(finding))
            found |= finding.found
        missed += not found
        lines.append(f"| {bug.name} | {'yes' if bug.model else '-'} | {' | '.join(cells)} |")
    print(f"| bug | model | {' | '.join(proofs)} |")
    print("|---" * (len(proofs) + 2) + "|")
    print("\n".join(lines))
    return missed


def main(arguments: list[str] | None = None) -> int:
    """Run the command; tells the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.seeded_bugs", description=__doc__)
    parser.add_argument("--proofs", nargs="*", choices=PROOFS, default=list(PROOFS), help="which proofs")
    parser.add_argument("--bug", default="", help="only those whose name has this")
    parser.add_argument("--seeds", type=int, default=200, help="seeds of the simulation, at most")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of histories, at most")
    parser.add_argument("--small-histories", type=int, default=24, help="small histories for porcupine, at most")
    options = parser.parse_args(arguments)
    bugs = [bug for bug in BUGS if options.bug in bug.name]
    limits = Limits(options.seeds, options.rounds, options.small_histories)
    missed = asyncio.run(table(bugs, options.proofs, limits))
    print(f"{missed} bugs were found by nothing" if missed else f"each of {len(bugs)} bugs was found", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
