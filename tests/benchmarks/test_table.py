"""The table renders, and goes between the marks of the README."""

from pathlib import Path

import pytest
from benchmarks.harness.goals import CoreFigure, judge, read_goals
from benchmarks.harness.plots import slower_shares
from benchmarks.harness.readings import CpuSplit, Reading
from benchmarks.harness.table import BEGIN, END, README, fill_readme, goals_table, markdown, readings_table
from rich.console import Console

LATENCY = {"p50": 1.0, "p95": 2.0, "p99": 3.0}
DRIVE = Reading(100, 100, 1.0, 4500.0, LATENCY, [(1.0, 50), (2.0, 45), (4.0, 5)], cpu=CpuSplit(200.0, 30.0, 80.0, 0.01))
READINGS = {"unary, 128 callers": {"utterson": [DRIVE, DRIVE], "naive": [DRIVE], "echo": []}}


def test_the_tables_render() -> None:
    judged = judge(read_goals(), READINGS, [CoreFigure("memory", 10, 32.0, "bytes", "G9")])
    console = Console(record=True, width=200)
    console.print(goals_table(judged))
    console.print(readings_table(READINGS))
    text = console.export_text()
    for words in ("G1", "≥ 3", "1.00", "fail", "pass", "not measured", "4,500", "unary, 128 callers"):
        assert words in text


def test_markdown_has_a_row_for_every_goal_and_side() -> None:
    judged = judge(read_goals(), READINGS, [])
    text = markdown(judged, READINGS, {"date": "today"}, ["all is right"], ["results/full/cpu.svg"])
    assert text.startswith("date: today.")
    assert sum(line.startswith("| G") for line in text.splitlines()) == sum(one.goal.id[0] == "G" for one in judged)
    assert "| unary, 128 callers | utterson | 4,500 | 1.00 |" in text
    assert "- all is right.\n" in text
    assert "![cpu](results/full/cpu.svg)" in text


def test_the_readme_keeps_what_stands_around_the_table(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    fill_readme("new", file)
    fill_readme("newer", file)
    assert file.read_text() == f"before\n{BEGIN}\n\nnewer\n\n{END}\nafter\n"
    file.write_text("no marks")
    with pytest.raises(ValueError, match="marks"):
        fill_readme("new", file)
    assert BEGIN in README.read_text(encoding="utf-8")


def test_slower_shares_fall() -> None:
    assert slower_shares(DRIVE) == ([1.0, 2.0], [0.5, 0.05])
