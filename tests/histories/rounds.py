"""One round: fresh workspaces, eight callers, faults, and the verdict."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from tests.agreement.messages import policy_message
from tests.agreement.mismatch import require
from tests.histories.faults import Faults, Struck
from tests.histories.fleet import Fleet, LostHistory
from tests.histories.remote import RemoteReplica
from tests.model.generate import Generator
from tests.properties.postgres_tables import read_tables
from tests.simulation.clients import NOT_DECIDED, UNKNOWN, Clients, Notebook, Told
from tests.simulation.judging import Judge
from tests.simulation.truth import History, Kept, Made
from utterson import _core
from utterson.domain.chain import NewWorkspace
from utterson.settings.lanes import LaneSettings

CALLERS = 8
PAUSE_S = 0.02
# Load counts as such where somebody was acknowledged so long before a fault, and so long after it.
BEFORE_S = 1.0
AFTER_S = 6.0


@dataclass
class Figures:
    """What a round met."""

    calls: int = 0
    acknowledged: int = 0
    unknown: int = 0
    entries: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        faults = ", ".join(f"{count} {name}" for name, count in sorted(self.faults.items()))
        return (
            f"{self.calls:,} calls, {self.acknowledged:,} acknowledged, {self.unknown:,} unknown in between, "
            f"{self.entries:,} entries; {faults}"
        )


class Served(Protocol):
    """Servers and their Postgres, as a round needs them."""

    lost: list[LostHistory]

    @property
    def replicas(self) -> list[RemoteReplica]:
        """The servers."""
        ...

    @property
    def database_url(self) -> str:
        """Where the data is read."""
        ...

    def reopened(self, lost: LostHistory) -> AbstractAsyncContextManager[str]:
        """Start a Postgres on a lost history, to be read; gives the address of the database in it."""
        ...

    async def forget_lost(self) -> None:
        """Remove the lost histories."""
        ...


class Trouble(Protocol):
    """Whatever is done to them."""

    struck: list[Struck]

    async def run(self, stop: asyncio.Event, /) -> None:
        """Strike until told to stop."""
        ...


class Round:
    """Callers on some workspaces of their own.

    Args:
        fleet: the servers.
        trouble: what is done to them.
        seed: decides workspaces and calls; when they meet is the clock's.
    """

    def __init__(self, fleet: Served, trouble: Trouble, seed: int) -> None:
        self._fleet = fleet
        self._chance = Random(seed)
        self._notebook = Notebook()
        self._generators = {
            f"h{number}-{secrets.token_hex(4)}": Generator(self._chance.getrandbits(32))
            for number in range(self._chance.randint(1, 4))
        }
        self._faults = trouble
        self._seed = seed
        # Acknowledged calls whose history was lost afterwards.
        self.lost: list[Told] = []

    @classmethod
    def with_faults(cls, fleet: Fleet, seed: int, every_s: float = 2.0) -> Round:
        """Make a round of a fleet that meets all of its faults.

        Args:
            fleet: the servers.
            seed: decides the faults, too.
            every_s: the time between two of them.
        """
        return cls(fleet, Faults(fleet, Random(seed + 1), every_s), seed)

    async def run(self, seconds: float) -> Figures:
        """Run and judge.

        Raises:
            MismatchError: a promise was broken, or the load was none.
        """
        for name, generator in self._generators.items():
            await self._fleet.replicas[0].create_workspace(name, policy_message(generator.policy))
        stop = asyncio.Event()
        callers = [asyncio.create_task(self._call(number, stop)) for number in range(CALLERS)]
        try:
            await asyncio.sleep(BEFORE_S)
            await self._strike(stop, seconds)
            await asyncio.sleep(AFTER_S / 2)
            await asyncio.gather(*callers)
        finally:
            for caller in callers:
                caller.cancel()
        await self._end()
        return await self._judged()

    async def _strike(self, stop: asyncio.Event, seconds: float) -> None:
        """Make trouble for so long; then no more calls are needed."""
        trouble = asyncio.create_task(self._faults.run(stop))
        await asyncio.sleep(seconds)
        stop.set()
        await trouble

    async def _call(self, number: int, stop: asyncio.Event) -> None:
        one = Clients(self._fleet.replicas, self._generators, Random(self._seed + 100 + number), self._notebook)
        while not stop.is_set():
            await one.step(PAUSE_S)
        # Somebody must call after the last fault, too.
        for _ in range(20):
            await one.step(PAUSE_S)

    async def _end(self) -> None:
        """Once all is well every server writes, each on a state that the log's hash then proves."""
        for name in self._generators:
            for replica in self._fleet.replicas:
                told = await Clients([replica], self._generators, self._chance, self._notebook).last_call(name)
                is_decided = told.refusal is None or told.refusal not in NOT_DECIDED | UNKNOWN
                require(is_decided, f"not served though all is well: {told.line()}")

    async def _judged(self) -> Figures:
        figures = Figures(faults=Counter(struck.name for struck in self._faults.struck))
        histories: list[History] = []
        for lost in self._fleet.lost:
            async with self._fleet.reopened(lost) as url:
                histories.append(History(lost.until_s, await self._read(url)))
        await self._fleet.forget_lost()
        histories.append(History(float("inf"), await self._read(self._fleet.database_url)))
        policies: dict[str, dict[bytes, object]] = {}
        for name, generator in self._generators.items():
            policies[name] = {_kept(policy_message(generator.policy).SerializeToString()): generator.policy}
            figures.entries += len(histories[-1].workspaces[name].tables.log) - 1
        for told in self._notebook.policies:
            policies[told.workspace][_kept(told.encoded)] = told.policy
        staleness_s = LaneSettings().staleness_ms / 1000
        judge = Judge(histories, self._notebook, policies, (), staleness_s)
        await asyncio.to_thread(judge.run)
        self.lost = judge.lost
        calls = self._notebook.calls
        figures.calls = sum(told.tries for told in calls)
        figures.acknowledged = sum(told.resolution is not None for told in calls)
        figures.unknown = sum(told.was_unknown for told in calls)
        for struck in self._faults.struck:
            self._was_under_load(struck)
        return figures

    async def _read(self, url: str) -> dict[str, Kept]:
        """Read all workspaces as a database has them."""
        workspaces = {}
        for name in self._generators:
            tables, (digest_key, id_key), id_eras = await read_tables(url, name)
            genesis = tables.log[0]
            new = NewWorkspace(name, 0, digest_key, id_key, genesis.id, tables.policies[1], genesis.commit_time_us)
            workspaces[name] = Kept(Made(new), tables, id_eras=id_eras)
        return workspaces

    def _was_under_load(self, struck: Struck) -> None:
        """A fault that met nobody proves nothing."""
        ended = [told.ended_s for told in self._notebook.calls if told.resolution is not None]
        before = any(struck.began_s - BEFORE_S <= at < struck.began_s for at in ended)
        after = any(struck.ended_s < at <= struck.ended_s + AFTER_S for at in ended)
        require(before and after, f"no load {'after' if before else 'before'} {struck.name}")


def _kept(encoded: bytes) -> bytes:
    return _core.check_policy(encoded).policy or encoded
