"""What a run says while it runs."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import shorten

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks.harness.ratios import figure
from benchmarks.harness.readings import Reading

FAILURE_CHARACTERS_MAX = 300
# A log file has no width of its own.
PLAIN_WIDTH = 160


def console_here() -> Console:
    """Make the console of a program: as wide as the terminal, or as a log file may be."""
    console = Console()
    return console if console.is_terminal else Console(width=PLAIN_WIDTH)


class Telling:
    """A bar of cells with the step at hand, and a line for every reading."""

    def __init__(self, console: Console, cells: int) -> None:
        self.console = console
        self.steps: list[tuple[str, float]] = []
        self._progress = Progress(
            SpinnerColumn(),
            MofNCompleteColumn(),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
        )
        self._task = self._progress.add_task("starting", total=cells)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the bar."""
        with self._progress:
            yield

    @contextmanager
    def step(self, description: str) -> Iterator[None]:
        """Name what is being done, and note how long it took."""
        self._progress.update(self._task, description=description)
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.steps.append((description, time.perf_counter() - begin))

    def cell_done(self) -> None:
        """Move on."""
        self._progress.advance(self._task)

    def say(self, text: str) -> None:
        """Print a line."""
        self.console.print(text)

    def reading(self, cell: str, side: str, reading: Reading) -> None:
        """Print a reading in a line."""
        latency = reading.latency_ms
        cpu = reading.cpu
        self.console.print(
            f"[dim]{cell:<24} {side:<14}[/] {figure(reading.calls_a_second):>9}/s"
            f"  p50 {figure(latency.get('p50', 0.0)):>6} p99 {figure(latency.get('p99', 0.0)):>6} ms"
            f"  [dim]CPU-µs a call: server {figure(cpu.server_us)}, postgres {figure(cpu.postgres_us)},"
            f" client {figure(cpu.client_us)}; others {cpu.others_share:.0%};"
            f" sync {figure(reading.sync_write_us)} µs; WAL {figure(reading.wal_bytes_a_call)} B a call[/]",
            soft_wrap=True,
        )


def without_places(text: str) -> str:
    """Cut a program's last words to what a stranger can use: no paths of this machine, no long traces."""
    return shorten(re.sub(r"(?:/[^\s/:,'\"]+){2,}/?", "…", text), FAILURE_CHARACTERS_MAX, placeholder=" …")
