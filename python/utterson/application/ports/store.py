"""What the use cases need of the store. Blind to how it keeps things; `main` joins the two.

Every method may raise `StoreFailureError`, classified by what it means for the caller.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from utterson.domain.chain import (
    Commit,
    CommitOutcome,
    Head,
    LogRow,
    NewWorkspace,
    SnapshotHead,
    SnapshotSink,
    StoredPolicy,
    StoredWorkspace,
    WorkspaceKeys,
)
from utterson.domain.rekeying import RekeyProgress
from utterson.domain.rows import (
    EventPosition,
    EventRow,
    HistoryPosition,
    HistoryRow,
    ProfileQuery,
    ProfileRows,
    TraitPageRow,
)
from utterson.domain.soundness import AuditFinding, AuditSink

Sink = TypeVar("Sink", bound=SnapshotSink)
Audited = TypeVar("Audited", bound=AuditSink)


class TailReader(Protocol):
    """Reads the log's newest part."""

    async def __call__(self, after_seq: int, limit: int) -> list[LogRow]:
        """Read at most `limit` entries after one, oldest first."""
        ...


class Commits(Protocol):
    """The writer. A call is one transaction."""

    async def commit(self, commit: Commit, timeout_s: float) -> CommitOutcome:
        """Append one entry and write its effects, all or nothing."""
        ...

    async def commit_locked(
        self, keys: WorkspaceKeys, decide: Callable[[TailReader], Awaitable[Commit | None]], timeout_s: float
    ) -> CommitOutcome:
        """Take the workspace's row, let `decide` catch up and decide, and append what it answers."""
        ...


