"""What callers hand in besides texts and numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

from utterson.client.values import JsonValue
from utterson.v1 import resolution_pb2


class CallOptions(TypedDict, total=False):
    """What every call of the identity service may carry besides its own fields.

    Keys:
        previous_profile_id: the profile that the caller was last told.
        event_time: when it happened, with a time zone; absent means now, by the server's clock.
        request_id: makes the call repeatable; absent means a new random one, kept over the call's retries.
        validate_only: answer what the call would do, and change nothing.
        explain: tell the rounds, checks and the rule that decided.
        consistency: how fresh an answer that changes nothing must be.
        timeout_s: the deadline over all attempts, in seconds.
    """

    previous_profile_id: int
    event_time: datetime
    request_id: str
    validate_only: bool
    explain: bool
    consistency: resolution_pb2.Consistency.ValueType
    timeout_s: float


class SearchOptions(TypedDict, total=False):
    """What a Search may carry: it never writes, so it has no time, no id and no dry run (see CallOptions)."""

    previous_profile_id: int
    explain: bool
    consistency: resolution_pb2.Consistency.ValueType
    timeout_s: float


@dataclass(frozen=True, slots=True)
class IdentifierChange:
    """One change of a Modify: old empty = add, new empty = remove, both = change (rule I7)."""

    type: str
    old_value: str = ""
    new_value: str = ""


@dataclass(frozen=True, slots=True)
class ImportedProfile:
    """One profile of an existing graph; `create_time` None means now."""

    identifiers: Sequence[tuple[str, str]]
    traits: Mapping[str, JsonValue] = field(default_factory=dict)
    create_time: datetime | None = None
    merges: int = 0
