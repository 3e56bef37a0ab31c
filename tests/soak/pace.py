"""When the next call may begin, and what calls came to."""

import asyncio
import math
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Self

# Whoever falls behind by more does not catch up: that would be another load.
BEHIND_S_MAX = 1.0


class Pace:
    """Lets so many calls a second begin, of all callers together.

    Args:
        rate: calls a second; infinite lets all begin at once.
    """

    def __init__(self, rate: float = math.inf) -> None:
        self._rate = rate
        self._next_s = 0.0

    async def take(self, calls: int = 1) -> None:
        """Wait until some calls may begin."""
        now_s = asyncio.get_running_loop().time()
        at_s = max(self._next_s, now_s - BEHIND_S_MAX)
        self._next_s = at_s + calls / self._rate
        await asyncio.sleep(max(at_s - now_s, 0.0))


@dataclass
class Tally:
    """What calls came to since it was last taken."""

    calls: int = 0
    cancelled: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    # Of calls alone, in milliseconds.
    waits_ms: list[float] = field(default_factory=list)

    def answered(self, began_s: float, calls: int = 1) -> None:
        """Count calls that were answered together; a call alone with its wait."""
        self.calls += calls
        if calls == 1:
            self.waits_ms.append((asyncio.get_running_loop().time() - began_s) * 1000)

    def take(self) -> Self:
        """Take what was counted, and begin anew."""
        taken = replace(self)
        self.calls = self.cancelled = 0
        self.failed, self.refused, self.waits_ms = Counter(), Counter(), []
        return taken

    def percentile_ms(self, share: float) -> float:
        """Tell the wait that this share of the calls alone did not exceed; 0 if there were none."""
        waits_ms = sorted(self.waits_ms)
        return waits_ms[min(int(len(waits_ms) * share), len(waits_ms) - 1)] if waits_ms else 0.0
