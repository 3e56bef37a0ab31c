"""How our threads share the processors, and how long work shares the event loop."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Final, TypeVar

# So many things are done before others have their turn: a few milliseconds at the most.
SLICE_ITEMS: Final = 200

Item = TypeVar("Item")


async def in_slices(items: Sequence[Item]) -> AsyncIterator[Item]:
    """Give items one by one; after each few the event loop does what waits, so that many hold nobody up."""
    for place, item in enumerate(items, 1):
        yield item
        if place % SLICE_ITEMS == 0:
            await asyncio.sleep(0)


def let_runners_finish() -> None:
    """Have a thread of ours that wakes wait for the one that runs, instead of stopping it in the middle.

    A call wakes several threads for a few microseconds each; where each of them stops another, the processors spend
    their time on switching (docs/decisions/0015-threads-that-wait-their-turn.md). An idle processor is taken at once
    as before. Threads and processes that are started afterwards inherit it. Elsewhere than on Linux, and where a
    container forbids it, nothing changes.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
