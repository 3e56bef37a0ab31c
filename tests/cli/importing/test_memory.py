"""What an import and a check take of memory does not grow with the file."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.importing.helping import line

PROGRAM = """
import resource, sys
from rich.console import Console
from utterson.cli.importing.checking import check
from utterson.cli.importing.judging import RecordJudge, policy_of_preset
from utterson.cli.importing.pieces import pieces
from utterson.cli.importing.progress import ImportProgress
from utterson.cli.importing.rejects import RejectsFile
from utterson.cli.importing.sources import Source

source = Source(sys.argv[1])
if sys.argv[2] == "check":
    progress = ImportProgress(Console(quiet=True), 0, lambda: 0.0)
    judge = RecordJudge(policy_of_preset("unify"), 0.0)
    check(source, judge, RejectsFile(None), progress)
else:
    for piece in pieces(source.records(), lambda: 0, 2000):
        assert piece.records
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
SMALL, LARGE = 10_000, 100_000
GROWTH_MIB_MAX = 24


def memory_mib(path: Path, what: str) -> int:
    """Run one of both in a process of its own; tell the most memory that it had."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), what], capture_output=True, text=True, check=True, timeout=120
    )
    return int(done.stdout)


@pytest.mark.parametrize("what", ["import", "check"])
def test_ten_times_the_file_takes_no_more_memory(what: str, tmp_path: Path) -> None:
    taken = []
    for lines in (SMALL, LARGE):
        path = tmp_path / f"{lines}.jsonl"
        with path.open("w") as file:
            file.writelines(f"{line(number, traits={'name': f'Person {number}'})}\n" for number in range(lines))
        taken.append(memory_mib(path, what))
    assert taken[1] - taken[0] < GROWTH_MIB_MAX, taken
