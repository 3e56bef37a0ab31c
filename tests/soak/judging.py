"""Whether a run is flat: over its second half nothing grows beyond its bound.

A series is judged by the line through its second half that half of all pairs of moments are steeper than (Theil and
Sen): a few moments that stick out, however far, do not turn it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import median
from typing import Final

from tests.soak.samples import MB, Sample

# So many moments are enough to tell a slope, and so few that all their pairs are looked at in no time.
MOMENTS_MAX: Final = 200
MOMENTS_MIN: Final = 10
# Calls that failed, other than by a rule or by their caller, of all.
FAILED_SHARE_MAX: Final = 0.0001


@dataclass(frozen=True, slots=True)
class Bound:
    """How much a series may grow over the second half: so much, or a share of its middle, whichever is more."""

    name: str
    of: Callable[[Sample], float]
    growth_max: float
    share_max: float = 0.0
    unit: str = ""


# Memory: what the state keeps of what was stored meanwhile is taken off.
BOUNDS: Final = (
    Bound("memory beyond what is stored", lambda one: (one.memory_bytes - one.explained_bytes) / MB, 24, 0.05, " MB"),
    Bound("descriptors", lambda one: one.descriptors, 4, 0.05),
    Bound("connections", lambda one: one.connections, 4, 0.05),
    Bound("threads", lambda one: one.threads, 1),
    Bound("memory of the database", lambda one: one.database_memory_bytes / MB, 24, 0.1, " MB"),
    Bound("processes of the database", lambda one: one.database_processes, 2),
    Bound("connections to the database", lambda one: one.database_connections, 1),
    Bound("median of a call", lambda one: one.p50_ms, 2, 0.25, " ms"),
    Bound("99th percentile of a call", lambda one: one.p99_ms, 10, 0.25, " ms"),
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one series over the second half."""

    bound: Bound
    growth: float
    middle: float

    @property
    def growth_max(self) -> float:
        """How much it may grow."""
        return max(self.bound.growth_max, self.bound.share_max * self.middle)

    @property
    def is_flat(self) -> bool:
        """Whether it grew by no more."""
        return self.growth <= self.growth_max

    def __str__(self) -> str:
        """Write one line."""
        unit, verdict = self.bound.unit, "flat" if self.is_flat else "NOT FLAT"
        grown = f"{self.growth:+.1f}{unit}, at most {self.growth_max:.1f}{unit}"
        return f"{verdict}: {self.bound.name}: {self.middle:.1f}{unit}, over the second half {grown}"


def judge(samples: Sequence[Sample]) -> list[Judgement]:
    """Judge every series.

    Raises:
        ValueError: there are too few moments to tell anything.
    """
    half = samples[len(samples) // 2 :]
    if len(half) < MOMENTS_MIN:
        raise ValueError(f"{len(samples)} moments are too few to judge: take them more often, or longer")
    half = half[:: -(-len(half) // MOMENTS_MAX)]
    lasted_s = half[-1].at_s - half[0].at_s
    judged = []
    for bound in BOUNDS:
        points = [(one.at_s, bound.of(one)) for one in half]
        judged.append(Judgement(bound, slope(points) * lasted_s, median(value for _, value in points)))
    return judged


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Tell the median of the slopes between all pairs of points."""
    return median((later - earlier) / (to_s - from_s) for (from_s, earlier), (to_s, later) in combinations(points, 2))


def failed_share(samples: Sequence[Sample]) -> float:
    """Tell which share of all calls failed."""
    calls = sum(later.calls_per_second * (later.at_s - earlier.at_s) for earlier, later in pairwise(samples))
    return sum(one.failed for one in samples[1:]) / max(calls, 1.0)
