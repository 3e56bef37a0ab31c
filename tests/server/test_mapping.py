"""Every RPC reaches its use case with what the caller sent, and its answer reaches the caller."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tests.server.conftest import Running
from tests.server.fakes import POLICY
from utterson.application.reads.profiles import PageRequest
from utterson.client import ImportedProfile, UttersonClient
from utterson.domain.calls import CallKind
from utterson.domain.imports import ImportPart
from utterson.domain.records import Page
from utterson.server.messages import timestamp
from utterson.v1 import profile_service_pb2 as profile_messages
from utterson.v1 import workspace_service_pb2 as workspace_messages
from utterson.v1.policy_pb2 import Policy
from utterson.v1.profile_service_pb2_grpc import ProfileServiceStub
from utterson.v1.workspace_service_pb2_grpc import WorkspaceServiceStub


@pytest.mark.parametrize(
    "kind",
    [CallKind.IDENTIFY, CallKind.LOGIN, CallKind.LOGOUT, CallKind.TRACK, CallKind.MODIFY, CallKind.SEARCH],
)
async def test_hot_calls_hand_bytes_through(running: Running, kind: CallKind) -> None:
    running.identity.answer = b"\x01 any bytes \xff"
    answer = await running.call(f"IdentityService/{kind.name.title()}", b"\xff request \x00")
    assert answer == b"\x01 any bytes \xff"
    assert running.script.asked == [("resolve", kind, b"\xff request \x00")]


async def test_a_batch_hands_bytes_through(running: Running) -> None:
    running.identity.answer = b"results"
    assert await running.call("IdentityService/BatchResolve", b"\x01") == b"results"
    assert running.script.asked == [("resolve_batch", b"\x01")]


async def test_create_workspace_by_policy(running: Running) -> None:
    policy = Policy.FromString(POLICY)
    answer = await WorkspaceServiceStub(running.channel).CreateWorkspace(
        workspace_messages.CreateWorkspaceRequest(workspace="soho", policy=policy)
    )
    assert running.script.asked == [("create_workspace", "soho", POLICY, None)]
    assert answer.workspace == workspace_messages.Workspace(
        workspace="soho",
        policy=policy,
        policy_revision=3,
        etag="etag-3",
        create_time=Timestamp(seconds=1, nanos=500_000_000),
    )
    assert list(answer.warnings) == ["a warning"]


async def test_create_workspace_by_preset(running: Running) -> None:
    await WorkspaceServiceStub(running.channel).CreateWorkspace(
        workspace_messages.CreateWorkspaceRequest(workspace="soho", preset="unify")
    )
    assert running.script.asked == [("create_workspace", "soho", None, "unify")]


async def test_an_empty_policy_is_judged_by_the_use_case(running: Running) -> None:
    await WorkspaceServiceStub(running.channel).CreateWorkspace(
        workspace_messages.CreateWorkspaceRequest(workspace="soho", policy=Policy())
    )
    assert running.script.asked == [("create_workspace", "soho", b"", None)]


async def test_a_dry_run_reaches_the_use_case_as_one(running: Running) -> None:
    stub, policy = WorkspaceServiceStub(running.channel), Policy.FromString(POLICY)
    made = workspace_messages.CreateWorkspaceRequest(workspace="soho", preset="unify", validate_only=True)
    await stub.CreateWorkspace(made)
    changed = workspace_messages.UpdatePolicyRequest(workspace="soho", policy=policy, validate_only=True)
    await stub.UpdatePolicy(changed)
    assert running.script.asked == [
        ("create_workspace", "soho", None, "unify", "dry"),
        ("update_policy", "soho", POLICY, "", "dry"),
    ]


async def test_other_workspace_calls(running: Running) -> None:
    stub = WorkspaceServiceStub(running.channel)
    got = await stub.GetWorkspace(workspace_messages.GetWorkspaceRequest(workspace="soho"))
    assert got.workspace.workspace == "soho"
    listed = await stub.ListWorkspaces(workspace_messages.ListWorkspacesRequest(page_size=2, page_token="p"))
    assert [workspace.workspace for workspace in listed.workspaces] == ["a", "b"]
    assert listed.next_page_token == "next"
    updated = await stub.UpdatePolicy(
        workspace_messages.UpdatePolicyRequest(workspace="soho", policy=Policy.FromString(POLICY), etag="e")
    )
    assert (updated.workspace.etag, list(updated.warnings)) == ("etag-3", ["a warning"])
    revisions = await stub.ListPolicyRevisions(
        workspace_messages.ListPolicyRevisionsRequest(workspace="soho", page_size=5, page_token="q")
    )
    assert revisions.next_page_token == "next"
    assert revisions.policy_revisions[0].policy_revision == 2
    assert running.script.asked == [
        ("get_workspace", "soho"),
        ("list_workspaces", 2, "p"),
        ("update_policy", "soho", POLICY, "e"),
        ("list_policy_revisions", "soho", 5, "q"),
    ]


async def test_import_hands_bytes_through_with_the_first_workspace(running: Running) -> None:
    requests = [workspace_messages.ImportProfilesRequest(workspace="soho", merges=merges) for merges in range(3)]
    answer = await WorkspaceServiceStub(running.channel).ImportProfiles(iter(requests))
    assert list(answer.profile_ids) == [1, 2, 3]
    encoded = [request.SerializeToString() for request in requests]
    assert running.script.asked == [("import_profiles", "soho", encoded, ImportPart())]


@pytest.mark.parametrize(
    ("import_id", "expected", "part"),
    [
        ("3f2a90b1", "3333000", ImportPart("3f2a90b1", 3_333_000)),
        ("3f2a90b1", "many", ImportPart("3f2a90b1")),
        ("jane@example.com", "12", ImportPart("", 12)),
        ("0123456789abcdef0", "-1", ImportPart()),
        ("3F2A", "1234567890123", ImportPart()),
    ],
)
async def test_import_takes_what_the_caller_tells_the_log(
    running: Running, import_id: str, expected: str, part: ImportPart
) -> None:
    request = workspace_messages.ImportProfilesRequest(workspace="soho")
    metadata = (("x-import-id", import_id), ("x-import-profiles", expected))
    await WorkspaceServiceStub(running.channel).ImportProfiles(iter([request]), metadata=metadata)
    ((_, _, _, told),) = running.script.asked
    assert told == part


async def test_our_client_tells_the_log_as_the_server_reads_it(running: Running) -> None:
    async with UttersonClient(running.address) as client:
        await client.import_profiles("soho", [ImportedProfile([("email", "a")])], import_id="3f", profiles_expected=12)
        await client.import_profiles("soho", [ImportedProfile([("email", "b")])])
    assert [asked[3] for asked in running.script.asked] == [ImportPart("3f", 12), ImportPart()]


async def test_our_client_asks_for_a_dry_run(running: Running) -> None:
    async with UttersonClient(running.address) as client:
        await client.create_workspace("soho", preset="unify", validate_only=True)
        await client.update_policy("soho", Policy.FromString(POLICY), validate_only=True)
    assert [asked[-1] for asked in running.script.asked] == ["dry", "dry"]


async def test_get_profile(running: Running) -> None:
    answer = await ProfileServiceStub(running.channel).GetProfile(
        profile_messages.GetProfileRequest(workspace="soho", profile_id=9, at_least="token"), timeout=5
    )
    ((name, workspace, profile_ids, at_least, timeout_s),) = running.script.asked
    assert (name, workspace, profile_ids, at_least) == ("get_profiles", "soho", [9], "token")
    assert isinstance(timeout_s, float)
    assert 0 < timeout_s < 6  # grpc rounds deadlines up on the wire
    assert answer.merged_into == 7
    profile = answer.profile
    assert (profile.profile_id, profile.known, profile.orphaned, profile.merges) == (7, True, False, 2)
    assert (profile.source_profile_id, profile.create_time) == (5, Timestamp(seconds=1))
    assert dict(profile.traits) == {"plan": "gold"}
    (identifier,) = profile.identifiers
    assert (identifier.identifier.type, identifier.identifier.value) == ("email", "Ed@Example.com")
    assert identifier.normalized_value == "ed@example.com"
    assert identifier.create_time == Timestamp(seconds=2, nanos=1_000)
    assert identifier.last_seen_time == Timestamp(seconds=20_000 * 86_400)


async def test_batch_get_profiles_keeps_the_order(running: Running) -> None:
    answer = await ProfileServiceStub(running.channel).BatchGetProfiles(
        profile_messages.BatchGetProfilesRequest(workspace="soho", profile_ids=[9, 7])
    )
    assert running.script.asked == [("get_profiles", "soho", [9, 7], "", None)]
    assert list(answer.merged_into) == [7, 0]
    assert len(answer.profiles) == 2


async def test_list_traits(running: Running) -> None:
    answer = await ProfileServiceStub(running.channel).ListTraits(
        profile_messages.ListTraitsRequest(
            workspace="soho", profile_id=4, page_size=3, page_token="p", at_least="token"
        )
    )
    assert running.script.asked == [("list_traits", "soho", 4, PageRequest(3, "p", "token"), None)]
    gold, gone = answer.traits
    assert (gold.name, gold.value.string_value, gold.revision, gold.removed) == ("plan", "gold", "r1", False)
    assert gold.event_time == Timestamp(seconds=2, nanos=1_000)
    assert (gone.name, gone.HasField("value"), gone.revision, gone.removed) == ("age", False, "r2", True)
    assert answer.next_page_token == "next"


async def test_list_identifiers(running: Running) -> None:
    answer = await ProfileServiceStub(running.channel).ListIdentifiers(
        profile_messages.ListIdentifiersRequest(workspace="soho", profile_id=4)
    )
    assert running.script.asked == [("list_identifiers", "soho", 4, PageRequest(0, "", ""), None)]
    (identifier,) = answer.identifiers
    assert (identifier.identifier.type, identifier.identifier.value) == ("email", "Ed@Example.com")
    assert (identifier.normalized_value, identifier.create_time.seconds) == ("ed@example.com", 2)
    assert answer.next_page_token == ""


async def test_list_events(running: Running) -> None:
    event = profile_messages.StoredEvent(message_id="m", name="n")
    running.profiles.page = Page([event.SerializeToString()], "next")
    answer = await ProfileServiceStub(running.channel).ListEvents(
        profile_messages.ListEventsRequest(workspace="soho", profile_id=0, page_size=3, page_token="p")
    )
    assert running.script.asked == [("list_events", "soho", 0, 3, "p")]
    assert (list(answer.events), answer.next_page_token) == ([event], "next")


async def test_list_history(running: Running) -> None:
    entry = profile_messages.HistoryEntry(revision="r", decided_by="M6", merged_profile_ids=[3])
    running.profiles.page = Page([entry.SerializeToString()], "")
    answer = await ProfileServiceStub(running.channel).ListHistory(
        profile_messages.ListHistoryRequest(workspace="soho", profile_id=4)
    )
    assert running.script.asked == [("list_history", "soho", 4, 0, "")]
    assert (list(answer.entries), answer.next_page_token) == ([entry], "")


@pytest.mark.parametrize(
    ("time_us", "seconds", "nanos"), [(0, 0, 0), (1, 0, 1_000), (-1, -1, 999_999_000), (1_500_000, 1, 500_000_000)]
)
def test_times_are_exact(time_us: int, seconds: int, nanos: int) -> None:
    assert timestamp(time_us) == Timestamp(seconds=seconds, nanos=nanos)
