"""Ratios of pairs: each pair was measured within minutes, so what disturbs the machine disturbs both sides."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """The median of the pairs' figures, and how far they lie apart."""

    median: float
    lowest: float
    highest: float
    count: int

    def __str__(self) -> str:
        return f"{figure(self.median)} [{figure(self.lowest)} to {figure(self.highest)}]"


def paired(over: Sequence[float], under: Sequence[Sequence[float]]) -> list[float]:
    """Divide pair by pair by the sum of the other sides; a pair in which a figure is missing, or 0, is left out."""
    if not under:
        return [figure for figure in over if figure > 0]
    figures = []
    for place, numerator in enumerate(over):
        if numerator > 0 and all(place < len(side) for side in under):
            denominator = sum(side[place] for side in under)
            if denominator > 0:
                figures.append(numerator / denominator)
    return figures


def spread_of(figures: Sequence[float]) -> Spread | None:
    """Tell median, lowest and highest; None of no figures."""
    if not figures:
        return None
    return Spread(statistics.median(figures), min(figures), max(figures), len(figures))


def figure(value: float) -> str:
    """Write a figure with three digits that count."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
