"""A soak of some seconds: everything is sampled, called and written."""

import csv
from pathlib import Path

import pytest

from tests.embedded.processes import NEEDS_PROC
from tests.soak.command import Options, run
from tests.soak.samples import Sample

pytestmark = NEEDS_PROC


async def test_a_moment_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tmp_path.chmod(0o755)
    # Too short to be flat or not: only that it comes to a judgement.
    assert await run(Options(minutes=0.1, share=0.5, capacity_seconds=1.5, every_s=0.25, callers=1, out=tmp_path)) in {
        0,
        1,
    }
    with (tmp_path / "soak.csv").open() as file:
        taken = list(csv.DictReader(file))
    assert len(taken) == 24
    assert set(taken[0]) == set(Sample.__slots__)
    for series in (
        "memory_bytes",
        "descriptors",
        "connections",
        "threads",
        "database_memory_bytes",
        "database_processes",
    ):
        assert all(float(sample[series]) > 0 for sample in taken), series
    assert sum(float(sample["calls_per_second"]) for sample in taken) > 0
    assert sum(int(sample["cancelled"]) for sample in taken) > 0
    assert max(float(sample["p99_ms"]) for sample in taken) > 0
    told = capsys.readouterr().out
    assert "capacity" in told
    assert "memory beyond what is stored" in told
    assert "failed 0.000%" in told
