"""The plots of a run. matplotlib comes with the dependency group `bench`; without it there are none."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.harness.goals import Readings
from benchmarks.harness.readings import Reading
from benchmarks.harness.table import median_reading

COLOURS = ("#27548a", "#c26a3d", "#7f8c8d", "#4f8a5b", "#8a4f7d")


def draw(folder: Path, readings: Readings, curves: Mapping[str, object]) -> list[str]:
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
    names.append(_growth(folder, curves))
    return [name for name in names if name]


def _throughput(folder: Path, readings: Readings) -> str:
    """Bars of calls a second, for each cell and side; the whiskers reach from the slowest to the fastest drive."""
    bars = [(cell, side, drives) for cell, sides in readings.items() for side, drives in sides.items() if drives]
    bars = [bar for bar in bars if bar[0] != "loading" and bar[1] not in {"raw commit", "one commit"}]
    if not bars:
        return ""
    figure, axes = _axes(height=1 + 0.22 * len(bars))
    sides = sorted({side for _, side, _ in bars})
    for place, (_, side, drives) in enumerate(bars):
        rates = sorted(one.calls_a_second for one in drives)
        middle = median_reading(drives).calls_a_second
        axes.barh(
            place,
            middle,
            color=COLOURS[sides.index(side) % len(COLOURS)],
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
        for colour, (side, drives) in zip(COLOURS, readings[cell].items(), strict=False):
            if drives and side != "raw commit":
                edges, shares = slower_shares(median_reading(drives))
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


def _growth(folder: Path, curves: Mapping[str, object]) -> str:
    """Cost against size: one line for each curve, `{name: [[size, cost], …]}`."""
    lines = {name: points for name, points in curves.items() if _is_curve(points)}
    if not lines:
        return ""
    figure, axes = _axes(height=4)
    for colour, (name, points) in zip(COLOURS * 4, lines.items(), strict=False):
        ordered: Sequence[Sequence[float]] = points  # type: ignore[assignment]  # checked by _is_curve
        axes.plot([point[0] for point in ordered], [point[1] for point in ordered], "o-", color=colour, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("size")
    axes.set_ylabel("cost")
    axes.legend(frameon=False, fontsize=7)
    return _save(figure, folder, "growth")


def _is_curve(points: object) -> bool:
    return (
        isinstance(points, list) and len(points) > 1 and all(isinstance(one, list) and len(one) == 2 for one in points)
    )


def _axes(height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(8, height), layout="constrained")
    return figure, figure.subplots()


def _save(figure: Any, folder: Path, name: str) -> str:
    file = folder / f"{name}.svg"
    figure.savefig(file, metadata={"Date": None})
    return file.name
