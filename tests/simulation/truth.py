"""What the scripted database holds: all that is durable, in its order, and the tables that it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tests.agreement.twin import LogRow, Tables
from utterson.domain.chain import GENESIS_PREV, GENESIS_STATE_HASH, Commit, NewWorkspace


@dataclass(frozen=True)
class Made:
    """A workspace was made."""

    new: NewWorkspace
    workspace_key: int


Happening: TypeAlias = Made | Commit


@dataclass
class Kept:
    """One workspace and its tables."""

    made: Made
    tables: Tables


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
        self.losses: list[Loss] = []
        # When each entry came to stand: time, key, number, id.
        self.stood: list[tuple[float, int, int, bytes]] = []

    def make(self, new: NewWorkspace, workspace_key: int) -> None:
        """Make a workspace."""
        self._take(Made(new, workspace_key))

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
        self.stood.append((time_s, commit.workspace_key, commit.seq, commit.id))

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

    def _rebuild(self) -> None:
        self.workspaces = rebuilt(self.happenings)


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
        workspaces[happening.workspace_key] = Kept(happening, Tables(genesis, new.policy))
        return
    kept = workspaces[happening.workspace_key]
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
