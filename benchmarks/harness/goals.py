"""The stored goals, and what a run says about them."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from benchmarks.harness.ratios import Spread, paired, spread_of
from benchmarks.harness.readings import Reading

GOALS_FILE = Path(__file__).parents[1] / "goals.toml"

# What a run measured: cell, side, readings in the order of the pairs.
Readings = Mapping[str, Mapping[str, Sequence[Reading]]]


@dataclass(frozen=True)
class CoreFigure:
    """One figure of the core's own benchmark: taken at a size, and the id of the goal that it belongs to, if any."""

    name: str
    at: int
    value: float
    unit: str = ""
    goal: str = ""


class Measure(StrEnum):
    """What of a reading is compared."""

    CALLS_A_SECOND = "calls_a_second"
    ROWS_A_SECOND = "rows_a_second"
    SERVICE_CPU_US = "service_cpu_us"
    P50_MS = "p50_ms"
    P95_MS = "p95_ms"
    P99_MS = "p99_ms"

    def of(self, reading: Reading) -> float:
        """Take the figure from a reading."""
        match self:
            case Measure.CALLS_A_SECOND:
                return reading.calls_a_second
            case Measure.ROWS_A_SECOND:
                return reading.rows_a_second
            case Measure.SERVICE_CPU_US:
                return reading.cpu.service_us
            case Measure.P50_MS:
                return reading.latency_ms["p50"]
            case Measure.P95_MS:
                return reading.latency_ms["p95"]
            case Measure.P99_MS:
                return reading.latency_ms["p99"]


class Verdict(StrEnum):
    """What a run says about a goal."""

    PASS = "pass"
    FAIL = "fail"
    TOLD = "told"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Goal:
    """One line of the goals file; either of a cell, or of the core's own benchmark. What is only told has no bound."""

    id: str
    name: str
    cell: str = ""
    measure: Measure = Measure.CALLS_A_SECOND
    over: str = ""
    under: tuple[str, ...] = ()
    core: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    only_told: bool = False

    def __post_init__(self) -> None:
        if [self.at_least is not None, self.at_most is not None, self.only_told].count(True) != 1:
            raise ValueError(f"{self.id}: give either at_least or at_most, or say that it is only_told")
        if (self.core is not None) == bool(self.cell and self.over):
            raise ValueError(f"{self.id}: give either core, or cell and over")

    @property
    def bound(self) -> str:
        """The bound as it is printed."""
        if self.only_told:
            return ""
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"

    def reached(self, value: float) -> bool:
        """Tell whether a figure reaches the goal."""
        if self.at_least is not None:
            return value >= self.at_least
        return self.at_most is not None and value <= self.at_most

    def figures(self, readings: Readings, core: Sequence[CoreFigure]) -> list[float]:
        """Take one figure a pair, or those of the core; none where a side is missing."""
        if self.core is not None:
            return [one.value for one in core if one.goal == self.id and self.core in one.name]
        sides = readings.get(self.cell, {})
        over = [self.measure.of(reading) for reading in sides.get(self.over, ())]
        under = [[self.measure.of(reading) for reading in sides.get(name, ())] for name in self.under]
        return paired(over, under)


@dataclass(frozen=True)
class Judged:
    """A goal with what was reached."""

    goal: Goal
    spread: Spread | None

    @property
    def reached(self) -> float | None:
        """The figure that decides: the median of the pairs, or the worst of the core's."""
        if self.spread is None or self.goal.core is None:
            return None if self.spread is None else self.spread.median
        return self.spread.highest if self.goal.at_most is not None else self.spread.lowest

    @property
    def verdict(self) -> Verdict:
        """Whether the goal is reached."""
        if self.reached is None:
            return Verdict.NOT_MEASURED
        if self.goal.only_told:
            return Verdict.TOLD
        return Verdict.PASS if self.goal.reached(self.reached) else Verdict.FAIL


def read_goals(file: Path = GOALS_FILE) -> list[Goal]:
    """Read the goals.

    Raises:
        ValueError: a goal contradicts itself or names an unknown measure.
    """
    entries = tomllib.loads(file.read_text(encoding="utf-8"))["goal"]
    return [_goal(entry) for entry in entries]


def judge(goals: Sequence[Goal], readings: Readings, core: Sequence[CoreFigure]) -> list[Judged]:
    """Hold a run against the goals."""
    return [Judged(goal, spread_of(goal.figures(readings, core))) for goal in goals]


def _goal(entry: dict[str, object]) -> Goal:
    known = dict(entry)
    if "measure" in known:
        known["measure"] = Measure(str(known["measure"]))
    under = known.get("under", ())
    known["under"] = tuple(str(name) for name in under) if isinstance(under, list) else ()
    return Goal(**known)  # type: ignore[arg-type]  # an unknown or missing key is refused by the call
