"""What goes into the model and what comes out: calls, answers, refusals, explanations.

Profiles are ordinals 1, 2, 3, ... in order of creation; a caller maps them to server ids.
Times are microseconds since 1970 (`_us`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
Traits: TypeAlias = dict[str, "JsonValue"]
Identifier: TypeAlias = tuple[str, str]


class Kind(Enum):
    """The kinds of calls that the hot path knows."""

    IDENTIFY = "IDENTIFY"
    LOGIN = "LOGIN"
    LOGOUT = "LOGOUT"
    TRACK = "TRACK"
    MODIFY = "MODIFY"
    SEARCH = "SEARCH"


class Outcome(Enum):
    """How a call ended."""

    CREATED = "CREATED"
    MATCHED = "MATCHED"
    MERGED = "MERGED"
    UNRESOLVED = "UNRESOLVED"


class Disposition(Enum):
    """What happened to one identifier of a call; in a Search what an Identify would do with it."""

    BLOCKED = "BLOCKED"
    IGNORED_TYPE = "IGNORED_TYPE"
    INVALID = "INVALID"
    DROPPED = "DROPPED"
    DEMOTED = "DEMOTED"
    MATCHED = "MATCHED"
    ATTACHED = "ATTACHED"
    KEPT_IMMUTABLE = "KEPT_IMMUTABLE"
    HELD_BY_OTHER = "HELD_BY_OTHER"


class InvalidReason(Enum):
    """Why a value cannot be an identifier's (C1, C2)."""

    UNSPECIFIED = "UNSPECIFIED"
    EMPTY = "EMPTY"
    CONTROL_CHARACTER = "CONTROL_CHARACTER"
    FORMAT_CHARACTER = "FORMAT_CHARACTER"
    UNASSIGNED_CHARACTER = "UNASSIGNED_CHARACTER"
    TOO_LONG = "TOO_LONG"
    NOT_A_PHONE_NUMBER = "NOT_A_PHONE_NUMBER"


class DemotionReason(Enum):
    """Which limit demoted an identifier (M7)."""

    UNSPECIFIED = "UNSPECIFIED"
    MERGE_LIMIT = "MERGE_LIMIT"
    VALUE_LIMIT = "VALUE_LIMIT"
    IDENTIFIER_LIMIT = "IDENTIFIER_LIMIT"


