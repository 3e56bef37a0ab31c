"""C2 and C7: what is refused in a call whatever the state is, and what its content is."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.model.hits import Hits
from tests.model.policy import Policy
from tests.model.records import Call, JsonValue, Kind, Reason, RefusedError
from tests.model.structs import check_struct, check_text
from tests.model.values import Item, check_type, read_item, refuse_as_0_1

MAX_IDENTIFIERS = 32


@dataclass(frozen=True)
class ChangeItem:
    """One change of a Modify; None where no value was sent."""

    type: str
    old: Item | None
    new: Item | None


def check_fields(policy: Policy, call: Call, hits: Hits) -> tuple[list[Item], list[ChangeItem]]:
    """C2, shape and what is always refused: everything that can be refused whatever the policy says of values."""
    if call.kind is not Kind.SEARCH:  # a Search never writes: it does not use its ids
        check_text(call.request_id)
    if call.kind in (Kind.IDENTIFY, Kind.LOGIN):
        check_struct(call.traits, are_traits=True)
    if call.kind is Kind.TRACK and call.event is not None:
        check_text(call.event.name)
        check_text(call.event.message_id)
        check_struct(call.event.properties, are_traits=False)
    if call.kind is Kind.MODIFY:
        if call.identifiers or not 1 <= len(call.changes) <= MAX_IDENTIFIERS:
            raise RefusedError(Reason.FIELD_INVALID)
        return [], [_read_change(policy, change, hits) for change in call.changes]
    if not 1 <= len(call.identifiers) <= MAX_IDENTIFIERS:
        raise RefusedError(Reason.FIELD_INVALID)
    return [read_item(policy, name, raw, hits) for name, raw in call.identifiers], []


def refuse_values_as_0_1(policy: Policy, items: list[Item], changes: list[ChangeItem], hits: Hits) -> None:
    """To 0.1 an unfit value was a fault of the shape, before all else but a repeat (C7)."""
    refuse_as_0_1(policy, [*items, *(item for change in changes for item in (change.old, change.new))], hits)


def _read_change(policy: Policy, change: tuple[str, str, str], hits: Hits) -> ChangeItem:
    type_name, old, new = change
    check_type(type_name)
    return ChangeItem(
        type=type_name,
        old=read_item(policy, type_name, old, hits) if old else None,
        new=read_item(policy, type_name, new, hits) if new else None,
    )


def fingerprint(call: Call, items: list[Item], changes: list[ChangeItem]) -> str:
    """C7: kind and normalised request, without request_id, consistency, explain and validate_only."""
    event = None
    if call.kind is Kind.TRACK:
        sent = call.event
        event = ["", {}, ""] if sent is None else [sent.name, _floats(sent.properties or {}), sent.message_id]
    has_traits = call.kind in (Kind.IDENTIFY, Kind.LOGIN)
    content = [
        call.kind.name,
        [list(item.key) for item in items],
        call.previous_profile,
        call.event_time_us,
        _floats(call.traits or {}) if has_traits else None,
        event,
        [call.profile, [[change.type, _told(change.old), _told(change.new)] for change in changes]],
    ]
    return json.dumps(content, sort_keys=True)


def _told(item: Item | None) -> str:
    return "" if item is None else item.value


def _floats(value: JsonValue) -> JsonValue:
    """A number of a Struct is a double: 1 and 1.0 are the same content."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, list):
        return [_floats(item) for item in value]
    if isinstance(value, dict):
        return {name: _floats(item) for name, item in value.items()}
    return value
