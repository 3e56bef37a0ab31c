"""How an import tells how far it is: a bar on a terminal, every few seconds a line elsewhere; and what came of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from utterson.cli.importing.telling import several

# How often the bar moves, and how often a line is written where the output is no terminal.
MOVE_INTERVAL_S: Final = 0.5
LINE_INTERVAL_S: Final = 5.0


class ImportProgress:
    """Counts what is read and taken over.

    Args:
        console: where to tell it.
        bytes_total: the size of the files, 0 where it is unknown.
        monotonic_s: the clock, in seconds.
        things: what is counted.
    """

    def __init__(
        self, console: Console, bytes_total: int, monotonic_s: Callable[[], float], things: str = "profiles"
    ) -> None:
        self.profiles = 0
        self.identifiers = 0
        # Taken over by an earlier run; left alone, or sent through the rules, because others hold an identifier; at
        # fault; and what those through the rules came to.
        self.repeated = 0
        self.there_already = 0
        self.skipped = 0
        self.resolved = 0
        self.rejected = 0
        # Understood, and nothing that could be sent.
        self.left_out = 0
        self.things = things
        self._console = console
        self._bytes_total = bytes_total
        self._bytes_read = 0
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
        self._task = self._bar.add_task("waiting for the first call", total=bytes_total or None)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    @asynccontextmanager
    async def told_regularly(self) -> AsyncIterator[None]:
        """Tell how far it is again and again, also while a call takes long."""

        async def tell() -> None:
            while True:
                await asyncio.sleep(MOVE_INTERVAL_S)
                self.tell()

        telling = asyncio.create_task(tell())
        try:
            yield
        finally:
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling

    def advance(self, profiles: int, identifiers: int, bytes_read: int) -> None:
        """Take note of what was done.

        Args:
            profiles: how many were taken over.
            identifiers: how many they held.
            bytes_read: how far into the files that reaches.
        """
        self.profiles += profiles
        self.identifiers += identifiers
        self._bytes_read = max(self._bytes_read, bytes_read)

    def tell(self) -> None:
        """Move the bar, or write a line if the last one is old."""
        now_s = self._monotonic_s()
        if self._console.is_terminal:
            self._bar.update(self._task, completed=self._bytes_read, description=self._told(now_s), refresh=True)
        elif now_s - self._told_at_s >= LINE_INTERVAL_S:
            self._told_at_s = now_s
            self._console.print(self._told(now_s))

    @property
    def is_calls(self) -> bool:
        """Whether calls are sent, of which the server does not tell whether they were in already."""
        return self.things == "calls"

    @property
    def done(self) -> int:
        """How many records were dealt with, whatever came of them."""
        return (
            self.profiles
            + self.repeated
            + self.there_already
            + self.skipped
            + self.resolved
            + self.left_out
            + self.rejected
        )

    def profiles_expected(self, profiles: int, bytes_read: int) -> int:
        """Estimate how many profiles all files hold; 0 where their size is unknown.

        Args:
            profiles: how many were read.
            bytes_read: how far into the files they reach.
        """
        return profiles * self._bytes_total // max(bytes_read, 1)

    def stopped(self) -> str:
        """Tell what is in when the import is ended by Ctrl-C."""
        things = several(self.profiles + self.repeated, self.things.removesuffix("s"), self.things)
        is_in = "is" if self.profiles + self.repeated == 1 else "are"
        return f"stopped; {things} {is_in} in: give the file again whole"

    def summary(self) -> str:
        """Tell the whole: what, and how fast."""
        elapsed_s = max(self._monotonic_s() - self._started_at_s, 1e-9)
        things = self.things.removesuffix("s") if self.profiles == 1 else self.things
        identifiers = several(self.identifiers, "identifier", "identifiers")
        done = "sent through the rules; what was in already changed nothing" if self.is_calls else "taken over"
        lines = [f"{self.profiles:,} {things} with {identifiers} {done}"]
        for count, one, many in (
            (
                self.repeated,
                "was taken over by an earlier import already: nothing changed",
                "were taken over by an earlier import already: nothing changed",
            ),
            (
                self.there_already,
                "is there already, one profile has all its identifiers: left alone",
                "are there already, each with one holder of all its identifiers: left alone",
            ),
            (
                self.skipped,
                "has an identifier that others hold: left out",
                "have an identifier that others hold: left out",
            ),
            (
                self.resolved,
                "has an identifier that others hold: sent through the rules; what was in already changed nothing",
                "have an identifier that others hold: sent through the rules; what was in already changed nothing",
            ),
            (self.left_out, "is an alias: left out", "are aliases: left out"),
            (self.rejected, "is at fault: left out", "are at fault: left out"),
        ):
            if count:
                lines.append(several(count, one, many))
        lines.append(f"in {_duration(elapsed_s)}, {self.identifiers / elapsed_s:,.0f} identifiers a second")
        return "\n".join(lines)

    def _told(self, now_s: float) -> str:
        elapsed_s = max(now_s - self._started_at_s, 1e-9)
        left = ""
        if self._bytes_total and self._bytes_read:
            rest = max(self._bytes_total - self._bytes_read, 0)
            left = f", {_duration(elapsed_s * rest / self._bytes_read)} left"
        return f"{self.done:,} {self.things}, {self.done / elapsed_s:,.0f} a second{left}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
