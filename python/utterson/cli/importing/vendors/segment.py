"""Segment's archive: a line is one event, as its libraries sent it."""

from collections.abc import Mapping
from typing import Final

from utterson.cli.importing.records import Content, LineError
from utterson.cli.importing.vendors.common import (
    Pairs,
    identifier,
    identify_call,
    iso_time,
    object_of,
    track_call,
)

NO_EVENT: Final = "is no event of Segment's: its type is not identify, track, page, screen, group or alias"
LEFT_OUT: Final = "is an alias, which says too little to join by: left out"
_TIMES: Final = ("timestamp", "originalTimestamp", "receivedAt", "sentAt")
# Types of devices and how their identifiers are called.
_APPLE: Final = frozenset({"ios", "ipados", "tvos", "watchos", "visionos"})


class LeftOut(Exception):  # noqa: N818 - no error: the line is counted
    """A line that is understood, and becomes nothing."""


def calls_of(event: Mapping[str, object]) -> list[Content]:
    """Make the call of an event: an identify one of traits, every other one of an event.

    Raises:
        LineError: it is none.
        LeftOut: an alias.
    """
    kind = event.get("type")
    context = object_of(event.get("context"), "context")
    time = next((iso_time(event[name], name) for name in _TIMES if event.get(name) is not None), None)
    if kind == "alias":
        raise LeftOut(LEFT_OUT)
    if kind == "identify":
        traits = {**object_of(context.get("traits"), "context.traits"), **object_of(event.get("traits"), "traits")}
        return [identify_call(_identifiers(event, context, traits), traits, time)]
    properties = object_of(event.get("traits" if kind == "group" else "properties"), "properties")
    emails = {} if kind == "group" else {**object_of(context.get("traits"), "context.traits"), **properties}
    message_id = event.get("messageId")
    return [
        track_call(
            _identifiers(event, context, emails),
            _name(kind, event),
            properties,
            time,
            message_id if isinstance(message_id, str) else "",
        )
    ]


def _name(kind: object, event: Mapping[str, object]) -> str:
    """Name an event as the vendor's warehouse does."""
    name = event.get("event" if kind == "track" else "name")
    told = name if isinstance(name, str) else ""
    match kind:
        case "track":
            return told
        case "page" | "screen":
            return f"{kind}: {told}" if told else str(kind)
        case "group":
            return "group"
        case _:
            raise LineError(NO_EVENT)


def _identifiers(event: Mapping[str, object], context: Mapping[str, object], emails: Mapping[str, object]) -> Pairs:
    pairs = identifier("user_id", event.get("userId")) + identifier("anonymous_id", event.get("anonymousId"))
    pairs += identifier("email", emails.get("email"))
    device = object_of(context.get("device"), "context.device")
    kind = str(device.get("type", "")).lower()
    if kind in _APPLE or kind == "android":
        prefix, advertising = ("android", "advertising_id") if kind == "android" else ("ios", "idfa")
        pairs += identifier(f"{prefix}.id", device.get("id")) + identifier(f"{prefix}.push_token", device.get("token"))
        if kind != "android" or device.get("adTrackingEnabled"):
            pairs += identifier(f"{prefix}.{advertising}", device.get("advertisingId"))
    for one in _external_ids(context):
        pairs += identifier(str(one.get("type", "")).lower(), one.get("id"))
    return pairs


def _external_ids(context: Mapping[str, object]) -> list[Mapping[str, object]]:
    found = context.get("externalIds", context.get("externalId"))
    listed = found if isinstance(found, list) else []
    return [one for one in listed if isinstance(one, dict) and one.get("collection", "users") == "users"]
