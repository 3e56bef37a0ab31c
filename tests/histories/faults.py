"""What is done to the servers and to Postgres while callers call."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.crashes.proxy import Fault as WireFault
from tests.histories.fleet import Fleet, Server


@dataclass(frozen=True)
class Struck:
    """One fault: what it was, and from when to when, in loop time."""

    name: str
    began_s: float
    ended_s: float


class Faults:
    """Strikes every now and then; no two at once, but for what comes late.

    Args:
        fleet: the victims.
        chance: decides what, and whom.
        every_s: the time between two.
    """

    def __init__(self, fleet: Fleet, chance: Random, every_s: float) -> None:
        self.struck: list[Struck] = []
        self._fleet = fleet
        self._chance = chance
        self._every_s = every_s
        self._left: list[Callable[[], Coroutine[Any, Any, None]]] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Go on until told to stop; every kind comes once before one comes again."""
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._every_s)
            if stop.is_set():
                return
            if not self._left:
                self._left = [*self._kinds()]
                self._chance.shuffle(self._left)
            fault = self._left.pop()
            began_s = loop.time()
            await fault()
            self.struck.append(Struck(fault.__name__.strip("_"), began_s, loop.time()))

    def _kinds(self) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        return [
            self._kill_a_server, self._stop_a_server, self._freeze_a_server, self._kill_postgres, self._stop_postgres,
            self._lose_an_answer, self._lose_the_end_of_an_answer, self._lose_a_request, self._delay_an_answer,
            self._delay_a_request, self._cut_connections, self._keep_away, self._read_only, self._restore,
        ]  # fmt: skip

    def _one(self) -> Server:
        return self._chance.choice(self._fleet.servers)

    async def _kill_a_server(self) -> None:
        server = self._one()
        await server.kill()
        await server.start()

    async def _stop_a_server(self) -> None:
        server = self._one()
        await server.stop()
        await server.start()

    async def _freeze_a_server(self) -> None:
        server = self._one()
        server.signal(signal.SIGSTOP)
        await asyncio.sleep(self._chance.uniform(0.3, 3.0))
        server.signal(signal.SIGCONT)

    async def _kill_postgres(self) -> None:
        self._fleet.signal_postgres(signal.SIGKILL)
        await self._fleet.postgres_is_back()

    async def _stop_postgres(self) -> None:
        # Fast: sessions are ended, what they were at is taken back.
        self._fleet.signal_postgres(signal.SIGINT)
        await self._fleet.postgres_is_back()

    async def _lose_an_answer(self) -> None:
        self._one().proxy.strike_once(WireFault.ANSWER_LOST)

    async def _lose_the_end_of_an_answer(self) -> None:
        self._one().proxy.strike_once(WireFault.READY_LOST)

    async def _lose_a_request(self) -> None:
        self._one().proxy.strike_once(WireFault.REQUEST_LOST)

    async def _delay_an_answer(self) -> None:
        self._one().proxy.strike_once(WireFault.ANSWER_LATE)

    async def _delay_a_request(self) -> None:
        self._one().proxy.strike_once(WireFault.REQUEST_LATE)

    async def _cut_connections(self) -> None:
        self._one().proxy.cut_all()

    async def _keep_away(self) -> None:
        proxy = self._one().proxy
        proxy.away = True
        proxy.cut_all()
        await asyncio.sleep(self._chance.uniform(0.3, 2.0))
        proxy.away = False

    async def _read_only(self) -> None:
        await self._fleet.read_only(is_so=True)
        await asyncio.sleep(self._chance.uniform(0.2, 1.0))
        await self._fleet.read_only(is_so=False)

    async def _restore(self) -> None:
        await self._fleet.restore_a_copy(self._chance.uniform(0.5, 2.0))
