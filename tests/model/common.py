"""C2 to C7: what is done with every call, in both families, before a family's own rules look at it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

from tests.model.hits import Branch, Hits
from tests.model.normalise import judge_value, normalise
from tests.model.policy import TYPE_NAME, Normalization, Policy, UnlistedTypes
from tests.model.records import Call, Disposition, Identifier, JsonValue, Kind, Reason, RefusedError, Traits

MAX_IDENTIFIERS = 32
MAX_ID_BYTES = 256
MAX_STRUCT_BYTES = 64 * 1024
NORMALISATION_BRANCHES = {
    Normalization.TRIM: Branch.C1_TRIM,
    Normalization.LOWER: Branch.C1_LOWER,
    Normalization.EMAIL: Branch.C1_EMAIL,
    Normalization.PHONE: Branch.C1_PHONE,
}


@dataclass(frozen=True)
class Item:
    """One identifier of a call: as sent, as compared, and what C3 and C4 made of it (None: usable)."""

    type: str
    raw: str
    value: str
    set_aside: Disposition | None = None

    @property
    def key(self) -> Identifier:
        """The identifier as it is compared."""
        return (self.type, self.value)


@dataclass(frozen=True)
class ChangeItem:
    """One change of a Modify; an empty text stands for none. `set_aside` as in `Item`."""

    type: str
    raw_old: str
    old: str
    raw_new: str
    new: str
    set_aside: Disposition | None = None


def check_text(text: str) -> None:
    """C2: no U+0000 in a name or id, at most 256 bytes."""
    if "\0" in text or len(text.encode()) > MAX_ID_BYTES:
        raise RefusedError(Reason.FIELD_INVALID)


def check_struct(struct: Traits | None, *, are_traits: bool) -> None:
    """C2: no U+0000, NaN or infinity inside; at most 64 KiB encoded; trait names are names (256 bytes)."""
    if struct is None:
        return
    _check_value(struct)
    if _struct_bytes(struct) > MAX_STRUCT_BYTES:
        raise RefusedError(Reason.FIELD_INVALID)
    if are_traits:
        for name in struct:
            check_text(name)


def _check_value(value: JsonValue) -> None:
    if isinstance(value, str) and "\0" in value:
        raise RefusedError(Reason.FIELD_INVALID)
    if isinstance(value, float) and not math.isfinite(value):
        raise RefusedError(Reason.FIELD_INVALID)
    if isinstance(value, list):
        for item in value:
            _check_value(item)
    if isinstance(value, dict):
        for name, item in value.items():
            _check_value(name)
            _check_value(item)


def _varint_bytes(number: int) -> int:
    return max(1, math.ceil(number.bit_length() / 7))


def _field_bytes(length: int) -> int:
    return 1 + _varint_bytes(length) + length


def _struct_bytes(struct: Traits) -> int:
    """Return the size of a google.protobuf.Struct on the wire."""
    entries = (_field_bytes(len(name.encode())) + _field_bytes(_value_bytes(value)) for name, value in struct.items())
    return sum(_field_bytes(length) for length in entries)


def _value_bytes(value: JsonValue) -> int:
    if value is None or isinstance(value, bool):
        return 2
    if isinstance(value, int | float):
        return 9
    if isinstance(value, str):
        return _field_bytes(len(value.encode()))
    if isinstance(value, list):
        return _field_bytes(sum(_field_bytes(_value_bytes(item)) for item in value))
    return _field_bytes(_struct_bytes(value))


def read_identifier(policy: Policy, type_name: str, raw: str, hits: Hits) -> str:
    """C1 and C2 for one identifier: refuse a malformed type, an empty or unfit value; return the value compared."""
    if TYPE_NAME.fullmatch(type_name) is None or not raw or "\0" in raw:  # the raw form is stored too
        raise RefusedError(Reason.FIELD_INVALID)
    settings = policy.settings(type_name)
    value = normalise(raw, settings)
    judge_value(value)  # C2: values are judged after C1
    if value != raw:
        hits[NORMALISATION_BRANCHES[settings.normalization]] += 1
    return value


def check_fields(policy: Policy, call: Call, hits: Hits) -> tuple[list[Item], list[ChangeItem]]:
    """C2: everything that can be refused without looking at the state."""
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
    items = [Item(name, raw, read_identifier(policy, name, raw, hits)) for name, raw in call.identifiers]
    return items, []


def _read_change(policy: Policy, change: tuple[str, str, str], hits: Hits) -> ChangeItem:
    type_name, old, new = change
    if TYPE_NAME.fullmatch(type_name) is None:
        raise RefusedError(Reason.FIELD_INVALID)
    return ChangeItem(
        type=type_name,
        raw_old=old,
        old=read_identifier(policy, type_name, old, hits) if old else "",
        raw_new=new,
        new=read_identifier(policy, type_name, new, hits) if new else "",
    )


def is_blocked(policy: Policy, type_name: str, value: str) -> bool:
    """C3: the value matches a pattern of the type or of the policy."""
    patterns = (*policy.blocked, *policy.settings(type_name).blocked)
    return any(pattern.matches(value) for pattern in patterns)


def judge(policy: Policy, type_name: str, value: str, hits: Hits) -> Disposition | None:
    """C3, then C4: tell why an identifier is set aside, or None; an empty value can not be blocked."""
    is_listed = policy.is_listed(type_name)
    if value and is_blocked(policy, type_name, value):
        hits[Branch.C3_BLOCKED if is_listed else Branch.C3_BLOCKED_UNLISTED] += 1
        return Disposition.BLOCKED
    if is_listed:
        return None
    if policy.unlisted is UnlistedTypes.REJECT:
        hits[Branch.C4_REJECTED] += 1
        raise RefusedError(Reason.TYPE_REJECTED)
    if policy.unlisted is UnlistedTypes.IGNORE:
        hits[Branch.C4_IGNORED] += 1
        return Disposition.IGNORED_TYPE
    hits[Branch.C4_ACCEPTED] += 1
    return None


def sort_out(policy: Policy, items: list[Item], hits: Hits) -> list[Item]:
    """C3, C4 and C6: the call's identifiers, each once, with those set aside marked."""
    told: dict[Identifier, Item] = {}
    for item in items:
        if item.key in told:  # C6: after C1 the first counts
            hits[Branch.C6_DUPLICATE] += 1
            continue
        told[item.key] = Item(item.type, item.raw, item.value, judge(policy, item.type, item.value, hits))
    return list(told.values())


def refuse_two_values(policy: Policy, usable: list[Item], hits: Hits) -> None:
    """Section 3: two different values of one unique or immutable type in a call."""
    seen: set[str] = set()
    for item in usable:
        settings = policy.settings(item.type)
        if (settings.unique or settings.immutable) and item.type in seen:
            hits[Branch.ISOLATION_TWO_VALUES] += 1
            raise RefusedError(Reason.TWO_VALUES_OF_UNIQUE_TYPE)
        seen.add(item.type)


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
        [call.profile, [[change.type, change.old, change.new] for change in changes]],
    ]
    return json.dumps(content, sort_keys=True)


def _floats(value: JsonValue) -> JsonValue:
    """A number of a Struct is a double: 1 and 1.0 are the same content."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, list):
        return [_floats(item) for item in value]
    if isinstance(value, dict):
        return {name: _floats(item) for name, item in value.items()}
    return value
