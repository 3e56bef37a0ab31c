"""The full state, as the table twin and the extension show it, in the form of the model's dump."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct, Value

from tests.agreement.messages import microseconds
from tests.agreement.telling import demotion_told, pair, time_told
from tests.agreement.twin import Tables
from tests.model.model import Model
from tests.model.state import Profile
from utterson import _core
from utterson.v1.profile_service_pb2 import StoredEvent


def dump(tables: Tables) -> dict[str, Any]:
    """Tell all that the tables hold, serials standing for ordinals."""
    members = tables.members()
    survivor_of = {serial: survivor for survivor, serials in members.items() for serial in serials}
    held: dict[int, list[tuple[object, ...]]] = defaultdict(list)
    for (serial, _), row in tables.identifiers.items():
        fields = (row.type, row.normalized_value, row.raw_value, row.added_us, row.seen_day)
        held[survivor_of[serial]].append(fields)
    events: dict[int, list[tuple[tuple[int, int, int], bytes]]] = defaultdict(list)
    for (profile, *place), record in tables.events.items():
        time_us, seq, position = place
        events[survivor_of.get(profile, 0)].append(((time_us, seq, position), record))
    profiles = {}
    for survivor in members:
        row_of = tables.profiles[survivor]
        profiles[survivor] = {
            "create_time_us": min(tables.profiles[member].create_time_us for member in members[survivor]),
            "source": row_of.source,
            "merges": tables.merges(members[survivor]),
            "identifiers": sorted(held[survivor]),
            "traits": traits(tables, members[survivor]),
            "events": [event_told(record) for _, record in sorted(events[survivor])],
        }
    redirects = {serial: survivor for serial, survivor in survivor_of.items() if serial != survivor}
    unresolved = [event_told(record) for _, record in sorted(events[0])]
    return {"profiles": profiles, "redirects": redirects, "unresolved": unresolved}


def traits(tables: Tables, members: list[int]) -> dict[str, Any]:
    """Read traits: of all members' rows the one with the greatest (time, seq, position); a removed one is not told."""
    newest: dict[str, tuple[tuple[int, int, int], bytes | None]] = {}
    for (profile, name), row in tables.traits.items():
        place = (row.time_us, row.seq, row.position)
        if profile in members and (name not in newest or place > newest[name][0]):
            newest[name] = (place, row.value)
    told = {}
    for name, (place, value) in newest.items():
        if value is not None:
            told[name] = (json_format.MessageToDict(Value.FromString(value)), place[0])
    return told


def struct_told(properties: Struct) -> Any:
    """Tell a Struct as JSON."""
    return json_format.MessageToDict(properties)


def event_told(record: bytes | StoredEvent) -> dict[str, Any]:
    """Tell a stored event."""
    event = StoredEvent.FromString(record) if isinstance(record, bytes) else record
    return {
        "time_us": microseconds(event.event_time),
        "name": event.name,
        "properties": struct_told(event.properties),
        "message_id": event.message_id,
        "identifiers": tuple(pair(one) for one in event.identifiers),
        "demoted": [demotion_told(one) for one in event.demoted],
        "time_sent_us": time_told(event.event_time_sent, is_there=event.HasField("event_time_sent")),
    }


def view_difference(view: _core.ProfileView, profile: Profile, model: Model, tables: Tables) -> str:
    """Compare what the index tells of a profile with the model; empty means that they agree."""
    told = []
    for digest, holder in zip(view.digests, view.holders, strict=True):
        row = tables.identifiers.get((holder, digest))
        if row is None:
            return f"profile {profile.ordinal}: a held digest has no row"
        told.append((model.policy.rank(row.type), row.added_us, row.normalized_value))
    expected = [(model.policy.rank(key[0]), held.added_us, key[1]) for key, held in profile.held.items()]
    if [one[:2] for one in told] != sorted(one[:2] for one in expected) or sorted(told) != sorted(expected):
        return f"profile {profile.ordinal} holds: {sorted(expected)} | {told}"
    is_known = any(model.policy.settings(key[0]).login for key in profile.held)
    ours = (profile.ordinal, is_known, profile.merges)
    theirs = (view.serial, view.known, view.merges)
    return "" if ours == theirs else f"profile (ordinal, known, merges): {ours} | {theirs}"
