"""The model's calls as protobuf messages, and protobuf policies from the JSON form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from tests.agreement.steps import Import
from tests.model.records import Call, JsonValue, Kind, Traits
from utterson.v1 import identity_service_pb2 as identity
from utterson.v1.identifier_pb2 import Change, Identifier
from utterson.v1.policy_pb2 import Policy
from utterson.v1.profile_service_pb2 import CallKind
from utterson.v1.workspace_service_pb2 import ImportProfilesRequest

# From the model's ordinal of a profile to the public id; an unknown ordinal gets an id that no profile has.
Ids: TypeAlias = Callable[[int], int]
Request: TypeAlias = (
    identity.IdentifyRequest
    | identity.LoginRequest
    | identity.LogoutRequest
    | identity.TrackRequest
    | identity.ModifyRequest
    | identity.SearchRequest
)

SEARCH_KIND = 7
KIND_NUMBERS: dict[Kind, int] = {
    Kind.IDENTIFY: CallKind.CALL_KIND_IDENTIFY,
    Kind.LOGIN: CallKind.CALL_KIND_LOGIN,
    Kind.LOGOUT: CallKind.CALL_KIND_LOGOUT,
    Kind.TRACK: CallKind.CALL_KIND_TRACK,
    Kind.MODIFY: CallKind.CALL_KIND_MODIFY,
    Kind.SEARCH: SEARCH_KIND,
}
REQUESTS: dict[Kind, type[Request]] = {
    Kind.IDENTIFY: identity.IdentifyRequest,
    Kind.LOGIN: identity.LoginRequest,
    Kind.LOGOUT: identity.LogoutRequest,
    Kind.TRACK: identity.TrackRequest,
    Kind.MODIFY: identity.ModifyRequest,
    Kind.SEARCH: identity.SearchRequest,
}
ENUM_PREFIXES = {
    "normalization": "NORMALIZATION_",
    "window": "WINDOW_",
    "scope": "LIMIT_SCOPE_",
    "on_exceeded": "ON_EXCEEDED_",
    "unlisted_types": "UNLISTED_TYPES_",
    "on_new_known_user": "ON_NEW_KNOWN_USER_",
    "on_logout": "ON_LOGOUT_",
    "blocked_lists": "BLOCKED_LIST_",
    "invalid_identifiers": "INVALID_IDENTIFIERS_",
    "login_match": "LOGIN_MATCH_",
}


def timestamp(time_us: int) -> Timestamp:
    """Return a time as protobuf has it."""
    seconds, micros = divmod(time_us, 1_000_000)
    return Timestamp(seconds=seconds, nanos=micros * 1000)


def microseconds(time: Timestamp) -> int:
    """Return a time as the model has it."""
    return time.seconds * 1_000_000 + time.nanos // 1000


def struct(traits: Traits) -> Struct:
    """Return a Struct, unfit values too."""
    made = Struct()
    made.update(traits)
    return made


def identifiers(pairs: tuple[tuple[str, str], ...]) -> list[Identifier]:
    """Return identifiers."""
    return [Identifier(type=type_name, value=value) for type_name, value in pairs]


def request(call: Call, workspace: str, ids: Ids) -> Request:
    """Return the request of a call."""
    made = REQUESTS[call.kind](workspace=workspace, identifiers=identifiers(call.identifiers))
    made.request_id = call.request_id
    made.validate_only = call.validate_only
    made.explain = call.explain
    made.previous_profile_id = ids(call.previous_profile) if call.previous_profile else 0
    if call.event_time_us is not None:
        made.event_time.CopyFrom(timestamp(call.event_time_us))
    if isinstance(made, identity.IdentifyRequest | identity.LoginRequest) and call.traits is not None:
        made.traits.CopyFrom(struct(call.traits))
    if isinstance(made, identity.TrackRequest) and call.event is not None:
        made.event.name = call.event.name
        made.event.message_id = call.event.message_id
        if call.event.properties is not None:
            made.event.properties.CopyFrom(struct(call.event.properties))
    if isinstance(made, identity.ModifyRequest):
        made.profile_id = ids(call.profile) if call.profile else 0
        made.changes.extend(Change(type=name, old_value=old, new_value=new) for name, old, new in call.changes)
    return made


def batched(made: Request) -> identity.Call:
    """Wrap a request as one call of a batch."""
    match made:
        case identity.IdentifyRequest():
            return identity.Call(identify=made)
        case identity.LoginRequest():
            return identity.Call(login=made)
        case identity.LogoutRequest():
            return identity.Call(logout=made)
        case identity.TrackRequest():
            return identity.Call(track=made)
        case identity.ModifyRequest():
            return identity.Call(modify=made)
        case _:
            raise TypeError("a batch takes no Search")


def import_messages(made: Import, workspace: str) -> list[ImportProfilesRequest]:
    """Return the messages of an import."""
    messages = []
    for index, one in enumerate(made.messages):
        message = ImportProfilesRequest(workspace=workspace, identifiers=identifiers(one.identifiers))
        message.merges = one.merges
        message.request_id = made.request_id if index == 0 else ""
        if one.traits is not None:
            message.traits.CopyFrom(struct(one.traits))
        if one.create_time_us is not None:
            message.create_time.CopyFrom(timestamp(one.create_time_us))
        messages.append(message)
    return messages


def policy_message(policy: Mapping[str, JsonValue]) -> Policy:
    """Return a policy in protobuf JSON form, short enum names allowed, as a message."""
    return json_format.ParseDict({name: _full_names(value, name) for name, value in policy.items()}, Policy())


def _full_names(value: JsonValue, name: str = "") -> JsonValue:
    if isinstance(value, dict):
        return {key: _full_names(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_full_names(inner, name) for inner in value]
    prefix = ENUM_PREFIXES.get(name)
    if prefix is not None and isinstance(value, str):
        return prefix + value.removeprefix(prefix)
    return value
