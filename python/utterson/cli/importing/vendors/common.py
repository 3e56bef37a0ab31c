"""What the vendors' formats share: calls made of JSON."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, cast

from google.protobuf.timestamp_pb2 import Timestamp

from utterson.cli.importing.profiles import NO_TIME, named, time_of
from utterson.cli.importing.records import LineError
from utterson.client.values import FieldError, JsonValue, identifier_messages, struct_message, time_message
from utterson.v1 import identity_service_pb2 as pb

NO_OBJECT: Final = "must be an object"
UNDATED: Final = "has traits and no time: they would win over newer ones each time the file is given"
Pairs = list[tuple[str, str]]


def request_id(content: bytes) -> str:
    """Make a request id of a call's content: the same call sent again is known to the server."""
    return f"import-{hashlib.sha256(content).hexdigest()[:40]}"


def object_of(source: object, name: str) -> Mapping[str, object]:
    """Read an object; an absent one is empty, LineError for what is none."""
    if source is None:
        return {}
    if not isinstance(source, dict):
        raise LineError(NO_OBJECT, name=name)
    return source


def identifier(name: str, value: object) -> Pairs:
    """Make one identifier, or none of what vendors write where there is none."""
    if value is None or value == "":
        return []
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return [(name, cast("str", value))]


def identify_call(pairs: Iterable[tuple[str, str]], traits: Mapping[str, object], time: Timestamp | None) -> pb.Call:
    """Make an Identify, with a request id of its content.

    Raises:
        LineError: a value cannot be sent, or nothing says how old the traits are.
    """
    if traits and time is None:
        raise LineError(UNDATED)
    try:
        request = pb.IdentifyRequest(
            identifiers=identifier_messages(pairs),
            traits=struct_message(cast("Mapping[str, JsonValue]", traits), "traits") if traits else None,
            event_time=time,
        )
    except FieldError as error:
        raise LineError(error.description, name=named(error.field)) from None
    request.request_id = request_id(request.SerializeToString(deterministic=True))
    return pb.Call(identify=request)


def track_call(
    pairs: Iterable[tuple[str, str]],
    name: str,
    properties: Mapping[str, object],
    time: Timestamp | None,
    message_id: str,
) -> pb.Call:
    """Make a Track, known again by its message id, or by its content where it has none.

    Raises:
        LineError: a value cannot be sent.
    """
    try:
        event = pb.Event(
            name=name,
            properties=struct_message(cast("Mapping[str, JsonValue]", properties), "properties")
            if properties
            else None,
            message_id=message_id,
        )
        request = pb.TrackRequest(identifiers=identifier_messages(pairs), event=event, event_time=time)
    except FieldError as error:
        raise LineError(error.description, name=named(error.field)) from None
    if not message_id:
        request.request_id = request_id(request.SerializeToString(deterministic=True))
    return pb.Call(track=request)


def iso_time(source: object, name: str) -> Timestamp | None:
    """Read a time in ISO form; LineError for what is none."""
    try:
        return time_message(time_of(source, name), name)
    except FieldError as error:
        raise LineError(error.description, name=name) from None


def unix_time(source: object, name: str) -> Timestamp | None:
    """Read a time in milliseconds since 1970; LineError for what is none."""
    if source is None:
        return None
    try:
        milliseconds = int(cast("int", source))
        return time_message(datetime.fromtimestamp(milliseconds / 1000, UTC), name)
    except (TypeError, ValueError, OverflowError, OSError):
        raise LineError(NO_TIME, name=name) from None
