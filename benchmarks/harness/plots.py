"""The plots of a run. matplotlib comes with the dependency group `bench`; without it there are none."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.harness.goals import CoreFigure, Readings
from benchmarks.harness.readings import Reading
from benchmarks.harness.table import median_reading

COLOURS = ("#27548a", "#c26a3d", "#7f8c8d", "#4f8a5b", "#8a4f7d")
# The alternatives; everything else is ours.
PEERS = {
    "naive": "#c26a3d",
    "naive in Rust": "#8c4a2f",
    "naive direct": "#e0a458",
    "echo": "#9aa5a8",
    "echo in Rust": "#6c7a80",
    "raw commit": "#4f8a5b",
}


def draw(folder: Path, readings: Readings, core: Sequence[CoreFigure]) -> list[str]:
    """Draw what there is to draw; tell the files."""
    if find_spec("matplotlib") is None:
        return []
    import matplotlib as mpl  # noqa: PLC0415 - only here, and only where it is installed

    mpl.use("svg")
    # Equal runs give equal files.
    mpl.rcParams.update({"svg.hashsalt": "utterson", "font.size": 9, "axes.spines.top": False})
    mpl.rcParams["axes.spines.right"] = False
    folder.mkdir(parents=True, exist_ok=True)
    names = [_throughput(folder, readings), _latency(folder, readings), _cpu(folder, readings)]
    names.append(_growth(folder, core))
    return [name for name in names if name]


def _throughput(folder: Path, readings: Readings) -> str:
    """Bars of calls a second, for each cell and side; the whiskers reach from the slowest to the fastest drive."""
    bars = [(cell, side, drives) for cell, sides in readings.items() for side, drives in sides.items() if drives]
    bars = [bar for bar in bars if bar[0] != "loading" and bar[1] not in {"raw commit", "one commit"}]
    if not bars:
        return ""
    figure, axes = _axes(height=1 + 0.22 * len(bars))
    for place, (_, side, drives) in enumerate(bars):
        rates = sorted(one.calls_a_second for one in drives)
        middle = median_reading(drives).calls_a_second
        axes.barh(
            place,
            middle,
            color=PEERS.get(side, COLOURS[0]),
            xerr=[[middle - rates[0]], [rates[-1] - middle]],
            error_kw={"elinewidth": 0.8},
        )
    axes.set_yticks(range(len(bars)), [f"{cell} · {side}" for cell, side, _ in bars])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("calls a second (logarithmic)")
    return _save(figure, folder, "throughput")


def _latency(folder: Path, readings: Readings) -> str:
    """How large a share of the messages was slower than so many milliseconds."""
    cells = [cell for cell in ("unary, 32 callers", "unary, 128 callers", "streams of 100") if readings.get(cell)]
    if not cells:
        return ""
    figure, axes = _axes(height=4)
    styles = ("-", "--", ":")
    for style, cell in zip(styles, cells, strict=False):
        for side, drives in readings[cell].items():
            if drives and side != "raw commit":
                edges, shares = slower_shares(median_reading(drives))
                colour = PEERS.get(side, COLOURS[0])
                axes.step(edges, shares, style, color=colour, where="post", label=f"{cell} · {side}")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("milliseconds")
    axes.set_ylabel("share of messages that took longer")
    axes.legend(frameon=False, fontsize=7)
    return _save(figure, folder, "latency")


def slower_shares(reading: Reading) -> tuple[list[float], list[float]]:
    """Turn a histogram into edges and the share of messages above each."""
    left = total = sum(count for _, count in reading.histogram)
    edges, shares = [], []
    for edge, count in reading.histogram:
        left -= count
        if left > 0:
            edges.append(edge)
            shares.append(left / total)
    return edges, shares


def _cpu(folder: Path, readings: Readings) -> str:
    """Who spent the CPU time of a call."""
    bars = [
        (f"{cell} · {side}", median_reading(drives))
        for cell, sides in readings.items()
        for side, drives in sides.items()
        if drives and cell != "loading" and side not in {"raw commit", "one commit"}
    ]
    if not bars:
        return ""
    figure, axes = _axes(height=1 + 0.22 * len(bars))
    left = [0.0] * len(bars)
    for colour, part in zip(COLOURS, ("server", "postgres", "client"), strict=False):
        values = [float(getattr(reading.cpu, f"{part}_us")) for _, reading in bars]
        axes.barh(range(len(bars)), values, left=left, color=colour, label=part)
        left = [before + value for before, value in zip(left, values, strict=True)]
    axes.set_yticks(range(len(bars)), [name for name, _ in bars])
    axes.invert_yaxis()
    axes.set_xlabel("CPU-µs a call")
    axes.legend(frameon=False)
    return _save(figure, folder, "cpu")


def _growth(folder: Path, core: Sequence[CoreFigure]) -> str:
    """What a decision costs against the size of what it looks at."""
    lines = curves(core)
    if not lines:
        return ""
    # What grows with the whole index, and what grows with one profile or one value.
    by_index = {name: points for name, points in lines.items() if " by " not in name or name.startswith("plain")}
    parts = [part for part in (by_index, {name: lines[name] for name in lines if name not in by_index}) if part]
    figure, panels = _axes(height=3.5 * len(parts), rows=len(parts))
    for axes, part in zip(panels if len(parts) > 1 else [panels], parts, strict=True):
        for place, (name, points) in enumerate(part.items()):
            sizes, costs = zip(*points, strict=True)
            colour, style = COLOURS[place % len(COLOURS)], ("o-", "s--", "^:")[place // len(COLOURS) % 3]
            axes.plot(sizes, costs, style, color=colour, label=name, markersize=3)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("identifiers in the index" if part is by_index else "identifiers, holders or merges")
        axes.set_ylabel("nanoseconds")
        axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return _save(figure, folder, "growth")


def curves(core: Sequence[CoreFigure]) -> dict[str, list[tuple[int, float]]]:
    """Collect what was taken in nanoseconds at several sizes; a logarithmic axis has no place for size 0."""
    lines: dict[str, list[tuple[int, float]]] = {}
    for one in core:
        if one.unit == "ns" and one.at > 0:
            lines.setdefault(one.name, []).append((one.at, one.value))
    return {name: sorted(points) for name, points in lines.items() if len(points) > 1}


def _axes(height: float, rows: int = 1) -> tuple[Any, Any]:
    """Make a figure with its axes; with several rows these are a list."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.subplots(rows, squeeze=False)[:, 0]
    return figure, list(axes) if rows > 1 else axes[0]


def _save(figure: Any, folder: Path, name: str) -> str:
    file = folder / f"{name}.svg"
    figure.savefig(file, metadata={"Date": None})
    return file.name
