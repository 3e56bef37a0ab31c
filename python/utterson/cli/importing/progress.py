"""How an import tells how far it is: a bar on a terminal, now and then a line elsewhere."""

from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

# How often a line is written where the output is no terminal.
LINE_INTERVAL_S: Final = 10.0


class ImportProgress:
    """Counts what is taken over.

    Args:
        console: where to tell it.
        file_bytes: the size of the file, 0 where it is unknown.
        monotonic_s: the clock, in seconds.
    """

    def __init__(self, console: Console, file_bytes: int, monotonic_s: Callable[[], float]) -> None:
        self.profiles = 0
        self.identifiers = 0
        self._console = console
        self._file_bytes = file_bytes
        self._monotonic_s = monotonic_s
        self._started_at_s = monotonic_s()
        self._told_at_s = self._started_at_s
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            console=console,
            auto_refresh=False,
        )
        self._task = self._bar.add_task("waiting for the first call", total=file_bytes or None)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def advance(self, profiles: int, identifiers: int, file_bytes: int) -> None:
        """Take note of a call that was answered.

        Args:
            profiles: how many it held.
            identifiers: how many they held.
            file_bytes: how far into the file it reached.
        """
        self.profiles += profiles
        self.identifiers += identifiers
        now_s = self._monotonic_s()
        told = self._told(now_s, file_bytes)
        if self._console.is_terminal:
            self._bar.update(self._task, completed=file_bytes, description=told, refresh=True)
        elif now_s - self._told_at_s >= LINE_INTERVAL_S:
            self._told_at_s = now_s
            self._console.print(told)

    def profiles_expected(self, profiles: int, file_bytes: int) -> int:
        """Estimate how many profiles the whole file holds; 0 where its size is unknown.

        Args:
            profiles: how many were read.
            file_bytes: how far into the file they reach.
        """
        return profiles * self._file_bytes // max(file_bytes, 1)

    def summary(self) -> str:
        """Tell the whole: what, and how fast."""
        elapsed_s = max(self._monotonic_s() - self._started_at_s, 1e-9)
        return (
            f"{self.profiles:,} profiles with {self.identifiers:,} identifiers taken over\n"
            f"in {_duration(elapsed_s)}, {self.identifiers / elapsed_s:,.0f} identifiers a second"
        )

    def _told(self, now_s: float, file_bytes: int) -> str:
        elapsed_s = max(now_s - self._started_at_s, 1e-9)
        left = ""
        if self._file_bytes and file_bytes:
            left = f", {_duration(elapsed_s * max(self._file_bytes - file_bytes, 0) / file_bytes)} left"
        return f"{self.profiles:,} profiles, {self.profiles / elapsed_s:,.0f} a second{left}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
