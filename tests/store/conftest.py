"""A migrated database, a store on it, and a workspace with its genesis entry."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from tests.store.array_format import encode_columns
from utterson.domain.chain import Commit, CommitOutcome, Head, NewWorkspace, WorkspaceKeys
from utterson.engine.core_engine import REQUEST_RETENTION_US
from utterson.settings.database import DatabaseSettings
from utterson.store.migrate import migrate
from utterson.store.open_store import Store, open_store

NOW_US = 1_800_000_000_000_000
# For tests with a time of their own: the database takes it, however far from its clock.
ANY_CLOCK = DatabaseSettings(clock_skew_ms_max=10**13)
# A workspace that no database has.
NOBODY = WorkspaceKeys("nobody", 1, bytes(16), bytes(16), 0, bytes(16), bytes(16))


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    await migrate(database_url)
    opened = await open_store(database_url, ANY_CLOCK, REQUEST_RETENTION_US)
    yield opened
    await opened.close()


@dataclass
class Chain:
    """Appends entries as a lane would, remembering its head."""

    store: Store
    keys: WorkspaceKeys
    head: Head
    made: list[Commit] = field(default_factory=list)

    @property
    def key(self) -> int:
        """The workspace's number in the tables."""
        return self.keys.workspace_key

    def entry(self, columns: dict[int, list[object]] | None = None, *, commit_time_us: int = NOW_US) -> Commit:
        """Make the next entry, without sending it."""
        filled = encode_columns(columns or {})
        seq = self.head.seq + 1
        payload = b"payload %d" % seq
        return Commit(self.keys, seq, os.urandom(16), self.head.id, 1, commit_time_us, bytes(48), 1, payload, filled)

    async def send(self, commit: Commit) -> CommitOutcome:
        """Send an entry; the head follows where it was taken."""
        outcome = await self.store.commits.commit(commit, 5.0)
        if outcome is CommitOutcome.OK:
            self.head = Head(commit.seq, commit.id)
            self.made.append(commit)
        return outcome

    async def append(self, columns: dict[int, list[object]] | None = None, **changed: int) -> Commit:
        """Make and send the next entry, which must be taken."""
        commit = self.entry(columns, **changed)
        assert await self.send(commit) is CommitOutcome.OK
        return commit


@pytest.fixture
async def chain(store: Store) -> Chain:
    return await new_chain(store, "soho")


async def new_chain(store: Store, workspace: str, create_time_us: int = NOW_US) -> Chain:
    """Make a workspace."""
    number = int.from_bytes(os.urandom(7))
    new = NewWorkspace(workspace, number, os.urandom(16), os.urandom(16), os.urandom(16), b"policy", create_time_us)
    assert await store.workspaces.create(new)
    stored = await store.workspaces.get(workspace)
    assert stored is not None
    return Chain(store, stored.keys, Head(0, new.genesis_id))


def created(*serials: int) -> dict[int, list[object]]:
    """Columns that make profiles."""
    return {
        0: list(serials),
        1: [NOW_US + serial for serial in serials],
        2: [0] * len(serials),
        3: [0] * len(serials),
    }


def attached(*rows: tuple[bytes, int, int]) -> dict[int, list[object]]:
    """Columns that attach identifiers: digest, slot, profile."""
    return {
        9: [row[2] for row in rows],
        10: [row[0] for row in rows],
        11: [row[1] for row in rows],
        12: ["email" for _ in rows],
        13: ["ed.hyde@example.com" for _ in rows],
        14: ["Ed.Hyde@example.com" for _ in rows],
        15: [NOW_US for _ in rows],
        16: [20_833 for _ in rows],
    }


def requested(digest: bytes) -> dict[int, list[object]]:
    """Columns that use up a request id."""
    return {33: [digest], 34: [b"fingerprint"], 35: [0], 36: [b"answer of " + digest]}