class Log(Protocol):
    """The log's readers."""

    async def heads(self, workspaces: Sequence[WorkspaceKeys]) -> dict[WorkspaceKeys, Head]:
        """Tell the heads of some workspaces, in one query; one that is gone, or is another one by now, is absent."""
        ...

    async def tail(self, keys: WorkspaceKeys, after_seq: int, limit: int) -> list[LogRow]:
        """Read at most `limit` entries after one, oldest first."""
        ...

    async def entry_id(self, keys: WorkspaceKeys, seq: int) -> bytes | None:
        """Tell who is at a place of the chain."""
        ...

    async def request_answers(self, keys: WorkspaceKeys, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """Read recorded answers by digest."""
        ...


class Snapshots(Protocol):
    """The loader's source."""

    async def load(
        self, workspace: str, begin: Callable[[WorkspaceKeys, SnapshotHead], Sink], timeout_s: float
    ) -> tuple[SnapshotHead, Sink] | None:
        """Feed a workspace's rows to the sink that `begin` makes, all from one snapshot; None where there is none."""
        ...


class Workspaces(Protocol):
    """Workspaces and their policies."""

    async def create(self, new: NewWorkspace) -> bool:
        """Make a workspace; False where the id is taken."""
        ...

    async def get(self, workspace: str) -> StoredWorkspace | None:
        """Tell a workspace and its newest policy."""
        ...

    async def named(self, workspaces: Sequence[str]) -> dict[str, StoredWorkspace]:
        """Tell those of some names that are workspaces, each with its newest policy, in one query."""
        ...

    async def count(self, limit: int) -> int:
        """Count the workspaces, up to a limit."""
        ...

    async def page(self, after: str, limit: int) -> list[StoredWorkspace]:
        """List workspaces by id, after one."""
        ...

    async def policies_page(self, keys: WorkspaceKeys, before_revision: int, limit: int) -> list[StoredPolicy]:
        """List a workspace's policies, newest first, before one."""
        ...


class Profiles(Protocol):
    """The readers behind ProfileService."""

    async def read(
        self, keys: WorkspaceKeys, plan: Callable[[Head], Sequence[ProfileQuery] | None]
    ) -> tuple[Head, ProfileRows | None]:
        """Read rows of profiles in one snapshot with the log's head; `plan` tells what, knowing that head."""
        ...

    async def events_page(
        self, keys: WorkspaceKeys, members: list[int], before: EventPosition, limit: int
    ) -> list[EventRow]:
        """List the events of some members, newest first, before a position."""
        ...

    async def history_page(
        self, keys: WorkspaceKeys, members: list[int], before: HistoryPosition, limit: int
    ) -> list[HistoryRow]:
        """List the decisions that touched some members, newest first, before a position."""
        ...

    async def traits_page(
        self, keys: WorkspaceKeys, members: list[int], after: str | None, limit: int
    ) -> list[TraitPageRow]:
        """List the traits of some members by name, after one, or from the first."""
        ...

    async def entry_ids(self, keys: WorkspaceKeys, seqs: Sequence[int]) -> dict[int, bytes]:
        """Tell the ids of entries of the log by their numbers."""
        ...

    async def raw_values(
        self, keys: WorkspaceKeys, identifiers: Sequence[tuple[bytes, int]]
    ) -> list[tuple[bytes, int, str]]:
        """Tell the values as sent of some identifiers, each a digest and its holder; who is gone is not told."""
        ...


class Maintenance(Protocol):
    """Small, repeatable steps of tidying."""

    async def tend_partitions(self, now_us: int) -> None:
        """Make the log payload's partitions ahead, drop those past the retention."""
        ...

    async def expire_requests(self, now_us: int) -> int:
        """Forget one small batch of old request ids; tells how many went."""
        ...

    async def expire_default_payload(self, now_us: int) -> int:
        """Drop one small batch of old payload outside any day's partition; tells how many went."""
        ...


class DatabaseIdentity(Protocol):
    """Which database this is; its id becomes another one where a part of its history was lost."""

    async def look(self) -> None:
        """Look which database this is; where it shows a restore, it gets a new id."""
        ...

    async def settle(self, seen_id: bytes, *, lost: bool) -> None:
        """Give the database a new id where it lost a part of its history and no other server did it since `seen_id`."""
        ...


class Audits(Protocol):
    """The reader behind the audit."""

    async def read(
        self, keys: WorkspaceKeys, begin: Callable[[SnapshotHead], Audited], timeout_s: float
    ) -> tuple[SnapshotHead, Audited] | None:
        """Feed a workspace's rows to the sink that `begin` makes, all from one snapshot."""
        ...

    async def check(self, keys: WorkspaceKeys, timeout_s: float, *, thorough: bool = True) -> dict[AuditFinding, int]:
        """Count the rows of a workspace that contradict one another."""
        ...


class Rekeying(Protocol):
    """Another key for a table of an older database, while servers commit."""

    @property
    def progress(self) -> RekeyProgress:
        """How far it is."""
        ...

    async def is_due(self) -> bool:
        """Tell whether the table has the old key still."""
        ...

    async def run(self) -> None:
        """Change the key; safe to break off, and to call from many servers at once."""
        ...


class Fitness(Protocol):
    """Whether the database is there, and keeps what it acknowledges."""

    async def check(self, timeout_s: float) -> None:
        """Ask once, for so many seconds at most."""
        ...


class Store(Protocol):
    """All of it."""

    @property
    def commits(self) -> Commits: ...  # noqa: D102 - told by the types
    @property
    def log(self) -> Log: ...  # noqa: D102
    @property
    def snapshots(self) -> Snapshots: ...  # noqa: D102
    @property
    def workspaces(self) -> Workspaces: ...  # noqa: D102
    @property
    def profiles(self) -> Profiles: ...  # noqa: D102
    @property
    def maintenance(self) -> Maintenance: ...  # noqa: D102
    @property
    def audits(self) -> Audits: ...  # noqa: D102
    @property
    def identity(self) -> DatabaseIdentity: ...  # noqa: D102
    @property
    def rekeying(self) -> Rekeying: ...  # noqa: D102
    @property
    def fitness(self) -> Fitness: ...  # noqa: D102
