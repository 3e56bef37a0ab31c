"""The store of a simulated replica: the ports, played on the scripted database.

The one file that follows `application/ports/store.py`. What reads of profiles, tidying and audits need is not there:
the simulation makes no such calls.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from tests.agreement.loading import copy_bytes, identifier_rows, profile_rows, request_rows, trait_rows
from tests.agreement.twin import LogRow as TwinRow
from tests.simulation.database import Backend, Database
from tests.simulation.network import Connection, Session, bounded
from tests.simulation.truth import Kept
from utterson.application.ports.store import Commits, DatabaseIdentity, Log, Snapshots, Workspaces
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
from utterson.store.sqlstate import CERTAIN_SEVERITY, WORKSPACE_GONE

READ_TIMEOUT_S = 5.0


class ScriptedStore:
    """The store of one replica: every port in one object."""

    def __init__(self, database: Database, session: Session) -> None:
        self._database = database
        self._session = session
        self.commits = self.log = self.snapshots = self.workspaces = self.identity = self.fitness = self
        self.profiles = self
        self.maintenance = self.audits = self.rekeying = None
        # What the process knows of its database, and since which of its starts.
        self._known_id: bytes | None = None
        self._looked_at: int | None = None

    async def _run(self, work: Callable[[], Any], timeout_s: float = READ_TIMEOUT_S) -> Any:
        """Run a query of one statement, on what is committed when it is there."""

        async def now(backend: Backend) -> Any:
            del backend
            return work()

        return await self._bounded(lambda connection: connection.ask(now), timeout_s)

    async def _bounded(self, action: Callable[[Connection], Awaitable[Any]], timeout_s: float) -> Any:
        """As the pool does it: on a server that is new to this process, it is looked which database that is."""

        async def looked(connection: Connection) -> Any:
            if connection.backend.generation != self._looked_at:
                await self._look(connection)
                self._looked_at = connection.backend.generation
            return await action(connection)

        await self._session.thawed()
        return await bounded(Connection(self._database, self._session), looked, timeout_s)

    async def _look(self, connection: Connection) -> None:
        self._known_id = await connection.ask(lambda backend: self._database.look(backend, self._known_id))

    def _proven(self, keys: WorkspaceKeys) -> Kept:
        kept = self._database.proven(keys)
        if kept is None:
            raise asyncpg.PostgresError.new({"C": WORKSPACE_GONE, "V": CERTAIN_SEVERITY, "M": "gone"})
        return kept

    # Commits

    async def commit(self, commit: Commit, timeout_s: float) -> CommitOutcome:
        """Append one entry and write its effects, all or nothing."""

        async def send(connection: Connection) -> CommitOutcome:
            return await connection.ask(lambda backend: self._database.whole_commit(backend, commit))

        outcome: CommitOutcome = await self._bounded(send, timeout_s)
        return outcome

    async def commit_locked(
        self, keys: WorkspaceKeys, decide: Callable[[Any], Awaitable[Commit | None]], timeout_s: float
    ) -> CommitOutcome:
        """Take the workspace's row, let `decide` catch up and decide, and append what it answers."""

        async def send(connection: Connection) -> CommitOutcome:
            await connection.ask(lambda backend: self._database.lock(backend, keys.workspace_key))
            if self._database.proven(keys) is None:
                return CommitOutcome.GONE

            async def tail(after_seq: int, limit: int) -> list[LogRow]:
                async def read(backend: Backend) -> list[LogRow]:
                    del backend
                    return self._tail(keys, after_seq, limit)

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

    async def heads(self, workspaces: Sequence[WorkspaceKeys]) -> dict[WorkspaceKeys, Head]:
        """Tell the heads of some workspaces, in one query."""

        def read() -> dict[WorkspaceKeys, Head]:
            found = {keys: self._database.proven(keys) for keys in workspaces}
            return {keys: Head(*kept.tables.head[:2]) for keys, kept in found.items() if kept is not None}

        heads: dict[WorkspaceKeys, Head] = await self._run(read)
        return heads

    async def tail(self, keys: WorkspaceKeys, after_seq: int, limit: int) -> list[LogRow]:
        """Read at most `limit` entries after one, oldest first."""
        rows: list[LogRow] = await self._run(lambda: self._tail(keys, after_seq, limit))
        return rows

    async def entry_id(self, keys: WorkspaceKeys, seq: int) -> bytes | None:
        """Tell who is at a place of the chain: by the genesis alone."""

        def read() -> bytes | None:
            kept = self._database.truth.workspaces.get(keys.workspace_key)
            if kept is None or kept.made.new.genesis_id != keys.genesis_id or seq >= len(kept.tables.log):
                return None
            return kept.tables.log[seq].id

        found: bytes | None = await self._run(read)
        return found

    async def request_answers(self, keys: WorkspaceKeys, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """Read recorded answers by digest."""

        def read() -> dict[bytes, bytes]:
            requests = self._proven(keys).tables.requests
            return {digest: requests[digest].answer for digest in digests if digest in requests}

        answers: dict[bytes, bytes] = await self._run(read)
        return answers

    def _tail(self, keys: WorkspaceKeys, after_seq: int, limit: int) -> list[LogRow]:
        log = self._proven(keys).tables.log
        return [_log_row(row) for row in log[after_seq + 1 : after_seq + 1 + limit]]

    # Snapshots

    async def load(self, workspace: str, begin: Callable[[WorkspaceKeys, SnapshotHead], Any], timeout_s: float) -> Any:
        """Feed a workspace's rows to the sink that `begin` makes, all from one snapshot."""

        def head() -> tuple[WorkspaceKeys, SnapshotHead, list[bytes]] | None:
            kept = self._database.truth.named(workspace)
            if kept is None:
                return None
            row = kept.tables.head
            policy = kept.tables.policies[row.policy_revision]
            told = SnapshotHead(Head(*row[:2]), row.commit_time_us, row.state_hash, row.policy_revision, policy)
            return kept.keys, told, _copied(kept)

        async def read(connection: Connection) -> Any:
            async def first(backend: Backend) -> Any:
                del backend
                return head()

            async def nothing(backend: Backend) -> Any:
                del backend

            found = await connection.ask(first)
            if found is None:
                return None
            keys, told, rows = found
            sink = begin(keys, told)
            one_snapshot = self._database.safeguards.one_snapshot
            for place, take in enumerate((sink.profiles, sink.identifiers, sink.traits, sink.requests)):
                later = await connection.ask(nothing if one_snapshot else first)
                take(rows[place] if later is None else later[2][place])
            return told, sink

        return await self._bounded(read, timeout_s)

    # Profiles

    async def raw_values(
        self, keys: WorkspaceKeys, identifiers: Sequence[tuple[bytes, int]]
    ) -> list[tuple[bytes, int, str]]:
        """Tell the values as sent of some identifiers; who is gone is not told."""

        def read() -> list[tuple[bytes, int, str]]:
            held = self._proven(keys).tables.identifiers
            rows = ((digest, profile, held.get((profile, digest))) for digest, profile in identifiers)
            return [(digest, profile, row.raw_value) for digest, profile, row in rows if row is not None]

        values: list[tuple[bytes, int, str]] = await self._run(read)
        return values

    # Workspaces

    async def create(self, new: NewWorkspace) -> bool:
        """Make a workspace; False where the id is taken."""

        def make() -> bool:
            truth = self._database.truth
            if truth.named(new.workspace) is not None:
                return False
            truth.make(new)
            return True

        made: bool = await self._run(make)
        return made

    async def get(self, workspace: str) -> StoredWorkspace | None:
        """Tell a workspace and its newest policy."""
        return (await self.named([workspace])).get(workspace)

    async def named(self, workspaces: Sequence[str]) -> dict[str, StoredWorkspace]:
        """Tell those of some names that are workspaces."""

        def read() -> dict[str, StoredWorkspace]:
            found = {name: self._database.truth.named(name) for name in workspaces}
            return {name: _stored(kept) for name, kept in found.items() if kept is not None}

        stored: dict[str, StoredWorkspace] = await self._run(read)
        return stored

    async def count(self, limit: int) -> int:
        """Count the workspaces, up to a limit."""
        counted: int = await self._run(lambda: min(len(self._database.truth.workspaces), limit))
        return counted

    async def page(self, after: str, limit: int) -> list[StoredWorkspace]:
        """List workspaces by id, after one."""
        raise NotImplementedError

    async def policies_page(self, keys: WorkspaceKeys, before_revision: int, limit: int) -> list[StoredPolicy]:
        """List a workspace's policies, newest first, before one."""

        def read() -> list[StoredPolicy]:
            policies = self._proven(keys).tables.policies
            revisions = sorted((number for number in policies if number < before_revision), reverse=True)
            return [StoredPolicy(number, policies[number], 0) for number in revisions[:limit]]

        page: list[StoredPolicy] = await self._run(read)
        return page

    # The database's identity

    async def look(self) -> None:
        """Look which database this is; where it shows a restore, it gets a new id."""
        await self._bounded(self._look, READ_TIMEOUT_S)

    async def check(self, timeout_s: float) -> None:
        """Ask whether the database is there."""
        await self._run(lambda: None, timeout_s)

    async def settle(self, seen_id: bytes, *, lost: bool) -> None:
        """Give the database a new id where it lost a part of its history and no other server did it since."""

        async def send(connection: Connection) -> None:
            self._known_id = await connection.ask(lambda backend: self._database.renew(backend, seen_id, lost=lost))

        await self._bounded(send, READ_TIMEOUT_S)


def _log_row(row: TwinRow) -> LogRow:
    return LogRow(row.seq, row.id, row.prev, row.policy_revision, row.commit_time_us, row.state_hash, 1, row.payload)


def _copied(kept: Kept) -> list[bytes]:
    tables = kept.tables
    return [copy_bytes(rows(tables)) for rows in (profile_rows, identifier_rows, trait_rows, request_rows)]


def _stored(kept: Kept) -> StoredWorkspace:
    revision = kept.tables.head.policy_revision
    return StoredWorkspace(kept.keys, StoredPolicy(revision, kept.tables.policies[revision], 0))


def _ports(store: ScriptedStore) -> tuple[Commits, Log, Snapshots, Workspaces, DatabaseIdentity]:
    """Hold the store against the ports: for the type checker, which tells what a changed port asks for."""
    return store, store, store, store, store
