"""Gives memory that was freed back to the system: the C library would keep it for later, however much it is."""

import asyncio
import ctypes
import sys
from contextlib import suppress
from typing import Final

# So much is worth the work; what it takes, some ten milliseconds, a thread of its own spends.
TRIM_BYTES: Final = 64 * 1024 * 1024
# Whoever says that something is free may say so a moment before it is.
DELAY_S: Final = 0.5


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


# What the process frees is one sum, whoever frees it.
trimmer: Final = Trimmer()
