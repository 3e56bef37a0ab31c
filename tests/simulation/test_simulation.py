"""Seeds of the simulation keep every promise, come back the same, and find each bug that is put in on purpose."""

import subprocess
import sys

import pytest

from tests.seeded_bugs.bugs import BUGS, SeededBug
from tests.simulation.running import run

SEEDS_MAX = 120
SEED = 7


@pytest.mark.parametrize("seed", range(8))
def test_every_promise_is_kept(seed: int) -> None:
    verdict = run(seed)
    assert verdict.failure == ""
    assert verdict.acknowledged > 0


def test_a_seed_comes_back_the_same_in_another_process() -> None:
    code = f"from tests.simulation.running import run; print(run({SEED}).trace)"
    traces = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": number, "PYTHONPATH": "."}, check=True,
            capture_output=True, text=True,
        ).stdout
        for number in ("1", "2")
    }  # fmt: skip
    assert traces == {run(SEED).trace + "\n"}


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_is_found(bug: SeededBug, monkeypatch: pytest.MonkeyPatch) -> None:
    bug.patch(monkeypatch)
    for seed in (bug.seed, *range(SEEDS_MAX)):
        verdict = run(seed, bug.scripted)
        if verdict.failure:
            print(f"{bug.name}: found by seed {seed}: {verdict.failure[:200]}")
            return
    pytest.fail(f"no seed below {SEEDS_MAX} finds this bug: {bug.name}")
