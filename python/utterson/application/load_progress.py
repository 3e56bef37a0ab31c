"""Tells the log how a long load gets on."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from utterson.application.engine_port import IndexLoader

logger = logging.getLogger("utterson.application")

TELL_EVERY_S = 5.0


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
        telling = asyncio.create_task(self._tell())
        try:
            yield
        finally:
            telling.cancel()

    async def _tell(self) -> None:
        began_s = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(self._every_s)
            if self._loader is not None:
                passed_s = asyncio.get_running_loop().time() - began_s
                logger.info("workspace %s: loading: %s", self._workspace, self._line(self._loader.rows, passed_s))

    def _line(self, rows: int, passed_s: float) -> str:
        """Say how far it is; the expected number is an estimate, so what is past it says nothing of the time left."""
        rate = rows / passed_s
        if not rows or rows >= self._rows_expected:
            return f"{rows:,} rows, {rate:,.0f} a second"
        left_s = (self._rows_expected - rows) / rate
        return f"{rows:,} of about {self._rows_expected:,} rows, {rate:,.0f} a second, about {left_s:,.0f} s left"
