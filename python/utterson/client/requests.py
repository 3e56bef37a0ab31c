"""What callers hand in, and how it becomes the API's messages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias, TypedDict

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from utterson.v1 import identifier_pb2, resolution_pb2

# (type, value) pairs, in the order of the call.
Identifiers: TypeAlias = Iterable[tuple[str, str]]
JsonValue: TypeAlias = bool | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"] | None


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


def identifier_messages(identifiers: Identifiers) -> list[identifier_pb2.Identifier]:
    """Make the messages of (type, value) pairs."""
    return [identifier_pb2.Identifier(type=name, value=value) for name, value in identifiers]


def change_messages(changes: Iterable[IdentifierChange]) -> list[identifier_pb2.Change]:
    """Make the messages of changes."""
    return [
        identifier_pb2.Change(type=change.type, old_value=change.old_value, new_value=change.new_value)
        for change in changes
    ]


def struct_message(values: Mapping[str, JsonValue] | None) -> Struct | None:
    """Make a Struct; None stays absent. Numbers are doubles: give number-like ids as strings."""
    return None if values is None else json_format.ParseDict(dict(values), Struct())


def time_message(time: datetime | None) -> Timestamp | None:
    """Make a Timestamp; None stays absent.

    Raises:
        ValueError: the time has no time zone.
    """
    if time is None:
        return None
    if time.tzinfo is None:
        raise ValueError("a time needs a time zone")
    message = Timestamp()
    message.FromDatetime(time)
    return message
