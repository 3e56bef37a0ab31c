"""The table of a run: on the terminal, and as Markdown for the README."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from benchmarks.harness.goals import Judged, Readings, Verdict
from benchmarks.harness.ratios import figure
from benchmarks.harness.readings import Reading

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.TOLD: "default", Verdict.NOT_MEASURED: "dim"}


def goals_table(judged: Sequence[Judged]) -> Table:
    """Lay the goals out for the terminal."""
    table = Table(title="Goals: the median of the pairs decides, of the core the worst figure")
    for heading in ("", "figure"):
        table.add_column(heading)
    for heading in ("goal", "reached", "min", "max", "of"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for one in judged:
        verdict = f"[{COLOURS[one.verdict]}]{one.verdict.value}[/]"
        table.add_row(one.goal.id, one.goal.name, one.goal.bound, *_figures(one), verdict)
    return table


def readings_table(readings: Readings) -> Table:
    """Lay the medians of all sides out for the terminal."""
    table = Table(title="Readings: medians of the drives")
    table.add_column("cell")
    table.add_column("side")
    for heading in READING_HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for cell, sides in readings.items():
        for side, drives in sides.items():
            if drives:
                table.add_row(cell, side, *_medians(drives))
    return table


CPU_HEADINGS = ("server µs", "postgres µs", "client µs", "others")
READING_HEADINGS = ("calls/s", "p50 ms", "p95 ms", "p99 ms", *CPU_HEADINGS, "sync µs")


def markdown(
    judged: Sequence[Judged],
    readings: Readings,
    machine: Mapping[str, object],
    checked: Sequence[str],
    plots: Sequence[str],
) -> str:
    """Write the run as Markdown."""
    lines = [", ".join(f"{name}: {value}" for name, value in machine.items()) + ".", ""]
    lines += ["| | figure | goal | reached | min | max | of | |", "|---|---|---|---|---|---|---|---|"]
    lines += [_row(one.goal.id, one.goal.name, one.goal.bound, *_figures(one), one.verdict.value) for one in judged]
    lines += ["", "Medians of the drives; CPU-µs are of a call.", ""]
    lines += [_row("cell", "side", *READING_HEADINGS), "|---|---|" + "---|" * len(READING_HEADINGS)]
    for cell, sides in readings.items():
        lines += [_row(cell, side, *_medians(drives)) for side, drives in sides.items() if drives]
    lines += ["", "Checked in this run:", "", *(f"- {sentence}." for sentence in checked)] if checked else []
    lines += ["", *(f"![{Path(plot).stem.replace('-', ' ')}]({plot})" for plot in plots)]
    return "\n".join(lines).rstrip()


def fill_readme(text: str, file: Path = README) -> None:
    """Put the table between the marks of the README.

    Raises:
        ValueError: the marks are not there.
    """
    whole = file.read_text(encoding="utf-8")
    before, begin, rest = whole.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{file} has lost its marks for the results")
    file.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def median_reading(drives: Sequence[Reading]) -> Reading:
    """Choose the drive whose rate is the median."""
    return sorted(drives, key=lambda one: one.calls_a_second)[(len(drives) - 1) // 2]


def _figures(judged: Judged) -> tuple[str, str, str, str]:
    spread, reached = judged.spread, judged.reached
    if spread is None or reached is None:
        return "-", "-", "-", "0"
    return figure(reached), figure(spread.lowest), figure(spread.highest), str(spread.count)


def _medians(drives: Sequence[Reading]) -> list[str]:
    one = median_reading(drives)
    latency = [figure(one.latency_ms.get(name, 0.0)) for name in ("p50", "p95", "p99")]
    cpu = [figure(value) for value in (one.cpu.server_us, one.cpu.postgres_us, one.cpu.client_us)]
    return [figure(one.calls_a_second), *latency, *cpu, f"{one.cpu.others_share:.0%}", figure(one.sync_write_us)]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
