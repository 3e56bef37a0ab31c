"""The limits of rule C2 stand in the protos, each at its limit and one beyond."""

from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from utterson.domain.errors import UttersonError
from utterson.engine.core_engine import CoreEngine
from utterson.server.validation import FieldRules
from utterson.v1 import identity_service_pb2 as identity
from utterson.v1 import profile_service_pb2 as profile
from utterson.v1 import workspace_service_pb2 as workspace
from utterson.v1.identifier_pb2 import Change, Identifier

RULES = FieldRules(CoreEngine())
EMAIL = Identifier(type="email", value="a@example.com")
CHANGE = Change(type="email", new_value="a@example.com")
HOT = {
    "Identify": identity.IdentifyRequest,
    "Login": identity.LoginRequest,
    "Logout": identity.LogoutRequest,
    "Track": identity.TrackRequest,
    "Search": identity.SearchRequest,
}

WRITERS = [name for name in HOT if name != "Search"]
Cases = list[tuple[dict[str, Any], list[str]]]

COMMON: Cases = [
    ({}, []),
    ({"workspace": ""}, []),
    ({"workspace": "a" * 63}, []),
    ({"workspace": "a" * 64}, ["workspace"]),
    ({"workspace": "soho\n"}, ["workspace"]),
    ({"workspace": "1soho"}, ["workspace"]),
    ({"identifiers": []}, ["identifiers"]),
    ({"identifiers": [EMAIL] * 32}, []),
    ({"identifiers": [EMAIL] * 33}, ["identifiers"]),
    ({"identifiers": [Identifier(type="a" * 63, value="v")]}, []),
    ({"identifiers": [Identifier(type="a" * 64, value="v")]}, ["identifiers[0].type"]),
    ({"identifiers": [Identifier(type="a.b_c1", value="v")]}, []),
    ({"identifiers": [EMAIL, Identifier(type="Email", value="\0")]}, ["identifiers[1].type", "identifiers[1].value"]),
    # What is wrong with a value alone is the policy's to judge (rule C12).
    ({"identifiers": [EMAIL, Identifier(type="email", value="")]}, []),
    ({"consistency": 2}, []),
    ({"consistency": 3}, ["consistency"]),
]
WRITING: Cases = [
    ({"request_id": "é" * 128}, []),
    ({"request_id": "é" * 128 + "x"}, ["request_id"]),
    ({"request_id": "a\0"}, ["request_id"]),
    ({"event_time": Timestamp(seconds=-62_135_596_800)}, []),
    ({"event_time": Timestamp(seconds=-62_135_596_801)}, ["event_time"]),
    ({"event_time": Timestamp(seconds=253_402_300_799)}, []),
    ({"event_time": Timestamp(seconds=253_402_300_800)}, ["event_time"]),
]
MODIFY: Cases = [
    ({"changes": [CHANGE] * 32}, []),
    ({"changes": [CHANGE] * 33}, ["changes"]),
    ({"changes": []}, ["changes"]),
    ({"changes": [Change(type="E")]}, ["changes[0].type"]),
    ({"changes": [CHANGE], "identifiers": [EMAIL]}, ["identifiers"]),
]
EVENTS: Cases = [
    ({"event": event}, at_fault)
    for event, at_fault in (
        (identity.Event(name="x" * 256, message_id="x" * 256), []),
        (identity.Event(name="x" * 257, message_id="x" * 257), ["event.name", "event.message_id"]),
        (identity.Event(name="a\0", message_id="\0"), ["event.name", "event.message_id"]),
        (None, []),
    )
]


def faults(path: str, request: Message) -> list[str]:
    """Tell the paths of the fields at fault."""
    try:
        RULES.check(f"/utterson.v1.{path}", request.SerializeToString())
    except UttersonError as error:
        return [violation.field for violation in error.violations]
    return []


