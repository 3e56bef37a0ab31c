"""How statements travel between a replica and the scripted database, and what becomes of them on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, TypeVar

import asyncpg

from utterson.store.sqlstate import classify, deadline_passed

if TYPE_CHECKING:
    from tests.simulation.database import Backend, Database

Result = TypeVar("Result")
IDLE_IN_TRANSACTION_S = 2.0
# The least that is waited.
MOMENT_S = 1e-6


@dataclass
class Weather:
    """How likely each mishap is, a statement each, and how long ways are."""

    way_s: float = 0.002
    lost_request: float = 0.0
    lost_answer: float = 0.0
    cut: float = 0.0
    slow: float = 0.0
    slow_s: float = 8.0

    def way(self, chance: Random) -> float:
        """Draw how long one way takes."""
        return chance.expovariate(1 / self.way_s) + (
            chance.random() * self.slow_s if chance.random() < self.slow else 0
        )


@dataclass
class Session:
    """One replica's process as the database's network sees it."""

    name: str
    dead: bool = False
    thawed_at_s: float = 0.0
    apart_until_s: float = 0.0
    connections: dict[Connection, None] = field(default_factory=dict)

    async def thawed(self) -> None:
        """Wait while the process stands still; for ever where it is dead."""
        loop = asyncio.get_running_loop()
        if self.dead:
            await loop.create_future()
        while (left_s := self.thawed_at_s - loop.time()) > 0:
            # A virtual clock stands still while nobody waits: what is left may be too little to be added to it.
            await asyncio.sleep(max(left_s, MOMENT_S))

    def kill(self) -> None:
        """End the process: its connections break, what the database is at goes on."""
        self.dead = True
        for connection in list(self.connections):
            connection.cut()


def gone() -> asyncpg.PostgresError:
    """Make the error of a connection that broke: what it was at may have been done or not."""
    return asyncpg.ConnectionDoesNotExistError("the connection broke")


class Connection:
    """One connection of a replica; a statement at a time."""

    def __init__(self, database: Database, session: Session) -> None:
        self.backend: Backend = database.backend()
        self._database = database
        self._session = session
        self._broken = False
        self._pending: asyncio.Future[object] | None = None
        self._idle: asyncio.TimerHandle | None = None
        session.connections[self] = None

    async def ask(self, work: Callable[[Backend], Awaitable[Result]]) -> Result:
        """Have the database do something, and wait for what it says."""
        loop = asyncio.get_running_loop()
        await self._session.thawed()
        future: asyncio.Future[object] = loop.create_future()
        self._pending = future
        if self._broken or self._is_apart():
            self._tell(future, gone())
        else:
            statement = loop.create_task(self._serve(work, future), context=Context())
            self._database.statements[statement] = None
            statement.add_done_callback(lambda done: self._database.statements.pop(done, None))
        return await future  # type: ignore[return-value]

    def cut(self) -> None:
        """Break the connection at the replica's end: what is at work goes on, what waits for us is taken back."""
        self._broken = True
        self._session.connections.pop(self, None)
        if self._pending is not None and not self._pending.done():
            self._pending.set_exception(gone())
            self._pending.exception()
        if not self.backend.busy:
            self._database.roll_back(self.backend)

    async def _serve(self, work: Callable[[Backend], Awaitable[Result]], future: asyncio.Future[object]) -> None:
        database, weather, chance = self._database, self._database.weather, self._database.chance
        loop = asyncio.get_running_loop()
        if chance.random() < weather.cut:
            loop.call_later(chance.random() * 6 * weather.way_s, self._break, future)
        try:
            await asyncio.sleep(weather.way(chance))
            if self._idle is not None:
                self._idle.cancel()
            if chance.random() < weather.lost_request or not database.serves(self.backend) or self._is_apart():
                raise gone()
            self.backend.busy = True
            result = await work(self.backend)
        except asyncpg.PostgresError as error:
            self.backend.busy = False
            database.roll_back(self.backend)
            self._tell(future, error)
            return
        except asyncio.CancelledError:
            self._break(future)
            raise
        except Exception as error:
            self._tell(future, error)
            return
        self.backend.busy = False
        if self._broken:
            database.roll_back(self.backend)
        elif self.backend.holds:
            self._idle = loop.call_later(IDLE_IN_TRANSACTION_S, database.roll_back, self.backend)
        if chance.random() < weather.lost_answer or self._is_apart():
            self._break(future)
        else:
            self._tell(future, result)

    def _is_apart(self) -> bool:
        return asyncio.get_running_loop().time() < self._session.apart_until_s

    def _break(self, future: asyncio.Future[object]) -> None:
        self._broken = True
        self._tell(future, gone())

    def _tell(self, future: asyncio.Future[object], result: object) -> None:
        """Bring an answer back; it lies there while the process stands still."""
        loop = asyncio.get_running_loop()
        back_s = loop.time() + self._database.weather.way(self._database.chance)
        loop.call_at(max(back_s, self._session.thawed_at_s), _settle, future, result)


def _settle(future: asyncio.Future[object], result: object) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


async def bounded(
    connection: Connection, action: Callable[[Connection], Awaitable[Result]], timeout_s: float
) -> Result:
    """Do as the store's pool does: wait until the deadline, then cut the connection; never cancel what is at work."""
    task = asyncio.ensure_future(action(connection))
    try:
        await asyncio.wait({task}, timeout=timeout_s)
    finally:
        connection.cut()
    if not task.done():
        await asyncio.wait({task}, timeout=1.0)
        task.cancel()
        raise deadline_passed()
    error = task.exception()
    if isinstance(error, asyncpg.PostgresError):
        raise classify(error) from None
    return task.result()
