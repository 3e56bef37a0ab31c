"""A run as a picture. matplotlib comes with the dependency group `bench`; without it there is none."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from tests.soak.samples import MB, Sample

Line = Callable[[Sample], float]
# One panel each: what stands at its axis, and its lines.
PANELS: Final[dict[str, dict[str, Line]]] = {
    "MB": {
        "server": lambda one: one.memory_bytes / MB,
        "server, beyond what is stored": lambda one: (one.memory_bytes - one.explained_bytes) / MB,
        "Postgres": lambda one: one.database_memory_bytes / MB,
    },
    "number": {
        "descriptors": lambda one: one.descriptors,
        "connections": lambda one: one.connections,
        "threads": lambda one: one.threads,
        "connections to the database": lambda one: one.database_connections,
    },
    "ms": {"median": lambda one: one.p50_ms, "99th percentile": lambda one: one.p99_ms},
    "calls/s": {"answered": lambda one: one.calls_per_second},
}


def draw(samples: Sequence[Sample], file: Path) -> bool:
    """Draw a run; tell whether that could be done."""
    if find_spec("matplotlib") is None:
        return False
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(8, 2.4 * len(PANELS)), layout="constrained")
    axes_of = figure.subplots(len(PANELS), sharex=True)
    minutes = [one.at_s / 60 for one in samples]
    for axes, (unit, lines) in zip(axes_of, PANELS.items(), strict=True):
        for name, line in lines.items():
            axes.plot(minutes, [line(one) for one in samples], label=name, linewidth=1)
        axes.set_ylabel(unit)
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    axes_of[-1].set_xlabel("minutes")
    figure.savefig(file, metadata={"Date": None})
    return True