def hot(name: str, **fields: Any) -> Message:
    """Make a call that is right but for the fields given."""
    if name == "Track":
        fields.setdefault("event", identity.Event(name="opened"))
    request: Message = HOT[name](**{"workspace": "soho", "identifiers": [EMAIL], **fields})
    return request


def modify(**fields: Any) -> Message:
    """Make a Modify call."""
    return identity.ModifyRequest(workspace="soho", profile_id=1, **fields)


@pytest.mark.parametrize("name", HOT)
@pytest.mark.parametrize(("fields", "at_fault"), COMMON)
def test_common_fields(name: str, fields: dict[str, Any], at_fault: list[str]) -> None:
    assert faults(f"IdentityService/{name}", hot(name, **fields)) == at_fault


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(("fields", "at_fault"), WRITING)
def test_fields_of_calls_that_write(name: str, fields: dict[str, Any], at_fault: list[str]) -> None:
    assert faults(f"IdentityService/{name}", hot(name, **fields)) == at_fault


@pytest.mark.parametrize(("fields", "at_fault"), EVENTS)
def test_events(fields: dict[str, Any], at_fault: list[str]) -> None:
    assert faults("IdentityService/Track", hot("Track", **fields)) == at_fault


@pytest.mark.parametrize(("fields", "at_fault"), MODIFY)
def test_modify(fields: dict[str, Any], at_fault: list[str]) -> None:
    assert faults("IdentityService/Modify", modify(**fields)) == at_fault


def test_batches() -> None:
    call = identity.Call(identify=identity.IdentifyRequest(identifiers=[EMAIL]))
    for count, at_fault in ((0, ["calls"]), (1, []), (1_000, []), (1_001, ["calls"])):
        request = identity.BatchResolveRequest(workspace="soho", calls=[call] * count)
        assert faults("IdentityService/BatchResolve", request) == at_fault


@pytest.mark.parametrize(
    ("path", "request_message", "at_fault"),
    [
        (
            "ProfileService/BatchGetProfiles",
            profile.BatchGetProfilesRequest(workspace="soho", profile_ids=[1] * 100),
            [],
        ),
        (
            "ProfileService/BatchGetProfiles",
            profile.BatchGetProfilesRequest(workspace="soho", profile_ids=[1] * 101),
            ["profile_ids"],
        ),
        ("ProfileService/BatchGetProfiles", profile.BatchGetProfilesRequest(workspace="soho"), ["profile_ids"]),
        ("ProfileService/GetProfile", profile.GetProfileRequest(workspace="soho", profile_id=2**53 - 1), []),
        ("ProfileService/GetProfile", profile.GetProfileRequest(workspace="soho", profile_id=2**53), ["profile_id"]),
        ("ProfileService/GetProfile", profile.GetProfileRequest(workspace="soho"), ["profile_id"]),
        ("ProfileService/ListEvents", profile.ListEventsRequest(workspace="soho"), []),
        ("ProfileService/ListEvents", profile.ListEventsRequest(workspace="soho", page_size=-1), ["page_size"]),
        ("ProfileService/ListHistory", profile.ListHistoryRequest(workspace="soho"), ["profile_id"]),
        ("ProfileService/ListTraits", profile.ListTraitsRequest(workspace="soho"), ["profile_id"]),
        ("ProfileService/ListIdentifiers", profile.ListIdentifiersRequest(workspace="soho"), ["profile_id"]),
        ("WorkspaceService/ListWorkspaces", workspace.ListWorkspacesRequest(page_size=5_000), []),
        ("WorkspaceService/GetWorkspace", workspace.GetWorkspaceRequest(workspace="-a"), ["workspace"]),
        ("WorkspaceService/CreateWorkspace", workspace.CreateWorkspaceRequest(workspace="a"), ["policy_source"]),
    ],
)
def test_other_calls(path: str, request_message: Message, at_fault: list[str]) -> None:
    assert faults(path, request_message) == at_fault
