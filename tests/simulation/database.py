"""A scripted Postgres: lock, snapshot, commit and answer are events of their own."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import asyncpg

from tests.agreement.twin import TwinError
from tests.model.generate import START_US
from tests.simulation.clients import POISON
from tests.simulation.network import Weather
from tests.simulation.truth import SERIAL_BITS, Kept, Truth
from utterson.domain.chain import Commit, CommitOutcome, WorkspaceKeys

LOCK_TIMEOUT_S = 2.0
CLOCK_SKEW_US_MAX = 300_000_000
ERA_NUMBER_MAX = 2**20 - 1


def _said(error: asyncpg.PostgresError) -> asyncpg.PostgresError:
    """Give an error the severity with which the database tells of a statement that did nothing."""
    error.severity_en = "ERROR"
    return error


@dataclass
class Safeguards:
    """What the database's side of the protocol has; a test takes one out."""

    proves_the_workspace: bool = True
    compares_predecessor: bool = True
    compares_identity: bool = True
    locks_the_row: bool = True
    one_snapshot: bool = True


@dataclass(eq=False)
class Backend:
    """The server's end of a connection."""

    generation: int
    busy: bool = False
    aborted: bool = False
    holds: set[int] = field(default_factory=set)
    written: Commit | None = None


class Database:
    """The server that all replicas share.

    Args:
        chance: decides how long things take and what is lost.
        weather: how likely that is.
        safeguards: what the server checks.
    """

    def __init__(self, chance: Random, weather: Weather, safeguards: Safeguards) -> None:
        self.truth = Truth()
        self.chance = chance
        self.weather = weather
        self.safeguards = safeguards
        self.statements: dict[asyncio.Task[Any], None] = {}
        self.up = True
        # Whether a loss shows to whoever connects first: by the timeline, or by a log that is shorter than it was.
        self.shows_loss = False
        self._generation = 0
        self._locks: dict[int, asyncio.Lock] = {}

    def backend(self) -> Backend:
        """Give a new connection its process."""
        return Backend(self._generation)

    def serves(self, backend: Backend) -> bool:
        """Tell whether the server is up and still the one that the connection was made to."""
        return self.up and backend.generation == self._generation and not backend.aborted

    def crash(self) -> None:
        """End every statement that is at work: what was not committed is gone."""
        self.up = False
        self._generation += 1
        self._locks = {}
        for statement in list(self.statements):
            statement.cancel()

    def now_us(self) -> int:
        """Tell the server's time of day, which is right."""
        return START_US + int(asyncio.get_running_loop().time() * 1_000_000)

    def proven(self, keys: WorkspaceKeys) -> Kept | None:
        """Give a workspace; None where it is another one by now, or the database has another id."""
        kept = self.truth.workspaces.get(keys.workspace_key)
        if kept is None or not self.safeguards.proves_the_workspace:
            return kept
        return kept if kept.keys.identity == keys.identity else None

    async def look(self, backend: Backend, known_id: bytes | None) -> bytes:
        """Tell the database's id, a new one where it shows that it lost something."""
        return await self.renew(backend, known_id, lost=False)

    async def renew(self, backend: Backend, seen_id: bytes | None, *, lost: bool) -> bytes:
        """Do what `renew_database` does; tells the id."""
        if self._lost(seen_id, lost=lost):
            for workspace_key in list(self.truth.workspaces):
                await self.lock(backend, workspace_key)
            if self._lost(seen_id, lost=lost):
                self.truth.renew(seen_id, self.chance.randbytes(16), self._era_number())
                self.shows_loss = False
            self._release(backend)
        return self.truth.database_ids[-1]

    async def lock(self, backend: Backend, workspace_key: int) -> None:
        """Take a workspace's row for this transaction."""
        if self.safeguards.locks_the_row:
            lock = self._locks.setdefault(workspace_key, asyncio.Lock())
            try:
                await asyncio.wait_for(lock.acquire(), LOCK_TIMEOUT_S)
            except TimeoutError:
                raise _said(asyncpg.LockNotAvailableError("the row is locked")) from None
            backend.holds.add(workspace_key)
        await self.breathe()

    async def write(self, backend: Backend, commit: Commit) -> CommitOutcome:
        """Do what `commit_batch` does, up to the end of the function."""
        if commit.keys.workspace_key not in backend.holds:
            await self.lock(backend, commit.keys.workspace_key)
        kept = self.proven(commit.keys)
        if kept is None:
            return CommitOutcome.GONE
        outcome = self._compared(kept, commit)
        await self.breathe()
        if POISON.encode() in commit.payload:
            raise _said(asyncpg.CharacterNotInRepertoireError("no such character"))
        if outcome is CommitOutcome.OK:
            backend.written = commit
        return outcome

    async def end(self, backend: Backend) -> None:
        """Commit the transaction: from one moment to the next it stands and is seen, then the locks are free."""
        await self.breathe()
        if backend.aborted:
            raise asyncpg.IdleInTransactionSessionTimeoutError("the transaction was ended")
        written, backend.written = backend.written, None
        if written is not None:
            try:
                self.truth.append(written, asyncio.get_running_loop().time())
            except TwinError as error:
                raise _said(asyncpg.UniqueViolationError(str(error))) from None
        await self.breathe()
        self._release(backend)

    async def whole_commit(self, backend: Backend, commit: Commit) -> CommitOutcome:
        """Write and commit in one statement."""
        outcome = await self.write(backend, commit)
        await self.end(backend)
        return outcome

    def roll_back(self, backend: Backend) -> None:
        """Take a transaction back."""
        if backend.generation == self._generation:
            backend.aborted = bool(backend.holds)
            backend.written = None
            self._release(backend)

    async def breathe(self) -> None:
        """Let others have a go between two steps."""
        await asyncio.sleep(self.weather.way(self.chance) * 0.3)

    def _release(self, backend: Backend) -> None:
        for workspace_key in backend.holds:
            with suppress(RuntimeError, KeyError):
                self._locks[workspace_key].release()
        backend.holds.clear()

    def _compared(self, kept: Kept, commit: Commit) -> CommitOutcome:
        log = kept.tables.log
        before = log[commit.seq - 1].id if 0 < commit.seq <= len(log) else None
        if self.safeguards.compares_predecessor:
            is_there = before == commit.prev if self.safeguards.compares_identity else before is not None
            if not is_there:
                return CommitOutcome.DIVERGED
        if log[-1].seq >= commit.seq:
            return CommitOutcome.LOST
        now_us, before_us = self.now_us(), log[-1].commit_time_us
        latest_us = max(now_us + CLOCK_SKEW_US_MAX, before_us + 1)
        is_near = now_us - CLOCK_SKEW_US_MAX <= commit.commit_time_us <= latest_us
        return CommitOutcome.OK if is_near else CommitOutcome.CLOCKS_APART

    def _lost(self, seen_id: bytes | None, *, lost: bool) -> bool:
        """Tell whether a new id is due: somebody saw a loss, and nobody has given one since."""
        ids = self.truth.database_ids
        is_unknown = seen_id is not None and seen_id not in ids
        return self.shows_loss or is_unknown or (lost and seen_id == ids[-1])

    def _era_number(self) -> int:
        had = {era >> SERIAL_BITS for kept in self.truth.workspaces.values() for era in kept.id_eras}
        while (number := self.chance.randint(1, ERA_NUMBER_MAX)) in had:
            pass
        return number
