"""One server process of the simulation: the real core and the real lanes, to be killed, frozen and cut off."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any, cast

from tests.simulation.clients import ReplicaGoneError
from tests.simulation.clockwork import Owner
from tests.simulation.database import CLOCK_SKEW_US_MAX, Database
from tests.simulation.network import Session
from tests.simulation.scripted_store import ScriptedStore
from utterson.application.calls.batch import CallBatch
from utterson.application.calls.identity import IdentityService
from utterson.application.lane.context import LaneContext
from utterson.application.lane.heads import HeadReader
from utterson.application.lane.lanes import Lanes
from utterson.application.lane.poller import poll_heads
from utterson.application.readiness import Readiness
from utterson.application.workspaces.workspaces import WorkspacesService
from utterson.clock import SteadyClock
from utterson.domain.calls import CallKind
from utterson.engine.core_engine import CoreEngine
from utterson.engine.state import State
from utterson.server.refusals import encode_status
from utterson.settings.lanes import LaneSettings

ENGINE = CoreEngine()


class Replica:
    """A server that comes back after it was killed.

    Args:
        number: which one.
        database: what it works on.
        chance: its randomness, for ids of entries.
        limits: its settings.
        start_us: the time of day when the virtual clock stands at 0.
    """

    def __init__(self, number: int, database: Database, chance: Random, limits: LaneSettings, start_us: int) -> None:
        self.number = number
        self.incarnation = 0
        self.clock_off_us = 0
        self.session = Session("")
        self._database = database
        self._chance = chance
        self._limits = limits
        self._start_us = start_us
        self._owner = Owner("")
        self._clock: SteadyClock | None = None
        self._calls: dict[asyncio.Future[bytes], None] = {}
        self._lanes: Lanes | None = None
        self._identity: IdentityService | None = None
        self._workspaces: WorkspacesService | None = None

    @property
    def is_up(self) -> bool:
        """Whether it takes calls."""
        return self._identity is not None

    @property
    def name(self) -> str:
        """Which one, and how often it was started."""
        return f"{self.number}.{self.incarnation}"

    @property
    def is_apart(self) -> bool:
        """Whether its clock is so wrong that the database takes nothing of it: it was started like that."""
        return self._clock is not None and abs(self._clock() - self._database.now_us()) > CLOCK_SKEW_US_MAX

    def now_us(self) -> int:
        """Tell the time of day as its machine believes it."""
        return self._start_us + _steady_us() + self.clock_off_us

    def start(self) -> None:
        """Start the process, with nothing in its memory."""
        self.incarnation += 1
        self._owner = Owner(self.name)
        self.session = Session(self.name)
        self._owner.context.run(self._start)

    def kill(self) -> None:
        """End the process where it is, as `kill -9` does."""
        self.session.kill()
        self._owner.kill()
        self._lanes = self._identity = self._workspaces = None
        for call in list(self._calls):
            if not call.done():
                call.set_exception(ReplicaGoneError())
        self._calls.clear()

    def freeze(self, seconds: float) -> None:
        """Have the process stand still, as SIGSTOP does."""
        self.session.thawed_at_s = asyncio.get_running_loop().time() + seconds

    async def call(self, kind: CallKind, request: bytes) -> bytes:
        """Make a unary call.

        Raises:
            UttersonError: it was refused.
            ReplicaGoneError: the process is or was ended.
        """
        return cast("bytes", await self._outlived(lambda: self._service().resolve(kind, request)))

    async def update_policy(self, workspace: str, policy: bytes) -> None:
        """Change a policy, whatever it is now; raises as `call`."""
        workspaces = self._workspaces
        if workspaces is None:
            raise ReplicaGoneError
        await self._outlived(lambda: workspaces.update_policy(workspace, policy, ""))

    async def state(self, workspace: str, seq: int) -> State:
        """Give a workspace's state in this process's memory, once it holds an entry."""
        assert self._lanes is not None
        lane = await self._lanes.lane(workspace)
        with lane.held():
            await lane.reach(seq)
            assert isinstance(lane.state, State)
            return lane.state

    def _service(self) -> IdentityService:
        if self._identity is None:
            raise ReplicaGoneError
        return self._identity

    async def _outlived(self, make: Any) -> Any:
        """Await something of the process; its end ends the waiting."""
        self._service()
        session = self.session
        await session.thawed()
        # Killed while it stood still: the connection breaks, and nobody there ever saw the call.
        if session.dead:
            raise ReplicaGoneError
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Any] = loop.create_future()
        self._calls[outcome] = None
        try:
            task = loop.create_task(make(), context=self._owner.context.copy())
            task.add_done_callback(lambda done: _pass_on(done, outcome))
            try:
                return await outcome
            except asyncio.CancelledError:
                task.cancel()
                raise
        finally:
            self._calls.pop(outcome, None)

    def _start(self) -> None:
        store = cast("Any", ScriptedStore(self._database, self.session))
        self._clock = SteadyClock(CLOCK_SKEW_US_MAX, self.now_us, _steady_us)
        context = LaneContext(
            engine=ENGINE,
            store=store,
            clock_us=self._clock,
            entropy=self._chance.randbytes,
            limits=self._limits,
            heads=HeadReader(store),
            load_slots=asyncio.Semaphore(3),
        )
        self._lanes = Lanes(context, CallBatch)
        self._identity = IdentityService(self._lanes, context, encode_status)
        self._workspaces = WorkspacesService(self._lanes, context)
        for work in (poll_heads(self._lanes, context), Readiness(context, self._lanes, _told).follow()):
            asyncio.get_running_loop().create_task(work)


async def _told(_ready: bool) -> None:
    """Nobody asks a replica of the simulation for its health."""


def _steady_us() -> int:
    return int(asyncio.get_running_loop().time() * 1_000_000)


def _pass_on(done: asyncio.Task[Any], outcome: asyncio.Future[Any]) -> None:
    if done.cancelled():
        if not outcome.done():
            outcome.set_exception(ReplicaGoneError())
        return
    error = done.exception()
    if outcome.done():
        return
    if error is None:
        outcome.set_result(done.result())
    else:
        outcome.set_exception(error)
