"""Tells the log how a long load gets on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from utterson.application.engine_port import IndexLoader
from utterson.application.progress import TELL_EVERY_S, how_far, tell


class LoadProgress:
    """One load of one workspace's index; a load that is over before the first telling says nothing."""

    def __init__(self, workspace: str, every_s: float = TELL_EVERY_S) -> None:
        self._workspace = workspace
        self._every_s = every_s
        self._loader: IndexLoader | None = None
        self._rows_expected = 0

    def begin(self, loader: IndexLoader, rows_expected: int) -> None:
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
