"""What watching over the states and the tables came to: the findings of the scrub and of the audit."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from utterson.domain.chain import Head


class ScrubFinding(Enum):
    """What a scrub found wrong with a state in memory; the values are the core's names, but for the last."""

    # Rows are not those that were committed.
    SUM = "sum"
    # An identifier is there, and a look-up does not find it.
    ABSENT = "absent"
    # A profile's chain leads to what is not its own.
    CHAIN = "chain"
    # A profile, the index or a shard holds more or less than it counts.
    COUNT = "count"
    # The posting of an identifier and the rows of its holders disagree.
    POSTING = "posting"
    # Two profiles hold an identifier, each for itself alone.
    OWNERS = "owners"
    # Profiles that were joined do not lead to one another.
    MERGE = "merge"
    # The engine broke off while it looked.
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class ScrubStep:
    """One step of a scrub: how many rows it walked, whether a round ended with it, what it found."""

    rows: int
    round_over: bool
    finding: ScrubFinding | None = None


class AuditFinding(Enum):
    """What an audit found wrong with a workspace's tables.

    Of the first group the values are the core's names: found by the hash of the log's head and by the keyed digests.
    The second group is found by SQL: by each audit what is wrong with the log, its effects, policies and request ids,
    the rest where a hash says that something is wrong, to say where to look. What no audit sees: decision 0020.
    """

    # Identifiers, profiles, merges or redirects are not those that were committed.
    GRAPH = "graph"
    TRAITS = "traits"
    EVENTS = "events"
    # An identifier's digest is not that of its type and value.
    VALUE = "value"
    # A row is of a profile that is not there, or a profile was joined into one that is not older.
    PROFILE = "profile"

    # Rows are not what the tables promise: nothing else could be told.
    UNREADABLE = "unreadable"

    # Identifiers of profiles that are not there.
    STRAYS = "strays"
    # Identifiers that several profiles hold, each for itself alone.
    OWNERS = "owners"
    # Profiles that were joined into one that is not there or not older.
    REDIRECTS = "redirects"
    # Numbers below the newest profile's that no profile has.
    GAPS = "gaps"
    # Entries of the log that do not follow the one before.
    ENTRIES = "entries"
    # Entries whose effects are gone though those of older ones are kept.
    PAYLOADS = "payloads"
    # Policies that are not as the log tells, or that this build cannot read.
    POLICIES = "policies"
    # Request ids that a load cannot read, or that are of no entry of the log.
    REQUESTS = "requests"

    @property
    def stops_loading(self) -> bool:
        """Whether a load of the workspace would meet it as well."""
        return self in {
            AuditFinding.GRAPH,
            AuditFinding.TRAITS,
            AuditFinding.PROFILE,
            AuditFinding.UNREADABLE,
            AuditFinding.REQUESTS,
        }


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What an audit of a workspace's tables came to.

    Args:
        head: the entry that the tables were held against.
        rows: how many rows were read.
        findings: what is wrong, each with how often; once where a hash tells only that something is.
    """

    head: Head
    rows: int
    findings: Mapping[AuditFinding, int]


class AuditSink(Protocol):
    """What audits the tables' rows, fed as Postgres binary COPY with chunk borders anywhere."""

    def profiles(self, chunk: bytes) -> None:
        """Take rows of profiles, ordered by serial."""
        ...

    def identifiers(self, chunk: bytes) -> None:
        """Take rows of identifiers, with their values."""
        ...

    def traits(self, chunk: bytes) -> None:
        """Take rows of traits."""
        ...

    def events(self, chunk: bytes) -> None:
        """Take rows of events."""
        ...
