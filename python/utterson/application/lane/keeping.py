"""What the lanes of a process take, and which of them rest when that is too much: who was not used for longest.

Nothing is lost by resting: what a lane has in memory is committed. A lane rests only while nothing waits in it, and the
next call of its workspace opens it again (docs/decisions/0029-lanes-rest.md).
"""

import asyncio
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol

from utterson.application.refusals import logger

if TYPE_CHECKING:
    from utterson.application.lane.lane import Lane

# What a lane takes beside its state, with all that hangs on it.
LANE_BYTES: Final = 16 * 1024
# How many lanes are looked at in one go: what that takes nobody notices.
LOOKS_MAX: Final = 128
# A state that alone takes more than all may stays so many times longer than others: else each call would load it.
TOO_LARGE_PATIENCE: Final = 60
# How long it may be too much before it is looked at again, where it was too early for everybody.
PAUSE_S_MAX: Final = 1.0


class LaneKeeping(Protocol):
    """Who keeps the lanes, as a lane sees it."""

    def note(self, lane: "Lane") -> None:
        """Take note of what the lane takes now, and that it may be idle."""
        ...

    def woken(self, lane: "Lane") -> None:
        """Keep a lane again that was laid to rest.

        Raises:
            UttersonError: SHUTTING_DOWN.
        """
        ...

    def gone(self, lane: "Lane") -> None:
        """Let a lane go that has ended: its workspace is gone."""
        ...


class LaneUse:
    """Counts what lanes take, and lays the one to rest that was not used for longest while it is too much.

    Args:
        bytes_max: what all may take together.
        idle_s_min: how long a lane was not used at least before it rests. What is used all the time stays, even if that
            is too much: loading it for each call would be worse.
        rest: lays a lane to rest.
    """

    def __init__(self, bytes_max: int, idle_s_min: float, rest: Callable[["Lane"], None]) -> None:
        self._bytes_max = bytes_max
        self._idle_s_min = idle_s_min
        self._rest = rest
        self._loop = asyncio.get_running_loop()
        self._taken: dict[Lane, int] = {}
        self._total = 0
        # By the use that was known when they were put here: a lane that was used since is put here anew.
        self._by_use: list[tuple[float, int, Lane]] = []
        self._numbers = count()
        self._due: asyncio.Handle | None = None
        self._closed = False

    @property
    def memory_bytes(self) -> int:
        """What all lanes take, with their states."""
        return self._total

    def note(self, lane: "Lane") -> None:
        """Take note of what a lane takes now."""
        taken = lane.memory_bytes
        before = self._taken.get(lane)
        if before is None:
            self._put(lane)
            before = 0
        if taken > self._bytes_max >= before:
            logger.warning(
                "workspace %s: its state takes %d MiB, more than all states together may (state_bytes_max)",
                lane.keys.workspace,
                taken >> 20,
            )
        self._taken[lane] = taken
        self._total += taken - before
        if self._total > self._bytes_max and self._due is None and not self._closed:
            self._due = self._loop.call_soon(self._relieve)

    def forget(self, lane: "Lane") -> None:
        """Count a lane no more that has ended by itself."""
        self._total -= self._taken.pop(lane, 0)
        self._by_use = [entry for entry in self._by_use if entry[2] is not lane]
        heapify(self._by_use)

    def close(self) -> None:
        """Lay nobody to rest any more."""
        self._closed = True
        if self._due is not None:
            self._due.cancel()

    def _put(self, lane: "Lane") -> None:
        heappush(self._by_use, (lane.used_at_s, next(self._numbers), lane))

    def _relieve(self) -> None:
        """Lay lanes to rest until it is not too much any more; go on later where that takes long or is too early."""
        self._due = None
        passed: list[Lane] = []
        pause_s: float | None = None
        for _ in range(LOOKS_MAX):
            if self._total <= self._bytes_max or not self._by_use:
                break
            known_use_s, _, lane = heappop(self._by_use)
            if lane.used_at_s > known_use_s:
                self._put(lane)
                pause_s = 0.0
                continue
            early_s = lane.used_at_s + self._patience_s(lane) - self._loop.time()
            if early_s <= 0 and lane.is_idle:
                self._total -= self._taken.pop(lane)
                self._rest(lane)
                pause_s = 0.0
                continue
            passed.append(lane)
            if early_s > 0:
                pause_s = PAUSE_S_MAX if pause_s is None else min(pause_s, PAUSE_S_MAX)
                if not self._is_too_large(lane):
                    # It is too early for all others, too: they were used later still.
                    break
        for lane in passed:
            self._put(lane)
        # Whoever is busy is noted when it is through.
        if pause_s is not None and self._total > self._bytes_max and self._due is None:
            self._due = self._loop.call_later(pause_s, self._relieve)

    def _patience_s(self, lane: "Lane") -> float:
        return self._idle_s_min * (TOO_LARGE_PATIENCE if self._is_too_large(lane) else 1)

    def _is_too_large(self, lane: "Lane") -> bool:
        return self._taken[lane] > self._bytes_max
