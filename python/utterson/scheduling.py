"""How our threads share the processors."""

import os
import sys
from contextlib import suppress


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
