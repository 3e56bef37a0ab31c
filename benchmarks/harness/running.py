"""One run from beginning to end."""

import asyncio
import json
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.harness import machine, plots, table
from benchmarks.harness.bench import Bench
from benchmarks.harness.clients import Clients
from benchmarks.harness.cluster import Cluster
from benchmarks.harness.correctness import WrongAnswerError
from benchmarks.harness.goals import Judged, Verdict, judge, read_goals
from benchmarks.harness.memory import held_memory
from benchmarks.harness.plan import Cell
from benchmarks.harness.ratios import spread_of
from benchmarks.harness.sizes import Sizes
from benchmarks.harness.telling import Telling
from benchmarks.harness.tools import LOAD_PACKAGE, build, find_ghz

RESULTS = Path(__file__).parents[1] / "results"


@dataclass(frozen=True)
class Options:
    """What the caller asked for."""

    sizes: Sizes
    cells: Sequence[Cell]
    ghz: Path | None
    scratch: Path | None
    is_whole: bool
    fill_readme: bool


async def run(options: Options, console: Console) -> int:
    """Measure, print, write; tell the exit code: 0, or 1 where an answer was wrong or a cell failed."""
    async with prepared(console, options.sizes, options.ghz, options.scratch, len(options.cells)) as bench:
        is_right = await _run_cells(bench, options.cells)
        settings = await bench.cluster.settings()
    told = machine.describe(settings, _median_sync_us(bench))
    judged = judge(read_goals(), bench.readings, bench.core)
    _tell(console, bench, judged, told)
    _write(bench, judged, told, options)
    return 0 if is_right and not bench.failures else 1


@asynccontextmanager
async def prepared(
    console: Console, sizes: Sizes, ghz: Path | None, scratch: Path | None, cells: int
) -> AsyncIterator[Bench]:
    """Build the client, take hold of memory and start a cluster; nothing of it is left afterwards.

    Args:
        console: where it is told.
        sizes: how large and how long.
        ghz: the program, where it is not on the search path.
        scratch: where the folder of this run lies meanwhile.
        cells: how many cells the bar of progress counts.

    Raises:
        ToolError: a program is missing or cannot be built.
    """
    found = find_ghz(ghz)
    console.print("building the load client …")
    load = build(LOAD_PACKAGE)
    folder = _scratch_folder(scratch)
    clients = Clients(load, found, sizes.warm_up_s, sizes.seconds, folder)
    console.print("taking hold of memory …")
    try:
        with held_memory(sizes.held_memory_bytes_max) as held:
            console.print(str(held))
            async with Cluster(folder / "postgres") as cluster:
                bench = Bench(cluster, clients, sizes, folder, Telling(console, cells))
                bench.facts["memory"] = asdict(held)
                yield bench
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _scratch_folder(place: Path | None) -> Path:
    """Make a folder that the account which runs Postgres can reach."""
    folder = Path(tempfile.mkdtemp(prefix="utterson-bench-", dir=place))
    folder.chmod(0o755)
    return folder


async def _run_cells(bench: Bench, cells: Sequence[Cell]) -> bool:
    """Run the cells one after the other; tell whether all answers were right."""
    is_right = True
    with bench.telling.shown(), _stoppable() as task:
        for cell in cells:
            bench.telling.say(f"[bold]{cell.name}")
            try:
                await cell.run(bench)
            except asyncio.CancelledError:
                task.uncancel()
                bench.is_stopped = True
                bench.failed(cell.name, InterruptedError("the run was told to stop"))
                break
            except WrongAnswerError as error:
                is_right = False
                bench.failed(cell.name, error)
            except Exception as error:  # the others go on
                bench.failed(cell.name, error)
            bench.telling.cell_done()
    return is_right


@contextmanager
def _stoppable() -> "Iterator[asyncio.Task[object]]":
    """Let an interruption break off the cell at hand only: what was measured before is told and written."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is None:
        raise RuntimeError("cells run in a task")
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        yield task
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _median_sync_us(bench: Bench) -> float:
    drives = [one for sides in bench.readings.values() for readings in sides.values() for one in readings]
    spread = spread_of([one.sync_write_us for one in drives])
    return spread.median if spread else 0.0


def _tell(console: Console, bench: Bench, judged: Sequence[Judged], told: dict[str, object]) -> None:
    console.print(table.readings_table(bench.readings))
    console.print(table.goals_table([one for one in judged if one.verdict is not Verdict.NOT_MEASURED]))
    missing = [f"{one.goal.id} ({one.goal.name})" for one in judged if one.verdict is Verdict.NOT_MEASURED]
    if missing:
        console.print(f"[dim]not measured in this run: {'; '.join(missing)}")
    console.print(", ".join(f"{name}: {value}" for name, value in told.items()))
    for cell, why in bench.failures.items():
        console.print(f"[red]{cell} failed: {why}")


def _write(bench: Bench, judged: Sequence[Judged], told: dict[str, object], options: Options) -> None:
    """Write the readings as JSON and the plots; the full run fills the README too."""
    name = "quick" if options.sizes.is_quick else "full" if options.is_whole and not bench.is_stopped else "partial"
    drawn = plots.draw(RESULTS / name, bench.readings, bench.core)
    report = {
        "machine": told,
        "goals": [asdict(one) | {"reached": one.reached, "verdict": one.verdict} for one in judged],
        "readings": {cell: {side: [asdict(one) for one in drives] for side, drives in sides.items()}
                     for cell, sides in bench.readings.items()},
        "core": [asdict(one) for one in bench.core],
        "facts": bench.facts,
        "checked": bench.checked,
        "failures": bench.failures,
        "steps_s": bench.telling.steps,
    }  # fmt: skip
    (RESULTS / name).mkdir(parents=True, exist_ok=True)
    (RESULTS / name / "results.json").write_text(json.dumps(report, indent=1, default=str), encoding="utf-8")
    if options.fill_readme and not bench.is_stopped:
        places = [f"results/{name}/{plot}" for plot in drawn]
        table.fill_readme(table.markdown(judged, bench.readings, told, bench.checked, places))
