"""What the scripted database holds: all that is durable, in its order, and the tables that it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from tests.agreement.twin import LogRow, Tables
from utterson.domain.chain import GENESIS_PREV, GENESIS_STATE_HASH, Commit, NewWorkspace, WorkspaceKeys

# The id that the database has until it loses something.
FIRST_ID = bytes(16)
SERIAL_BITS = 32


@dataclass(frozen=True)
class Made:
    """A workspace was made."""

    new: NewWorkspace


@dataclass(frozen=True)
class Renewed:
    """The database got a new id, and profile ids a new era, since a part of its history was lost.

    `seen_id` is the id with which somebody came: one that is not known here is noted as one that another followed.
    """

    seen_id: bytes | None
    database_id: bytes
    number: int


Happening: TypeAlias = Made | Commit | Renewed


@dataclass
class Kept:
    """One workspace and its tables."""

    made: Made
    tables: Tables
    database_id: bytes = FIRST_ID
    id_eras: list[int] = field(default_factory=list)

    @property
    def keys(self) -> WorkspaceKeys:
        """Who it is."""
        new = self.made.new
        return WorkspaceKeys(
            new.workspace, new.workspace_key, new.digest_key, new.id_key, new.create_time_us, new.genesis_id,
            self.database_id, tuple(self.id_eras),
        )  # fmt: skip


@dataclass(frozen=True)
class Loss:
    """A failover or a restore: at this time the newest happenings went; the tables as they were before."""

    time_s: float
    before: dict[int, Kept]


@dataclass(frozen=True)
class History:
    """All workspaces by name, as they were when their history was cut off, or as they stand."""

    until_s: float
    workspaces: dict[str, Kept]


class Truth:
    """All workspaces of the database."""

    def __init__(self) -> None:
        self.happenings: list[Happening] = []
        self.workspaces: dict[int, Kept] = {}
        # Every id that the database knows of, the newest last.
        self.database_ids: list[bytes] = [FIRST_ID]
        self.losses: list[Loss] = []
        # When each entry came to stand: time, key, number, id.
        self.stood: list[tuple[float, int, int, bytes]] = []

    def make(self, new: NewWorkspace) -> None:
        """Make a workspace."""
        self._take(Made(new))

    def renew(self, seen_id: bytes | None, database_id: bytes, number: int) -> None:
        """Give the database a new id."""
        self._take(Renewed(seen_id, database_id, number))

    def append(self, commit: Commit, time_s: float) -> None:
        """Append an entry and write its effects.

        Raises:
            TwinError: a row does not fit; the tables are as they were.
        """
        try:
            self._take(commit)
        except Exception:
            self._rebuild()
            raise
        self.stood.append((time_s, commit.keys.workspace_key, commit.seq, commit.id))

    def lose(self, count: int, time_s: float, *, keep: int) -> int:
        """Forget the newest happenings, at most down to `keep` of them; tells how many went."""
        kept = max(len(self.happenings) - count, keep)
        lost = len(self.happenings) - kept
        if lost > 0:
            self.losses.append(Loss(time_s, self.workspaces))
            del self.happenings[kept:]
            self._rebuild()
            for key, one in self.workspaces.items():
                self.stood.append((time_s, key, one.tables.head.seq, one.tables.head.id))
        return max(lost, 0)

    def named(self, workspace: str) -> Kept | None:
        """Find a workspace by name."""
        return next((kept for kept in self.workspaces.values() if kept.made.new.workspace == workspace), None)

    def histories(self) -> list[History]:
        """Give every history that ever was: those that were cut off, and the one that stands."""
        cut_off = [History(loss.time_s, _by_name(loss.before)) for loss in self.losses]
        return [*cut_off, History(float("inf"), _by_name(self.workspaces))]

    def _take(self, happening: Happening) -> None:
        take(self.workspaces, happening)
        self.happenings.append(happening)
        if isinstance(happening, Renewed):
            self._note_ids(happening)

    def _rebuild(self) -> None:
        self.workspaces = rebuilt(self.happenings)
        self.database_ids = [FIRST_ID]
        for happening in self.happenings:
            if isinstance(happening, Renewed):
                self._note_ids(happening)

    def _note_ids(self, renewed: Renewed) -> None:
        if renewed.seen_id is not None and renewed.seen_id not in self.database_ids:
            self.database_ids.append(renewed.seen_id)
        self.database_ids.append(renewed.database_id)


def _by_name(workspaces: dict[int, Kept]) -> dict[str, Kept]:
    return {kept.made.new.workspace: kept for kept in workspaces.values()}


def rebuilt(happenings: list[Happening]) -> dict[int, Kept]:
    """Make the tables that a history comes to."""
    workspaces: dict[int, Kept] = {}
    for happening in happenings:
        take(workspaces, happening)
    return workspaces


def take(workspaces: dict[int, Kept], happening: Happening) -> None:
    """Take one more happening into tables."""
    if isinstance(happening, Made):
        new = happening.new
        genesis = LogRow(0, new.genesis_id, GENESIS_PREV, 1, new.create_time_us, GENESIS_STATE_HASH, b"")
        workspaces[new.workspace_key] = Kept(happening, Tables(genesis, new.policy))
        return
    if isinstance(happening, Renewed):
        for kept in workspaces.values():
            kept.database_id = happening.database_id
            kept.id_eras.append((happening.number << SERIAL_BITS) + max(kept.tables.profiles, default=0) + 1)
        return
    kept = workspaces[happening.keys.workspace_key]
    kept.tables.append(log_row(happening), happening.columns)


def log_row(commit: Commit) -> LogRow:
    """Give an entry as the twin keeps it."""
    return LogRow(
        commit.seq,
        commit.id,
        commit.prev,
        commit.policy_revision,
        commit.commit_time_us,
        commit.state_hash,
        commit.payload,
    )
