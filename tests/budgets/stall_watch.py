"""Notices what holds an event loop, for any test: a callback that runs long, or waits for anything but its turn.

Time is counted by the monotonic clock, less the time for which the loop's thread was ready to run and had no processor:
Linux tells that, so a busy machine makes nobody guilty. What is left is the thread's own work, and its waiting for the
interpreter, a lock or a file. A thread beside the loop looks at it from time to time, so that a stall is noticed while
it lasts, and where it is.
"""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Final

STALL_MS_MAX: Final = 20.0
_LOOK_S: Final = 0.005
_FRAMES: Final = 6


@dataclass(frozen=True)
class Stall:
    """One callback that held the loop too long.

    `held_ms` is for how long, `what` the callback, `where` the innermost frames that were found while it lasted.
    """

    held_ms: float
    what: str
    where: str

    def __str__(self) -> str:
        """Tell it in one line."""
        return f"{self.held_ms:.0f} ms in {self.what}{f' at {self.where}' if self.where else ''}"


class StallWatch:
    """Watches the loop of the thread that starts it; asyncio's own loop only.

    Args:
        tell: called with each stall, in the loop's thread.
        limit_ms: what holds the loop for longer is one, in milliseconds.
    """

    def __init__(self, tell: Callable[[Stall], None], limit_ms: float = STALL_MS_MAX) -> None:
        self._tell = tell
        self._limit_ns = int(limit_ms * 1e6)
        self._run = asyncio.Handle._run
        self._thread = 0
        self._began_ns = 0
        self._where = ""
        self._waits: int | None = None
        self._over = threading.Event()

    def start(self) -> None:
        """Begin to watch the loop of this thread."""
        self._thread = threading.get_ident()
        with suppress(OSError):
            self._waits = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)
        watched, run = self._thread, self._run

        def watched_run(handle: asyncio.Handle) -> None:
            if threading.get_ident() != watched:
                run(handle)
                return
            waited_ns = self._waited_ns()
            self._began_ns = time.monotonic_ns()
            try:
                run(handle)
            finally:
                self._end(handle, waited_ns)

        asyncio.Handle._run = watched_run  # type: ignore[method-assign, assignment]
        threading.Thread(target=self._look, name="stall watch", daemon=True).start()

    def stop(self) -> None:
        """Watch no longer."""
        asyncio.Handle._run = self._run  # type: ignore[method-assign]
        self._over.set()
        if self._waits is not None:
            os.close(self._waits)

    def _end(self, handle: asyncio.Handle, waited_ns: int) -> None:
        began_ns, self._began_ns = self._began_ns, 0
        took_ns = time.monotonic_ns() - began_ns
        if took_ns <= self._limit_ns:
            return
        where, self._where = self._where, ""
        held_ns = took_ns - (self._waited_ns() - waited_ns)
        if held_ns > self._limit_ns:
            self._tell(Stall(held_ns / 1e6, _named(handle), where))

    def _waited_ns(self) -> int:
        """Tell for how long in all the loop's thread was ready and had no processor; 0 where the system does not."""
        if self._waits is None:
            return 0
        return int(os.pread(self._waits, 64, 0).split()[1])

    def _look(self) -> None:
        looked_at_ns = 0
        while not self._over.wait(_LOOK_S):
            began_ns = self._began_ns
            if not began_ns or began_ns == looked_at_ns or time.monotonic_ns() - began_ns <= self._limit_ns:
                continue
            looked_at_ns = began_ns
            # By hand: `traceback` reads the sources, and while it does the stall is over.
            frames = islice(_outwards(sys._current_frames().get(self._thread)), _FRAMES)
            self._where = " < ".join(
                f"{Path(one.f_code.co_filename).name}:{one.f_lineno} {one.f_code.co_name}" for one in frames
            )


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _named(handle: asyncio.Handle) -> str:
    """Name a callback; of a task its coroutine."""
    callback: object = getattr(handle, "_callback", None)
    task = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        return f"task {task.get_name()} {getattr(task.get_coro(), '__qualname__', '')}"
    return str(getattr(callback, "__qualname__", callback))
