"""Gives memory that was freed back to the system: the C library would keep it for later, however much it is.

And frees what only the garbage collector finds, where the process has grown: gRPC's library leaves such with each call
that is refused or cancelled, and a process that rests makes no full collection by itself.
"""

import asyncio
import ctypes
import gc
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

# So much is worth the work; what it takes, some ten milliseconds, a thread of its own spends.
TRIM_BYTES: Final = 64 * 1024 * 1024
# Whoever says that something is free may say so a moment before it is.
DELAY_S: Final = 0.5
# So much more memory is worth a full collection, and so often it is looked for.
GROWN_BYTES: Final = 100 * 1024 * 1024
LOOK_EVERY_S: Final = 1.0
_OWN_PAGES: Final = Path("/proc/self/statm")
_GENERATIONS: Final = 3


class Trimmer:
    """Counts what is freed, and gives it back in pieces that are worth it. Belongs to one event loop at a time."""

    def __init__(self) -> None:
        self._freed_bytes = 0

    def freed(self, size_bytes: int) -> None:
        """Take note that so much is not needed any more, in bytes; call it in an event loop."""
        before = self._freed_bytes
        self._freed_bytes += size_bytes
        if before < TRIM_BYTES <= self._freed_bytes:
            loop = asyncio.get_running_loop()
            loop.call_later(DELAY_S, self._give_back, loop)

    def _give_back(self, loop: asyncio.AbstractEventLoop) -> None:
        self._freed_bytes = 0
        # Fails where the loop's threads have ended, and with them the process.
        with suppress(RuntimeError):
            loop.run_in_executor(None, trim)


def trim() -> None:
    """Give back what the C library keeps free; without effect where that is not glibc."""
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).malloc_trim(0)


class GarbageWatch:
    """Looks how much memory the process has, and has all garbage collected where that has grown.

    What was there at the start is frozen (`main.py`), so a collection takes 0.3 ms, and some 10 at 40,000 new objects;
    it goes by generations, with turns of the loop in between.

    Args:
        resident_bytes: tells how much memory the process has; 0 where nobody can tell, and then nothing happens.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        resident_bytes: Callable[[], int] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._resident_bytes = resident_bytes or own_resident_bytes
        self._sleep = sleep
        self._least_bytes: int | None = None

    async def run(self) -> None:
        """Look again and again, until it is cancelled."""
        while True:
            await self.look()
            await self._sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look once; collect if the process has 100 MiB more than it had at its least since the last collection."""
        now_bytes = self._resident_bytes()
        if self._least_bytes is None or now_bytes < self._least_bytes:
            self._least_bytes = now_bytes
        if now_bytes - self._least_bytes < GROWN_BYTES:
            return
        for generation in range(_GENERATIONS):
            gc.collect(generation)
            await self._sleep(0)
        await asyncio.to_thread(trim)
        self._least_bytes = self._resident_bytes()


def own_resident_bytes() -> int:
    """Tell how much memory this process has, in bytes; 0 where the system does not tell it like Linux."""
    try:
        return int(_OWN_PAGES.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


# What the process frees is one sum, whoever frees it.
trimmer: Final = Trimmer()
