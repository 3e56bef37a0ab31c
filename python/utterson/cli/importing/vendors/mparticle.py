"""mParticle's batches: a line is one user's identities and attributes, and events."""

from collections.abc import Mapping
from typing import Final

from utterson.cli.importing.records import Content, LineError
from utterson.cli.importing.vendors.common import (
    Pairs,
    identifier,
    identify_call,
    object_of,
    track_call,
    unix_time,
)

NO_BATCH: Final = "is no batch of mParticle's: it has neither user_identities nor device_info"
NO_EVENTS: Final = "must be a list of events"

# What mParticle calls an identity, and what the presets call it; all others keep their names.
_NAMES: Final = {
    "customerid": "customer_id",
    "ios_idfv": "idfv",
    "ios_idfa": "idfa",
    "ios_advertising_id": "idfa",
    "ios_vendor_id": "idfv",
    "android_uuid": "android_id",
    "android_aaid": "gaid",
    "android_advertising_id": "gaid",
    "roku_advertising_id": "roku_id",
    "roku_publisher_id": "roku_id",
    "roku_aid": "roku_id",
    "fire_advertising_id": "fire_aid",
}
_OF_DEVICES: Final = frozenset(name for name in _NAMES if name != "customerid") | {"amp_id"}


def calls_of(batch: Mapping[str, object]) -> list[Content]:
    """Make the calls of a batch: an Identify with the attributes, then its events in order.

    Raises:
        LineError: it is none.
    """
    if "user_identities" not in batch and "device_info" not in batch:
        raise LineError(NO_BATCH)
    pairs = _identifiers(batch)
    time = unix_time(batch.get("timestamp_unixtime_ms"), "timestamp_unixtime_ms")
    attributes = object_of(batch.get("user_attributes"), "user_attributes")
    events = batch.get("events") or []
    if not isinstance(events, list):
        raise LineError(NO_EVENTS, name="events")
    calls: list[Content] = [identify_call(pairs, attributes, time)]
    for place, event in enumerate(events):
        told = object_of(event, f"events[{place}]")
        data = object_of(told.get("data"), f"events[{place}].data")
        at = unix_time(data.get("timestamp_unixtime_ms"), f"events[{place}].data.timestamp_unixtime_ms")
        properties = object_of(data.get("custom_attributes"), f"events[{place}].data.custom_attributes")
        name = data.get("event_name") or data.get("screen_name") or told.get("event_type") or ""
        event_id = data.get("event_id")
        calls.append(track_call(pairs, str(name), properties, at or time, "" if event_id is None else str(event_id)))
    return calls


def _identifiers(batch: Mapping[str, object]) -> Pairs:
    identities = batch.get("user_identities")
    if isinstance(identities, list):
        listed = [object_of(one, "user_identities") for one in identities]
        told = [(str(one.get("identity_type", "")), one.get("identity")) for one in listed]
    else:
        told = list(object_of(identities, "user_identities").items())
    device = object_of(batch.get("device_info"), "device_info")
    told += [(name, value) for name, value in device.items() if name in _OF_DEVICES]
    told.append(("device_application_stamp", batch.get("mp_deviceid")))
    return [pair for name, value in told for pair in identifier(_NAMES.get(name.lower(), name.lower()), value)]
