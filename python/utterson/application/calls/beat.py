"""Holds answers that are ready back for up to two milliseconds while many callers are at work, to send them together.

The wait is called a beat, as of a drum: all who wait leave at its end. An answer that is sent alone costs a switch
between gRPC's poller thread and the event loop, and a packet; answers that are sent together share both. Measured in
docs/decisions/0011-hits-beside-the-lane.md.
"""

import asyncio

# The longest that an answer waits for others. The loop's clock knows whole milliseconds.
BEAT_S = 0.002
# With fewer calls than this in a beat, each is answered at once.
CALLS_MIN = 5
# After this many beats in a row with fewer than that, nobody waits for a second.
POOR_BEATS_MAX = 3
REST_S = 1.0
# Every 16th beat lasts its whole time, to count how many answers it gathers. The others end as soon as they have as
# many, so that a few callers that each wait for their answer do not also wait for the time to pass.
TICKS_BETWEEN_COUNTS = 16


class Beat:
    """Gathers answers under load only; while it rests, an answer leaves as soon as it is ready."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._ticks = 0
        self._enough = 0
        self._busy = False
        self._poor_beats = 0
        self._rests_until_s = float("-inf")
        self._moment = 0
        self._arrived = 0

    def is_running(self) -> bool:
        """Count an answer that is ready; tell whether it should wait for `tick`."""
        if self._busy:
            return True
        now_s = asyncio.get_running_loop().time()
        moment = int(now_s / BEAT_S)
        if moment != self._moment:
            self._moment = moment
            self._arrived = 0
        self._arrived += 1
        self._busy = self._arrived >= CALLS_MIN and now_s >= self._rests_until_s
        return self._busy

    def tick(self) -> asyncio.Future[None]:
        """Give a future that is done when the beat ends; each caller its own, so that one can be cancelled alone."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            self._timer = loop.call_later(BEAT_S, self._strike)
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append(future)
        if len(self._waiting) >= self._enough and not self._counts():
            self._strike()
        return future

    def _counts(self) -> bool:
        return self._ticks % TICKS_BETWEEN_COUNTS == 0

    def _strike(self) -> None:
        waiting, self._waiting = self._waiting, []
        if self._timer is not None:
            self._timer.cancel()
        if self._counts():
            # Falls slowly: one beat with few answers does not mean that there are fewer callers.
            self._enough = max(len(waiting), self._enough * 7 // 8)
        self._ticks += 1
        self._poor_beats = self._poor_beats + 1 if len(waiting) < CALLS_MIN else 0
        if self._poor_beats == POOR_BEATS_MAX:
            self._busy, self._poor_beats, self._ticks, self._enough = False, 0, 0, 0
            self._rests_until_s = asyncio.get_running_loop().time() + REST_S
        for future in waiting:
            if not future.done():
                future.set_result(None)
