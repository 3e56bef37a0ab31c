"""The scenario format as typed records. Profiles are symbols (P1, P2, …), numbered in order of creation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias

Pair: TypeAlias = tuple[str, str]
StateByType: TypeAlias = dict[str, list[str]]
State: TypeAlias = dict[str, StateByType]


class StepCall(StrEnum):
    """The kinds of calls that a step can make."""

    IDENTIFY = "identify"
    LOGIN = "login"
    LOGOUT = "logout"
    TRACK = "track"
    MODIFY = "modify"
    SEARCH = "search"


class OutcomeName(StrEnum):
    """How a call can end: the short names of `utterson.v1.Outcome`."""

    CREATED = "CREATED"
    MATCHED = "MATCHED"
    MERGED = "MERGED"
    UNRESOLVED = "UNRESOLVED"


class DemotionName(StrEnum):
    """Which limit demoted an identifier: the short names of `utterson.v1.DemotionReason`."""

    MERGE_LIMIT = "MERGE_LIMIT"
    VALUE_LIMIT = "VALUE_LIMIT"
    IDENTIFIER_LIMIT = "IDENTIFIER_LIMIT"


class RefusalCode(StrEnum):
    """The status codes by which a call can be refused."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    ABORTED = "ABORTED"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


class Status(StrEnum):
    """Where a scenario's expectations come from."""

    # The vendor's page states the outcome.
    DOCUMENTED = "documented"
    # The vendor's page states the rule; values filled in.
    DOCUMENTED_RULE = "documented_rule"
    INFERRED = "inferred"
    DERIVED = "derived"


class Preset(StrEnum):
    """The presets that a scenario may name as its policy."""

    PROFILE_ISOLATION = "profile_isolation"
    PROFILE_LINK = "profile_link"
    PROFILE_CONVERSION = "profile_conversion"
    DEFAULT = "default"
    BEST_MATCH = "best_match"
    IDENTITY_GRAPH_RULES = "identity_graph_rules"
    UNIFY = "unify"


@dataclass(frozen=True)
class Given:
    """A profile that exists before the first step.

    `further_identifiers` counts identifiers that the file does not list; `created_us` None means at any time.
    """

    profile: str
    identifiers: tuple[Pair, ...]
    merges: int
    further_identifiers: int
    created_us: int | None


@dataclass(frozen=True)
class Expect:
    """What a step must answer.

    `known`, `source_profile` and `changed` are None where the file leaves them free; an explicit null
    `source_profile` is "" and means that there is none. `demoted` holds (type, value, reason).
    """

    error: RefusalCode | None
    outcome: OutcomeName | None
    profile: str | None
    known: bool | None
    source_profile: str | None
    merged: tuple[str, ...]
    demoted: tuple[tuple[str, str, DemotionName], ...]
    blocked: tuple[Pair, ...]
    invalid: tuple[Pair, ...]
    changed: tuple[Pair, ...] | None


@dataclass(frozen=True)
class Step:
    """One call and what it must lead to; `state` None where the file leaves it free.

    `changes` holds (type, old, new), empty for none; times are microseconds since 1970.
    """

    call: StepCall
    time_us: int | None
    previous_profile: str | None
    identifiers: tuple[Pair, ...]
    profile: str | None
    changes: tuple[tuple[str, str, str], ...]
    expect: Expect
    state: State | None
    note: str = ""


@dataclass(frozen=True)
class Scenario:
    """One scenario; `policy` is in protobuf JSON form with short enum names, or the name of a preset."""

    id: str
    title: str
    policy: Mapping[str, Any] | Preset
    given: tuple[Given, ...]
    steps: tuple[Step, ...]
    path: Path = field(default=Path())
    status: Status | None = None


class ScenarioFileError(Exception):
    """The file does not follow the format; the text names the scenario and the step."""
