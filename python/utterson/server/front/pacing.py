"""Bounds by time what one round of the loop does for messages, which may hold a thousand calls each.

How much work a message is shows when it is done. So each asks before it is worked on, and where those before it have
used the time of this round up, it waits for the next one: meanwhile commits, single calls and answers go on.
"""

import asyncio
import time
from collections import deque
from typing import Final

# How long the loop works on messages before it looks at everything else.
ROUND_S: Final = 0.002
# So many of those that wait are let go on in one round at most; fewer where they had no time.
AT_ONCE_MAX: Final = 64


class Pacing:
    """Who waits goes on in the order of asking, at least one in each round of the loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        # When the time of this round is over; None while nobody has worked in it.
        self._ends_at_s: float | None = None
        self._is_scheduled = False
        self._waiting: deque[asyncio.Future[None]] = deque()
        # Those that were let go on and found no time left: they come first.
        self._returned: deque[asyncio.Future[None]] = deque()
        self._at_once = 1

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting) + len(self._returned)

    async def begin(self) -> None:
        """Wait until there is time in a round of the loop; whoever asked before goes on before."""
        if not self.waiting and self._has_time():
            return
        queue = self._waiting
        while True:
            future: asyncio.Future[None] = self._loop.create_future()
            queue.append(future)
            self._schedule()
            await future
            if self._has_time():
                return
            self._at_once = max(self._at_once // 2, 1)
            queue = self._returned

    def _has_time(self) -> bool:
        now_s = time.perf_counter()
        if self._ends_at_s is None:
            self._ends_at_s = now_s + ROUND_S
            self._schedule()
        return now_s < self._ends_at_s

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        """Begin the next round."""
        self._is_scheduled = False
        self._ends_at_s = None
        released = 0
        while released < self._at_once and (queue := self._returned or self._waiting):
            future = queue.popleft()
            # Whoever gave up has a future that is done.
            if not future.done():
                future.set_result(None)
                released += 1
        if released == self._at_once:
            self._at_once = min(self._at_once * 2, AT_ONCE_MAX)
        if released or self.waiting:
            self._schedule()