class Code(Enum):
    """The gRPC status codes that a rule can end with."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    NOT_FOUND = "NOT_FOUND"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    ABORTED = "ABORTED"


class Reason(Enum):
    """The part of the closed list of reasons that follows from the rules."""

    FIELD_INVALID = "FIELD_INVALID"
    NO_USABLE_IDENTIFIER = "NO_USABLE_IDENTIFIER"
    LOGIN_IDENTIFIER_REQUIRED = "LOGIN_IDENTIFIER_REQUIRED"
    TWO_VALUES_OF_UNIQUE_TYPE = "TWO_VALUES_OF_UNIQUE_TYPE"
    TYPE_REJECTED = "TYPE_REJECTED"
    EMPTY_CHANGE = "EMPTY_CHANGE"
    POLICY_INVALID = "POLICY_INVALID"
    PROFILE_NOT_FOUND = "PROFILE_NOT_FOUND"
    NO_MATCH = "NO_MATCH"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    IMMUTABLE_IDENTIFIER = "IMMUTABLE_IDENTIFIER"
    IDENTIFIERS_HELD_BY_OTHERS = "IDENTIFIERS_HELD_BY_OTHERS"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    POLICY_CHANGE_FORBIDDEN = "POLICY_CHANGE_FORBIDDEN"
    ETAG_MISMATCH = "ETAG_MISMATCH"


CODE_OF_REASON = {
    Reason.FIELD_INVALID: Code.INVALID_ARGUMENT,
    Reason.NO_USABLE_IDENTIFIER: Code.INVALID_ARGUMENT,
    Reason.LOGIN_IDENTIFIER_REQUIRED: Code.INVALID_ARGUMENT,
    Reason.TWO_VALUES_OF_UNIQUE_TYPE: Code.INVALID_ARGUMENT,
    Reason.TYPE_REJECTED: Code.INVALID_ARGUMENT,
    Reason.EMPTY_CHANGE: Code.INVALID_ARGUMENT,
    Reason.POLICY_INVALID: Code.INVALID_ARGUMENT,
    Reason.PROFILE_NOT_FOUND: Code.NOT_FOUND,
    Reason.NO_MATCH: Code.NOT_FOUND,
    Reason.REQUEST_ID_REUSED: Code.FAILED_PRECONDITION,
    Reason.IMMUTABLE_IDENTIFIER: Code.FAILED_PRECONDITION,
    Reason.IDENTIFIERS_HELD_BY_OTHERS: Code.FAILED_PRECONDITION,
    Reason.LIMIT_EXCEEDED: Code.FAILED_PRECONDITION,
    Reason.POLICY_CHANGE_FORBIDDEN: Code.FAILED_PRECONDITION,
    Reason.ETAG_MISMATCH: Code.ABORTED,
}


class RefusedError(Exception):
    """Raised inside the model; `Model` turns it into a `Refusal`."""

    def __init__(self, reason: Reason, message_index: int | None = None) -> None:
        super().__init__(reason.name)
        self.reason = reason
        self.message_index = message_index


@dataclass(frozen=True)
class Refusal:
    """A call that was refused and changed nothing; `message_index` is told for imports only."""

    code: str
    reason: str
    message_index: int | None = None


@dataclass(frozen=True)
class Event:
    """What a Track call carries."""

    name: str = ""
    properties: Traits | None = None
    message_id: str = ""


@dataclass(frozen=True)
class Call:
    """One call of the hot path; `changes` are (type, old, new), an empty text standing for none."""

    kind: Kind
    identifiers: tuple[Identifier, ...] = ()
    previous_profile: int = 0
    event_time_us: int | None = None
    now_us: int = 0
    request_id: str = ""
    validate_only: bool = False
    explain: bool = False
    traits: Traits | None = None
    event: Event | None = None
    profile: int = 0
    changes: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class ImportMessage:
    """One profile of an existing graph (ImportProfiles)."""

    identifiers: tuple[Identifier, ...]
    traits: Traits | None = None
    create_time_us: int | None = None
    merges: int = 0


@dataclass(frozen=True)
class Check:
    """One check of one rule: the figure found, the limit (0 where none), the verdict."""

    rule: str
    figure: int
    limit: int
    passed: bool


@dataclass(frozen=True)
class Demotion:
    """One identifier (as sent) taken off the call by a limit, in a round from 1."""

    type: str
    value: str
    reason: DemotionReason
    round: int


@dataclass(frozen=True)
class Round:
    """One round of matching; identifiers as sent, most trusted first; `found`: (profile, identifier), at most 100."""

    round: int
    looked_for: tuple[Identifier, ...]
    found: tuple[tuple[int, Identifier], ...]
    found_count: int
    checks: tuple[Check, ...] = ()
    demoted: Demotion | None = None


@dataclass(frozen=True)
class Explanation:
    """Why a call ended as it did (C10)."""

    rounds: tuple[Round, ...] = ()
    decided_by: str = ""


@dataclass(frozen=True)
class IdentifierResult:
    """What became of one identifier, told as sent; `replaced` left the profile for it (I5), as first sent."""

    type: str
    value: str
    disposition: Disposition
    reason: DemotionReason = DemotionReason.UNSPECIFIED
    invalid_reason: InvalidReason = InvalidReason.UNSPECIFIED
    replaced: tuple[Identifier, ...] = ()


@dataclass(frozen=True)
class ChangeResult:
    """One (type, profile) whose values a Modify really changed."""

    type: str
    profile: int
    now_orphaned: bool


@dataclass(frozen=True)
class Answer:
    """The answer to one call; `warnings` is a count, the texts are free.

    `event_time_adjusted_us` is the time that was taken instead of one too far ahead (C11).
    """

    outcome: Outcome
    profile: int
    known: bool = False
    source_profile: int = 0
    merged: tuple[int, ...] = ()
    identifiers: tuple[IdentifierResult, ...] = ()
    demoted: tuple[Demotion, ...] = ()
    changes: tuple[ChangeResult, ...] = ()
    warnings: int = 0
    decided_by: str = ""
    policy_revision: int = 1
    event_time_adjusted_us: int | None = None
    explanation: Explanation | None = field(default=None)


@dataclass(frozen=True)
class PolicyAnswer:
    """The answer to a change of policy."""

    policy_revision: int
    warnings: int
