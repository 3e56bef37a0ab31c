"""What goes wrong in a run, and when: drawn from the seed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.simulation.database import Database
from tests.simulation.network import Weather
from tests.simulation.replica import Replica

HOUR_US = 3_600_000_000
# A clock that is off by less writes on; a process does not follow a jump that is larger.
SMALL_JUMP_US = 240_000_000


def draw_weather(chance: Random) -> Weather:
    """Draw how bad the network is: often fair, now and then each mishap many times a second."""
    rates = (0.0, 0.0, 0.01, 0.05, 0.2)
    return Weather(
        way_s=chance.choice((0.0005, 0.002, 0.01)),
        lost_request=chance.choice(rates),
        lost_answer=chance.choice(rates),
        cut=chance.choice(rates),
        slow=chance.choice((0.0, 0.0, 0.01, 0.03)),
    )


@dataclass
class Chaos:
    """Does something to the database or a replica every now and then.

    Args:
        database: the victim.
        replicas: the other victims.
        chance: decides what, and when.
        keep: so many happenings no loss touches: the workspaces' making.
    """

    database: Database
    replicas: list[Replica]
    chance: Random
    keep: int
    pause_s: float = 0.5
    loses_history: bool = True
    # How likely a loss shows to whoever connects next; else a lane has to find it out.
    shows: float = 0.7
    done: Counter[str] = field(default_factory=Counter)

    async def run(self) -> None:
        """Go on until cancelled."""
        faults: list[Callable[[], Coroutine[Any, Any, None]]] = [
            self._kill, self._kill, self._freeze, self._freeze, self._cut_off, self._jump, self._crash, self._failover,
            self._restore,
        ]  # fmt: skip
        if not self.loses_history:
            faults = faults[:-2]
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / self.pause_s))
            fault = self.chance.choice(faults)
            self.done[fault.__name__.strip("_")] += 1
            await fault()

    def heal(self) -> None:
        """Put everything right again."""
        self.database.up = True
        self.database.weather = Weather()
        for replica in self.replicas:
            replica.session.thawed_at_s = replica.session.apart_until_s = 0.0
            replica.clock_off_us = 0
            if replica.is_up and replica.is_apart:
                replica.kill()
            if not replica.is_up:
                replica.start()

    async def _kill(self) -> None:
        replica = self.chance.choice(self.replicas)
        replica.kill()
        await asyncio.sleep(self.chance.random() * 0.3)
        # Most machines set their clock when they start.
        if self.chance.random() < 0.8:
            replica.clock_off_us = 0
        replica.start()

    async def _freeze(self) -> None:
        self.chance.choice(self.replicas).freeze(self.chance.random() * 4)

    async def _cut_off(self) -> None:
        session = self.chance.choice(self.replicas).session
        session.apart_until_s = asyncio.get_running_loop().time() + self.chance.random() * 3

    async def _jump(self) -> None:
        far_us = self.chance.choice((SMALL_JUMP_US, 4 * HOUR_US))
        self.chance.choice(self.replicas).clock_off_us = self.chance.randint(-far_us, far_us)

    async def _crash(self) -> None:
        self.database.crash()
        await asyncio.sleep(self.chance.random() * self.chance.choice((0.1, 1.0, 12.0)))
        self.database.up = True

    async def _failover(self) -> None:
        await self._lose(self.chance.randint(0, 4))

    async def _restore(self) -> None:
        await self._lose(self.chance.randint(5, 40))

    async def _lose(self, count: int) -> None:
        self.database.crash()
        self.database.truth.lose(count, asyncio.get_running_loop().time(), keep=self.keep)
        self.database.shows_loss |= self.chance.random() < self.shows
        await asyncio.sleep(self.chance.random())
        self.database.up = True
