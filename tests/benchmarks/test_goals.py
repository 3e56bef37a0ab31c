"""The goals file is whole, and the median of paired ratios decides."""

from itertools import pairwise
from pathlib import Path

import pytest
from benchmarks.harness.cells.core import read_figure
from benchmarks.harness.goals import CoreFigure, Goal, Measure, Verdict, judge, read_goals
from benchmarks.harness.ratios import figure, paired, spread_of
from benchmarks.harness.readings import CpuSplit, Reading, histogram, measured, percentiles


def reading(rate: float, p99: float = 1.0, service_us: float = 0.0) -> Reading:
    latency = {"p50": p99 / 2, "p95": p99, "p99": p99}
    return Reading(100, 100, 1.0, rate, latency, cpu=CpuSplit(service_us, 0.0))


def test_the_goals_file_is_whole() -> None:
    goals = read_goals()
    assert {goal.id for goal in goals} == {*(f"G{number}" for number in range(1, 17)), "G2b", "stretch"}
    assert len({(goal.id, goal.name) for goal in goals}) == len(goals)
    bounds = {(goal.id, goal.at_least, goal.at_most) for goal in goals}
    assert {("G1", 11, None), ("G3", 25, None), ("G4", 30, None), ("G11", None, 0.16)} <= bounds


@pytest.mark.parametrize(
    "entry",
    [
        'id = "X"\nname = "x"\ncell = "c"\nover = "a"',
        'id = "X"\nname = "x"\ncell = "c"\nover = "a"\nat_least = 1\nat_most = 1',
        'id = "X"\nname = "x"\ncell = "c"\nat_least = 1',
        'id = "X"\nname = "x"\ncell = "c"\nover = "a"\nonly_told = true\nat_least = 1',
        'id = "X"\nname = "x"\ncell = "c"\nover = "a"\nmeasure = "speed"\nat_least = 1',
        'id = "X"\nname = "x"\ncore = "k"\ncell = "c"\nover = "a"\nat_least = 1',
    ],
)
def test_a_goal_that_contradicts_itself_is_refused(tmp_path: Path, entry: str) -> None:
    file = tmp_path / "goals.toml"
    file.write_text(f"[[goal]]\n{entry}\n")
    with pytest.raises(ValueError, match=r"X|speed"):
        read_goals(file)


def test_ratios_are_taken_pair_by_pair() -> None:
    assert paired([10, 30, 50], [[5, 10, 0]]) == [2, 3]
    assert paired([10, 30], [[4, 5], [1, 5]]) == [2, 3]
    assert paired([7, 8], []) == [7, 8]
    assert paired([0, 8], [[1, 4]]) == [2]
    spread = spread_of([3.0, 1.0, 2.0, 9.0])
    assert spread is not None
    assert (spread.median, spread.lowest, spread.highest, spread.count) == (2.5, 1.0, 9.0, 4)
    assert spread_of([]) is None


def test_the_median_decides() -> None:
    rate = Goal("G", "rate", "cell", over="us", under=("peer",), at_least=3.0)
    slow = Goal("G", "p99", "cell", Measure.P99_MS, "us", ("peer",), at_most=0.25)
    cost = Goal("G", "cost", "cell", Measure.SERVICE_CPU_US, "peer", ("us",), at_least=100)
    absent = Goal("G", "absent", "other", over="us", under=("peer",), at_least=1)
    core = Goal("G", "core", core="decision", at_most=0.5)
    told = Goal("G", "told", "cell", over="us", under=("peer",), only_told=True)
    us = [reading(30, 2.0, 1.0), reading(40, 1.0, 2.0), reading(31, 5.0, 1.0)]
    peer = [reading(10, 10.0, 150.0)] * 3
    judged = judge(
        [rate, slow, cost, absent, core, told],
        {"cell": {"us": us, "peer": peer}},
        [CoreFigure("decision, mixed", 10, value, "misses", "G") for value in (0.4, 0.6)],
    )
    assert [one.verdict for one in judged] == [
        Verdict.PASS,
        Verdict.PASS,
        Verdict.PASS,
        Verdict.NOT_MEASURED,
        Verdict.FAIL,
        Verdict.TOLD,
    ]
    assert judged[4].reached == 0.6  # of the core the worst figure decides
    assert judged[0].spread is not None
    assert judged[0].spread.median == pytest.approx(3.1)


def test_figures_of_the_core_are_read() -> None:
    told: dict[str, object] = {"name": "memory", "at": 10, "value": 32.5, "unit": "bytes"}
    assert read_figure(told) == CoreFigure("memory", 10, 32.5, "bytes")
    assert read_figure(told | {"goal": {"name": "G9", "at_most": 40}}).goal == "G9"


def test_percentiles_and_histogram() -> None:
    latencies = [float(number) for number in range(1, 101)]
    told = percentiles(latencies)
    assert (told["p50"], told["p99"], told["p999"], told["max"], told["mean"]) == (50, 99, 100, 100, 50.5)
    counts = histogram(latencies)
    assert sum(count for _, count in counts) == 100
    assert all(before[0] < after[0] for before, after in pairwise(counts))
    assert percentiles([]) == {}
    drive = measured([0.001] * 10, 2.0, 100, 20, 4.0)
    assert (drive.calls, drive.calls_a_second, drive.latency_ms["p50"]) == (1000, 500, 1.0)


def test_a_reading_survives_its_report() -> None:
    drive = measured([0.001, 0.002], 1.0, 1, 3, 0.3)
    assert Reading.of_report(drive.report() | {"unknown": 1}) == drive


def test_figures_have_three_digits_that_count() -> None:
    assert [figure(value) for value in (0.1234, 12.34, 123.4, 12345.6)] == ["0.12", "12.3", "123", "12,346"]
