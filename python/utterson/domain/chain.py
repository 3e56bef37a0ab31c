"""The words of the change log: what the engine makes, the use cases pass on and the store keeps.

Times are microseconds since 1970 (`_us`), days are days since 1970, entry ids and digests are 16 bytes,
state hashes 48 bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Protocol

GENESIS_PREV = bytes(16)
GENESIS_STATE_HASH = bytes(48)
LOG_FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry of a workspace's log, by number and identity: the number alone proves nothing."""

    seq: int
    id: bytes


@dataclass(frozen=True, slots=True)
class Revision:
    """What a revision token names: an entry by number and the first bytes of its id."""

    seq: int
    id_prefix: bytes

    def names(self, entry_id: bytes) -> bool:
        """Tell whether the entry at the number is the one that was meant."""
        return entry_id.startswith(self.id_prefix)


@dataclass(frozen=True, slots=True)
class WorkspaceKeys:
    """Who a workspace is: its number in the tables, what proves it, and the keys of its digests and ids.

    Nothing of it changes while the database loses nothing. `genesis_id` is the id of the log's first entry,
    `database_id` that of the database since it last lost a part of its history; `id_eras` tells where profile ids are
    numbered anew.
    """

    workspace: str
    workspace_key: int
    digest_key: bytes
    id_key: bytes
    create_time_us: int
    genesis_id: bytes
    database_id: bytes
    id_eras: tuple[int, ...] = ()

    @property
    def identity(self) -> bytes:
        """What each commit and each read proves: the number alone may be another workspace's since a restore."""
        return self.genesis_id + self.database_id


@dataclass(frozen=True, slots=True)
class NewWorkspace:
    """A workspace to make, with its first policy; the random parts come from the caller."""

    workspace: str
    workspace_key: int
    digest_key: bytes
    id_key: bytes
    genesis_id: bytes
    policy: bytes
    create_time_us: int


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """A policy as it is kept: encoded, with presets expanded."""

    policy_revision: int
    policy: bytes
    create_time_us: int


@dataclass(frozen=True, slots=True)
class StoredWorkspace:
    """A workspace and the policy in force."""

    keys: WorkspaceKeys
    policy: StoredPolicy


@dataclass(frozen=True, slots=True)
class SnapshotHead:
    """The state that a snapshot of the tables shows; how many rows it has is an estimate, 0 where there is none."""

    head: Head
    commit_time_us: int
    state_hash: bytes
    policy_revision: int
    policy: bytes
    rows_expected: int = 0


@dataclass(frozen=True, slots=True)
class LogRow:
    """One entry of the log as read back; `payload` is None where it was dropped by age."""

    seq: int
    id: bytes
    prev: bytes
    policy_revision: int
    commit_time_us: int
    state_hash: bytes
    format_version: int
    payload: bytes | None


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: a log entry and the columns of its effects, in the order of `commit_batch`.

    Each column is a whole array in Postgres' binary format.
    """

    keys: WorkspaceKeys
    seq: int
    id: bytes
    prev: bytes
    policy_revision: int
    commit_time_us: int
    state_hash: bytes
    format_version: int
    payload: bytes
    columns: Sequence[bytes]


class CommitOutcome(IntEnum):
    """How the compare-and-set on the log's head ended; the numbers are those that `commit_batch` answers."""

    OK = 0
    # Somebody else was first: catch up and decide again.
    LOST = 1
    # The predecessor is not in the chain: history was lost (failover, restore); load anew.
    DIVERGED = 2
    # The workspace asks for a newer format than this build writes.
    FENCED = 3
    # The workspace is gone, is another one, or the database lost a part of its history: find it anew by its name.
    GONE = 4
    # The entry's time is too far from the database's: one of the two clocks is wrong.
    CLOCKS_APART = 5


class FailureKind(Enum):
    """What a database error means for the batch that met it."""

    # Surely nothing was written; catch up and decide again.
    LOST_RACE = "lost race"
    # It may or may not have been written: find out by the entry's id.
    UNKNOWN = "unknown"
    # A table constraint says no: the state does not match the tables.
    DIVERGENCE = "divergence"
    # The database refuses one of the values, and always will.
    POISON = "poison"
    # The database is out of some resource; nothing was written.
    OVERLOAD = "overload"
    # The database takes nothing as it is set up now: read-only, a right or a table is missing; nothing was written.
    REFUSED = "refused"
    # There was no connection; nothing was sent.
    UNREACHABLE = "unreachable"
    # The workspace is gone, or is another one by now; nothing was read.
    GONE = "gone"
    # A time is too far from the database's; nothing was written.
    CLOCKS_APART = "clocks apart"


class StoreFailureError(Exception):
    """A database call failed. Holds no text of the database's: that may quote personal values.

    Args:
        kind: what the failure means.
        code: the SQLSTATE, or the name of the driver's error class.
        constraint: the violated constraint's name, where there is one.
    """

    def __init__(self, kind: FailureKind, code: str, constraint: str = "") -> None:
        super().__init__(f"{kind.value} ({code}{' ' + constraint if constraint else ''})")
        self.kind = kind
        self.code = code
        self.constraint = constraint

    @property
    def wrote_nothing(self) -> bool:
        """Whether it is certain that nothing was written."""
        return self.kind is not FailureKind.UNKNOWN


class StateDivergedError(Exception):
    """The state and the log or the tables disagree: drop the workspace's state and load it anew."""


class HistoryLostError(StateDivergedError):
    """The log does not have what the state stands at: the database lost a part of its history."""


class WorkspaceGoneError(StateDivergedError):
    """The workspace is gone from the database, or is not the one that the state is of."""


class FormatUnknownError(Exception):
    """The log holds an entry of a format that this build does not know: the workspace is not served."""


class EnginePanicError(Exception):
    """The engine broke off in the middle of a call: the state it worked on is not to be trusted any more."""


class SnapshotSink(Protocol):
    """What builds a state from the tables' rows, fed as Postgres binary COPY with chunk borders anywhere."""

    def profiles(self, chunk: bytes) -> None:
        """Take rows of profiles, ordered by serial."""
        ...

    def identifiers(self, chunk: bytes) -> None:
        """Take rows of identifiers."""
        ...

    def traits(self, chunk: bytes) -> None:
        """Take rows of traits."""
        ...

    def requests(self, chunk: bytes) -> None:
        """Take rows of request ids."""
        ...
