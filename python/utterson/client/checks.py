"""Callers' lists, options and settings, each checked before anything of a call is sent.

What a call carries without a type checker at hand comes in every shape. A protobuf message, a loop or a sum would raise
a TypeError that names no field, or take the value for another; here it is a FieldError that says what to give.
"""

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from google.protobuf.timestamp_pb2 import Timestamp

from utterson.client.requests import CallOptions, SearchOptions
from utterson.client.values import FieldError, text, time_message, whole_number
from utterson.v1 import resolution_pb2

Item = TypeVar("Item")

NO_YES_OR_NO: Final = "must be True or False"
NO_SECONDS: Final = "must be a number of seconds, such as 2.5"
NO_CONSISTENCY: Final = "must be one of the enum, such as resolution_pb2.CONSISTENCY_STRONG"


@dataclass(frozen=True, slots=True)
class CheckedOptions:
    """The options of a call as its message takes them; `request_id` is empty where the caller names none."""

    previous_profile_id: int
    event_time: Timestamp | None
    request_id: str
    validate_only: bool
    explain: bool
    consistency: resolution_pb2.Consistency.ValueType


def checked_options(options: CallOptions) -> CheckedOptions:
    """Check the options of a call that may write; FieldError names the one that is unknown or cannot be sent.

    `timeout_s` is checked where the deadline is made, for all calls alike.
    """
    _known(options, CallOptions.__annotations__)
    request_id = options.get("request_id")
    return CheckedOptions(
        previous_profile_id=whole_number(options.get("previous_profile_id", 0), "previous_profile_id"),
        event_time=time_message(options.get("event_time"), "event_time"),
        request_id="" if request_id is None else text(request_id, "request_id"),
        validate_only=yes_or_no(options.get("validate_only", False), "validate_only"),
        explain=yes_or_no(options.get("explain", False), "explain"),
        consistency=_consistency(options.get("consistency")),
    )


def checked_search_options(options: SearchOptions) -> CheckedOptions:
    """Check the options of a Search, which has fewer; FieldError as `checked_options`."""
    _known(options, SearchOptions.__annotations__)
    return checked_options(cast("CallOptions", options))


def _known(options: Mapping[str, object], known: Iterable[str]) -> None:
    """Refuse an option that there is not: one misspelt would be as good as left out, and a dry run would write."""
    names = list(known)
    for name in options:
        if name in names:
            continue
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
        raise FieldError(name, f"is no option of this call: the nearest is {near[0]}, all are {', '.join(names)}")


def _consistency(value: object) -> resolution_pb2.Consistency.ValueType:
    """Check an enum's number; those that this client does not know are the server's to judge."""
    if value is None:
        return resolution_pb2.CONSISTENCY_UNSPECIFIED
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 31:
        raise FieldError("consistency", NO_CONSISTENCY)
    return resolution_pb2.Consistency.ValueType(value)


def yes_or_no(value: object, field: str) -> bool:
    """Check a truth value; FieldError for anything else, because a dry run by mistake, or none, is no small thing."""
    if not isinstance(value, bool):
        raise FieldError(field, f"{NO_YES_OR_NO}, not {type(value).__name__}")
    return value


def seconds(value: object, field: str) -> float:
    """Check a time span in seconds; FieldError for what is no number. One that is over already is the server's."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise FieldError(field, NO_SECONDS)
    return value


def optional_seconds(value: object, field: str) -> float | None:
    """Check a time span that may be absent (see `seconds`)."""
    return None if value is None else seconds(value, field)


def kind_of(value: object, kind: type[Any], field: str, what: str) -> None:
    """Refuse a value that is not of a class, an abstract one too (see `one_of`)."""
    if not isinstance(value, kind):
        raise FieldError(field, f"must be {what}, not {type(value).__name__}")


def one_of(value: object, kind: type[Item], field: str, what: str) -> Item:
    """Check that a value is of a class.

    Args:
        value: the caller's.
        kind: the class.
        field: the path of its field.
        what: names what to give, such as `an IdentifierChange`.

    Raises:
        FieldError: it is not.
    """
    kind_of(value, kind, field, what)
    return cast("Item", value)


def list_of(values: object, field: str, what: str) -> Iterable[object]:
    """Check that something can be walked as a list; a text or a mapping, whose walk gives other things, cannot.

    Args:
        values: the caller's.
        field: the path of its field.
        what: names its items, such as `profile ids`.

    Raises:
        FieldError: it is no list.
    """
    if isinstance(values, str | bytes | bytearray | Mapping) or not isinstance(values, Iterable):
        raise FieldError(field, f"must be a list of {what}, not {type(values).__name__}")
    return values


def items_of(values: object, kind: type[Item], field: str, what: str) -> Iterable[Item]:
    """Walk a list whose items are all of a class; FieldError names the one that is not, as `changes[2]`."""
    for place, value in enumerate(list_of(values, field, f"{kind.__name__}s")):
        yield one_of(value, kind, f"{field}[{place}]", what)
