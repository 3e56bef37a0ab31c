"""When to stop waiting for more callers: at once when nobody else is expected, a few milliseconds under load."""

import asyncio

from utterson.settings.lanes import LaneSettings

# A batch of this many calls is worth its commit: it never waits.
CALLS_ENOUGH = 64
# So many calls are worth deciding while a commit is under way, instead of waiting for more to join them.
CALLS_AHEAD = 150
DRAIN_MS_MIN = 20
DRAIN_MS_MAX = 5_000
# How much the newest turn counts in the measured pace.
PACE_WEIGHT = 0.2


class Gathering:
    """Expects as many callers as the last turn served and left waiting: they will be back if they are in a loop."""

    def __init__(self, limits: LaneSettings) -> None:
        self._gather_s = limits.gather_ms_max / 1000
        self._enough_callers = 1
        self._released_at_s = float("-inf")
        self._enough: asyncio.Future[None] | None = None
        self._s_per_call = 0.001

    async def wait(self, callers: int, calls: int) -> None:
        """Wait until enough callers are there, for `gather_ms_max` at the most."""
        loop = asyncio.get_running_loop()
        idle = loop.time() - self._released_at_s > 2 * self._gather_s
        if self._gather_s == 0 or idle or self.is_enough(callers, calls):
            return
        self._enough = loop.create_future()
        timer = loop.call_later(self._gather_s, self._finish)
        try:
            await self._enough
        finally:
            timer.cancel()
            self._enough = None

    def arrived(self, callers: int, calls: int) -> None:
        """Take note of what waits now."""
        if self._enough is not None and self.is_enough(callers, calls):
            self._finish()

    def released(self, served: int, waiting: int, calls: int, started_at_s: float) -> None:
        """Take note of a turn's end."""
        expected = served + waiting
        # The last quarter arrives while the batch is committed; waiting for it would leave the processor idle.
        self._enough_callers = expected - expected // 4
        self._released_at_s = asyncio.get_running_loop().time()
        if calls:
            pace = (self._released_at_s - started_at_s) / calls
            self._s_per_call += PACE_WEIGHT * (pace - self._s_per_call)

    def drain_ms(self, calls: int) -> int:
        """Estimate how long so many calls take, in milliseconds."""
        return min(max(int(calls * self._s_per_call * 1000), DRAIN_MS_MIN), DRAIN_MS_MAX)

    def is_enough(self, callers: int, calls: int) -> bool:
        """Tell whether so many would go at once, without waiting for more."""
        return callers >= self._enough_callers or calls >= CALLS_ENOUGH

    def _finish(self) -> None:
        if self._enough is not None and not self._enough.done():
            self._enough.set_result(None)
