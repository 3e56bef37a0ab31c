"""A scripted Postgres: the ports of the store, with lock, snapshot, commit and answer as events of their own.

The one file that follows `application/ports/store.py`. What reads of profiles, tidying and audits need is not there:
the simulation makes no such calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import asyncpg

from tests.agreement.loading import copy_bytes, identifier_rows, profile_rows, request_rows, trait_rows
from tests.agreement.twin import LogRow as TwinRow
from tests.agreement.twin import TwinError
from tests.simulation.clients import POISON
from tests.simulation.network import Connection, Session, Weather, bounded
from tests.simulation.truth import Kept, Truth
from utterson.application.ports.store import Commits, Log, Snapshots, Workspaces
from utterson.domain.chain import (
    Commit,
    CommitOutcome,
    Head,
    LogRow,
    NewWorkspace,
    SnapshotHead,
    StoredPolicy,
    StoredWorkspace,
    WorkspaceKeys,
)

LOCK_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 5.0


def _said(error: asyncpg.PostgresError) -> asyncpg.PostgresError:
    """Give an error the severity with which the database tells of a statement that did nothing."""
    error.severity_en = "ERROR"
    return error


@dataclass
class Safeguards:
    """What the database's side of the protocol has; a test takes one out."""

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

    async def lock(self, backend: Backend, workspace_key: int) -> bool:
        """Take a workspace's row for this transaction; False where there is none."""
        if self.safeguards.locks_the_row:
            lock = self._locks.setdefault(workspace_key, asyncio.Lock())
            try:
                await asyncio.wait_for(lock.acquire(), LOCK_TIMEOUT_S)
            except TimeoutError:
                raise _said(asyncpg.LockNotAvailableError("the row is locked")) from None
            backend.holds.add(workspace_key)
        await self.breathe()
        return workspace_key in self.truth.workspaces

    async def write(self, backend: Backend, commit: Commit) -> CommitOutcome:
        """Do what `commit_batch` does, up to the end of the function."""
        if commit.workspace_key not in backend.holds and not await self.lock(backend, commit.workspace_key):
            return CommitOutcome.FENCED
        kept = self.truth.workspaces.get(commit.workspace_key)
        if kept is None:
            return CommitOutcome.FENCED
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
        return CommitOutcome.LOST if log[-1].seq >= commit.seq else CommitOutcome.OK


