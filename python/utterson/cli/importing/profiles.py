"""The form of a profile in a file, and the message that it becomes."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Final, cast

from google.protobuf.timestamp_pb2 import Timestamp

from utterson.cli.importing.records import LineError
from utterson.client.values import (
    HALF_CHARACTER,
    IMPOSSIBLE_TIME,
    FieldError,
    JsonValue,
    fill_struct,
    time_message,
)
from utterson.v1 import identifier_pb2
from utterson.v1 import workspace_service_pb2 as pb

# `reason` is what a file of rejects says besides.
KEYS: Final = frozenset({"identifiers", "traits", "create_time", "merges", "reason"})
MERGES_MAX: Final = 2**31 - 1

UNKNOWN_KEY: Final = "has a key that a profile has not; it has create_time, identifiers, merges, traits"
NO_IDENTIFIER: Final = "needs at least one identifier"
NO_LIST: Final = "must be a list of {type, value}"
NO_IDENTIFIER_OBJECT: Final = "must be an object of type and value"
NO_TEXTS: Final = "must have texts as type and value: put numbers in quotes"
NO_OBJECT: Final = "must be an object"
NO_COUNT: Final = "must be a whole number from 0 to 2^31 - 1"
NO_TIME: Final = "must be a time with its zone, such as 2024-05-01T12:00:00Z"


def profile_message(fields: Mapping[str, object]) -> pb.ImportedProfile:
    """Make the message of a profile.

    Args:
        fields: its form in JSON: identifiers, traits, create_time, merges.

    Raises:
        LineError: it is no profile; the field is named, never a value.
    """
    if not fields.keys() <= KEYS:
        raise LineError(UNKNOWN_KEY)
    traits, merges = fields.get("traits"), fields.get("merges", 0)
    if traits is not None and not isinstance(traits, dict):
        raise LineError(NO_OBJECT, name="traits")
    if merges is None:
        merges = 0
    if not isinstance(merges, int) or isinstance(merges, bool) or not 0 <= merges <= MERGES_MAX:
        raise LineError(NO_COUNT, name="merges")
    source = fields.get("identifiers")
    try:
        message = pb.ImportedProfile(
            identifiers=_identifiers(source),
            create_time=_time(fields.get("create_time")),
            merges=merges,
        )
        if traits:
            fill_struct(message.traits, cast("Mapping[str, JsonValue]", traits), "traits")
    except FieldError as error:
        raise LineError(error.description, name=named(error.field)) from None
    return message


def named(field: str) -> str:
    """Name a field without what may be a value: of a trait's path only its first name, if it looks like one."""
    head, dot, rest = field.partition(".")
    name = rest.partition(".")[0].partition("[")[0]
    if head not in {"traits", "properties"} or not dot:
        return field
    return f"{head}.{name}" if name.isidentifier() and len(name) <= 64 else head


def _identifiers(source: object) -> list[identifier_pb2.Identifier]:
    if not isinstance(source, list):
        raise LineError(NO_LIST, name="identifiers")
    if not source:
        raise LineError(NO_IDENTIFIER, name="identifiers")
    messages = []
    for place, one in enumerate(source):
        if type(one) is not dict or len(one) != 2 or "type" not in one or "value" not in one:
            raise LineError(NO_IDENTIFIER_OBJECT, name=f"identifiers[{place}]")
        name, value = one["type"], one["value"]
        if type(name) is not str or type(value) is not str:
            raise LineError(NO_TEXTS, name=f"identifiers[{place}]")
        try:
            messages.append(identifier_pb2.Identifier(type=name, value=value))
        except UnicodeEncodeError:
            raise LineError(HALF_CHARACTER, name=f"identifiers[{place}]") from None
    return messages


@lru_cache(maxsize=1024)
def _time_of_text(source: str) -> Timestamp | None:
    """Exports have many profiles of one time, and those of a day only once."""
    return time_message(time_of(source, "create_time"), "create_time")


def _time(source: object) -> Timestamp | None:
    if type(source) is str:
        return _time_of_text(source)
    return time_message(time_of(source, "create_time"), "create_time")


def time_of(source: object, name: str) -> datetime | None:
    """Read a time, as ISO text or as a table holds it; None stays absent.

    Raises:
        LineError: it is none, or has no zone.
    """
    if source is None:
        return None
    try:
        time = datetime.fromisoformat(source) if isinstance(source, str) else source
    except ValueError:
        time = None
    if isinstance(time, date) and not isinstance(time, datetime):
        time = None
    if not isinstance(time, datetime) or time.tzinfo is None:
        raise LineError(_time_fault(source), name=name)
    return time


def _time_fault(source: object) -> str:
    # A year that ISO has, and the calendar here has not.
    is_beyond = isinstance(source, str) and source[:1] in {"+", "-"} and source[1:5].isdigit()
    return IMPOSSIBLE_TIME if is_beyond else NO_TIME
