"""Writes to the server's log how far long work is: loads, and imports, whose many short calls are told as one."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from utterson.application.ports.engine import StateLoader
from utterson.domain.imports import ImportPart

logger = logging.getLogger("utterson.application")

TELL_EVERY_S = 5.0


async def tell(line: Callable[[float], str | None], every_s: float = TELL_EVERY_S) -> None:
    """Log a line now and then, until it is None; an empty one is not worth telling.

    Args:
        line: makes it, of the seconds since the beginning.
        every_s: the time between two lines.
    """
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    while True:
        await asyncio.sleep(every_s)
        told = line(loop.time() - began_s)
        if told is None:
            return
        if told:
            logger.info("%s", told)


def how_far(things: str, count: int, expected: int, passed_s: float) -> str:
    """Say how far it is: count, rate and, where that can be known, the time left.

    Args:
        things: what is counted.
        count: how many there were so far.
        expected: about how many there will be; 0 means that nobody knows, and what is past it says nothing either.
        passed_s: for how long it lasts already.
    """
    rate = count / max(passed_s, 1e-9)
    if not count or count >= expected:
        return f"{count:,} {things}, {rate:,.0f} a second"
    left_s = (expected - count) / rate
    return f"{count:,} of about {expected:,} {things}, {rate:,.0f} a second, about {left_s:,.0f} s left"


class LoadProgress:
    """One load of one workspace; a load that is over before the first telling says nothing."""

    def __init__(self, workspace: str, every_s: float = TELL_EVERY_S) -> None:
        self._workspace = workspace
        self._every_s = every_s
        self._loader: StateLoader | None = None
        self._rows_expected = 0

    def begin(self, loader: StateLoader, rows_expected: int) -> None:
        """Remember whom to ask, and how many rows to expect; 0 means that nobody knows."""
        self._loader = loader
        self._rows_expected = rows_expected

    @asynccontextmanager
    async def told(self) -> AsyncIterator[None]:
        """Tell count, rate and time left now and then, for as long as the context lasts."""
        telling = asyncio.create_task(tell(self._line, self._every_s))
        try:
            yield
        finally:
            telling.cancel()

    def _line(self, passed_s: float) -> str:
        rows = 0 if self._loader is None else self._loader.rows
        return f"workspace {self._workspace}: loading: {how_far('rows', rows, self._rows_expected, passed_s)}"


class ImportCall:
    """One call of an import, while it is under way."""

    def __init__(self) -> None:
        self.profiles = 0
        self.taken_over = False

    def receive(self, profiles: int) -> None:
        """Take note of profiles that arrived."""
        self.profiles += profiles

    def take_over(self) -> None:
        """Take note that the call's profiles are committed."""
        self.taken_over = True


class _Import:
    """Calls that came one after another, or at once."""

    def __init__(self, title: str, began_s: float) -> None:
        self.expected = 0
        self.calls: set[ImportCall] = set()
        self.ended_s = began_s
        self._title = title
        self._began_s = began_s
        self._taken_over = 0
        self._calls_taken_over = 0
        self._calls_refused = 0

    def end(self, call: ImportCall, now_s: float) -> None:
        """Take note of a call's end; what was refused does not count."""
        self.calls.discard(call)
        self.ended_s = now_s
        if call.taken_over:
            self._taken_over += call.profiles
            self._calls_taken_over += 1
        else:
            self._calls_refused += 1

    def line(self, passed_s: float) -> str:
        """Say how far it is: what arrived, and how much of it is committed."""
        received = self._taken_over + sum(call.profiles for call in self.calls)
        return (
            f"{self._title}: {how_far('profiles', received, self.expected, passed_s)}; "
            f"{self._taken_over:,} taken over in {_calls(self._calls_taken_over)}"
        )

    def summary(self) -> str:
        """Tell the whole."""
        passed_s = self.ended_s - self._began_s
        refused = f"; {_calls(self._calls_refused)} refused" if self._calls_refused else ""
        if not self._calls_taken_over:
            return f"{self._title} over: nothing was taken over{refused}"
        told = how_far("profiles", self._taken_over, 0, passed_s)
        return f"{self._title} over: {told}, in {_calls(self._calls_taken_over)} and {passed_s:,.1f} s{refused}"


class ImportProgress:
    """The imports of a process. One is over when for a while none of its calls is under way.

    Args:
        every_s: the time between two lines of an import, and how long the next call may be in coming.
    """

    def __init__(self, every_s: float = TELL_EVERY_S) -> None:
        self._every_s = every_s
        self._imports: dict[tuple[str, str], _Import] = {}
        self._telling: set[asyncio.Task[None]] = set()

    @contextmanager
    def call(self, workspace: str, part: ImportPart) -> Iterator[ImportCall]:
        """Count a call as part of its import, for as long as the context lasts."""
        key = (workspace, part.import_id)
        under_way = self._imports.get(key) or self._begin(key)
        if part.profiles_expected:
            under_way.expected = part.profiles_expected
        call = ImportCall()
        under_way.calls.add(call)
        try:
            yield call
        finally:
            under_way.end(call, asyncio.get_running_loop().time())

    def _begin(self, key: tuple[str, str]) -> _Import:
        workspace, import_id = key
        title = f"workspace {workspace}: import {import_id}".rstrip()
        begun = self._imports[key] = _Import(title, asyncio.get_running_loop().time())
        telling = asyncio.create_task(self._tell(key, begun))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)
        return begun

    async def _tell(self, key: tuple[str, str], begun: _Import) -> None:
        loop = asyncio.get_running_loop()

        def line(passed_s: float) -> str | None:
            idle_s = 0.0 if begun.calls else loop.time() - begun.ended_s
            if idle_s >= self._every_s:
                return None
            # What has been idle for long is most likely over: its summary is enough.
            return begun.line(passed_s) if idle_s < self._every_s / 2 else ""

        await tell(line, self._every_s)
        del self._imports[key]
        logger.info("%s", begun.summary())


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count:,} calls"