class ScriptedStore:
    """The store of one replica: every port in one object."""

    def __init__(self, database: Database, session: Session) -> None:
        self._database = database
        self._session = session
        self.commits = self.log = self.snapshots = self.workspaces = self
        self.profiles = self.maintenance = self.audits = self.rekeying = None

    async def _run(self, work: Callable[[], Any], timeout_s: float = READ_TIMEOUT_S) -> Any:
        """Run a query of one statement, on what is committed when it is there."""

        async def now(backend: Backend) -> Any:
            del backend
            return work()

        return await self._bounded(lambda connection: connection.ask(now), timeout_s)

    async def _bounded(self, action: Callable[[Connection], Awaitable[Any]], timeout_s: float) -> Any:
        await self._session.thawed()
        return await bounded(Connection(self._database, self._session), action, timeout_s)

    def _tables(self, workspace_key: int) -> Kept | None:
        return self._database.truth.workspaces.get(workspace_key)

    # Commits

    async def commit(self, commit: Commit, timeout_s: float) -> CommitOutcome:
        """Append one entry and write its effects, all or nothing."""

        async def send(connection: Connection) -> CommitOutcome:
            return await connection.ask(lambda backend: self._database.whole_commit(backend, commit))

        outcome: CommitOutcome = await self._bounded(send, timeout_s)
        return outcome

    async def commit_locked(
        self, workspace_key: int, decide: Callable[[Any], Awaitable[Commit | None]], timeout_s: float
    ) -> CommitOutcome:
        """Take the workspace's row, let `decide` catch up and decide, and append what it answers."""

        async def send(connection: Connection) -> CommitOutcome:
            if not await connection.ask(lambda backend: self._database.lock(backend, workspace_key)):
                return CommitOutcome.FENCED

            async def tail(after_seq: int, limit: int) -> list[LogRow]:
                async def read(backend: Backend) -> list[LogRow]:
                    del backend
                    return self._tail(workspace_key, after_seq, limit)

                return await connection.ask(read)

            commit = await decide(tail)
            outcome = CommitOutcome.OK
            if commit is not None:
                outcome = await connection.ask(lambda backend: self._database.write(backend, commit))
            await connection.ask(self._database.end)
            return outcome

        outcome: CommitOutcome = await self._bounded(send, timeout_s)
        return outcome

    # Log

    async def heads(self, workspace_keys: Sequence[int]) -> dict[int, Head]:
        """Tell the heads of some workspaces, in one query."""

        def read() -> dict[int, Head]:
            found = {key: self._tables(key) for key in workspace_keys}
            return {key: Head(*kept.tables.head[:2]) for key, kept in found.items() if kept is not None}

        heads: dict[int, Head] = await self._run(read)
        return heads

    async def tail(self, workspace_key: int, after_seq: int, limit: int) -> list[LogRow]:
        """Read at most `limit` entries after one, oldest first."""
        rows: list[LogRow] = await self._run(lambda: self._tail(workspace_key, after_seq, limit))
        return rows

    async def entry_id(self, workspace_key: int, seq: int) -> bytes | None:
        """Tell who is at a place of the chain."""

        def read() -> bytes | None:
            kept = self._tables(workspace_key)
            return None if kept is None or seq >= len(kept.tables.log) else kept.tables.log[seq].id

        found: bytes | None = await self._run(read)
        return found

    async def request_answers(self, workspace_key: int, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """Read recorded answers by digest."""

        def read() -> dict[bytes, bytes]:
            kept = self._tables(workspace_key)
            requests = {} if kept is None else kept.tables.requests
            return {digest: requests[digest].answer for digest in digests if digest in requests}

        answers: dict[bytes, bytes] = await self._run(read)
        return answers

    def _tail(self, workspace_key: int, after_seq: int, limit: int) -> list[LogRow]:
        kept = self._tables(workspace_key)
        return [] if kept is None else [_log_row(row) for row in kept.tables.log[after_seq + 1 : after_seq + 1 + limit]]

    # Snapshots

    async def load(self, workspace_key: int, begin: Callable[[SnapshotHead], Any], timeout_s: float) -> Any:
        """Feed a workspace's rows to the sink that `begin` makes, all from one snapshot."""

        def head() -> tuple[SnapshotHead, list[bytes]] | None:
            kept = self._tables(workspace_key)
            if kept is None:
                return None
            row = kept.tables.head
            policy = kept.tables.policies[row.policy_revision]
            told = SnapshotHead(Head(*row[:2]), row.commit_time_us, row.state_hash, row.policy_revision, policy)
            return told, _copied(kept)

        async def read(connection: Connection) -> Any:
            async def first(backend: Backend) -> Any:
                del backend
                return head()

            async def nothing(backend: Backend) -> Any:
                del backend

            found = await connection.ask(first)
            if found is None:
                return None
            sink = begin(found[0])
            one_snapshot = self._database.safeguards.one_snapshot
            for place, take in enumerate((sink.profiles, sink.identifiers, sink.traits, sink.requests)):
                later = await connection.ask(nothing if one_snapshot else first)
                take(found[1][place] if later is None else later[1][place])
            return found[0], sink

        return await self._bounded(read, timeout_s)

    # Workspaces

    async def create(self, new: NewWorkspace) -> bool:
        """Make a workspace; False where the id is taken."""

        def make() -> bool:
            truth = self._database.truth
            if truth.named(new.workspace) is not None:
                return False
            truth.make(new, max(truth.workspaces, default=0) + 1)
            return True

        made: bool = await self._run(make)
        return made

    async def get(self, workspace: str) -> StoredWorkspace | None:
        """Tell a workspace and its newest policy."""

        def read() -> StoredWorkspace | None:
            kept = self._database.truth.named(workspace)
            return None if kept is None else _stored(kept)

        stored: StoredWorkspace | None = await self._run(read)
        return stored

    async def page(self, after: str, limit: int) -> list[StoredWorkspace]:
        """List workspaces by id, after one."""
        raise NotImplementedError

    async def policies_page(self, workspace_key: int, before_revision: int, limit: int) -> list[StoredPolicy]:
        """List a workspace's policies, newest first, before one."""

        def read() -> list[StoredPolicy]:
            kept = self._tables(workspace_key)
            policies = {} if kept is None else kept.tables.policies
            revisions = sorted((number for number in policies if number < before_revision), reverse=True)
            return [StoredPolicy(number, policies[number], 0) for number in revisions[:limit]]

        page: list[StoredPolicy] = await self._run(read)
        return page


def _log_row(row: TwinRow) -> LogRow:
    return LogRow(row.seq, row.id, row.prev, row.policy_revision, row.commit_time_us, row.state_hash, 1, row.payload)


def _copied(kept: Kept) -> list[bytes]:
    tables = kept.tables
    return [copy_bytes(rows(tables)) for rows in (profile_rows, identifier_rows, trait_rows, request_rows)]


def _stored(kept: Kept) -> StoredWorkspace:
    new, revision = kept.made.new, kept.tables.head.policy_revision
    keys = WorkspaceKeys(new.workspace, kept.made.workspace_key, new.digest_key, new.id_key, new.create_time_us)
    return StoredWorkspace(keys, StoredPolicy(revision, kept.tables.policies[revision], 0))


def _ports(store: ScriptedStore) -> tuple[Commits, Log, Snapshots, Workspaces]:
    """Hold the store against the ports: for the type checker, which tells what a changed port asks for."""
    return store, store, store, store
