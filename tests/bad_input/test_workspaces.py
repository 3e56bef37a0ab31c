"""Workspaces and their policies: every fault of a policy named, and nothing changed by a refused update."""

import grpc
import pytest
from google.rpc import status_pb2

from tests.bad_input.calls import UNKNOWN_WORKSPACE, invalid
from tests.bad_input.policies import POLICIES, BadPolicy
from tests.bad_input.refusals import CANARY, MISSING, PRECONDITION, Refusal
from tests.bad_input.target import ISOLATION, MERGE, MERGE_POLICY, Target
from tests.bad_input.target import POLICIES as GOOD_POLICIES
from tests.server.statuses import details_of
from utterson.v1 import policy_pb2
from utterson.v1 import workspace_service_pb2 as pb

SERVICE = "WorkspaceService"
NEW = "a-new-one"
GONE = Refusal("WORKSPACE_NOT_FOUND", code=MISSING)


@pytest.mark.parametrize("bad", POLICIES, ids=lambda bad: bad.name)
async def test_a_policy_that_contradicts_itself(target: Target, bad: BadPolicy) -> None:
    made = pb.CreateWorkspaceRequest(workspace=NEW, policy=bad.policy)
    updated = pb.UpdatePolicyRequest(workspace=MERGE, policy=bad.policy)
    for method, request in (
        ("CreateWorkspace", made.SerializeToString()),
        ("UpdatePolicy", updated.SerializeToString()),
    ):
        status = await target.refused(SERVICE, method, request)
        refusal = invalid(*sorted(bad.fields), reason="POLICY_INVALID")
        _sorted(refusal, status).check(status)


def _sorted(refusal: Refusal, status: status_pb2.Status) -> Refusal:
    """Take the faults in whatever order they are told."""
    told = tuple(fault.field for fault in details_of(status)["BadRequest"].field_violations)
    assert sorted(told) == sorted(refusal.fields)
    return Refusal(refusal.reason, told, refusal.code)


@pytest.mark.parametrize(
    ("workspace", "fields"), [("", ("workspace",)), (f"X{CANARY}", ("workspace",)), ("w" * 64, ("workspace",))]
)
async def test_a_malformed_name(target: Target, workspace: str, fields: tuple[str, ...]) -> None:
    for method, request in (
        ("CreateWorkspace", pb.CreateWorkspaceRequest(workspace=workspace, preset="unify")),
        ("GetWorkspace", pb.GetWorkspaceRequest(workspace=workspace)),
        ("UpdatePolicy", pb.UpdatePolicyRequest(workspace=workspace, policy=MERGE_POLICY)),
        ("ListPolicyRevisions", pb.ListPolicyRevisionsRequest(workspace=workspace)),
    ):
        invalid(*fields).check(await target.refused(SERVICE, method, request.SerializeToString()))


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (pb.CreateWorkspaceRequest(workspace=NEW), ("policy_source",)),
        (pb.CreateWorkspaceRequest(workspace=NEW, preset=CANARY), ("preset",)),
        (pb.CreateWorkspaceRequest(workspace=NEW, preset=""), ("preset",)),
        (pb.CreateWorkspaceRequest(workspace=NEW, preset=CANARY + "x" * 256), ("preset",)),
        (pb.CreateWorkspaceRequest(workspace=NEW, preset=f"{CANARY}\0"), ("preset",)),
    ],
    ids=["neither", "unknown", "empty", "long", "U+0000"],
)
async def test_a_policy_from_nowhere(
    target: Target, request_: pb.CreateWorkspaceRequest, fields: tuple[str, ...]
) -> None:
    invalid(*fields).check(await target.refused(SERVICE, "CreateWorkspace", request_.SerializeToString()))


async def test_a_workspace_that_exists(target: Target) -> None:
    request = pb.CreateWorkspaceRequest(workspace=MERGE, preset="unify")
    refusal = Refusal("WORKSPACE_EXISTS", code=grpc.StatusCode.ALREADY_EXISTS)
    refusal.check(await target.refused(SERVICE, "CreateWorkspace", request.SerializeToString()))


async def test_a_workspace_that_does_not_exist(target: Target) -> None:
    for method, request in (
        ("GetWorkspace", pb.GetWorkspaceRequest(workspace=UNKNOWN_WORKSPACE)),
        ("UpdatePolicy", pb.UpdatePolicyRequest(workspace=UNKNOWN_WORKSPACE, policy=MERGE_POLICY)),
        ("ListPolicyRevisions", pb.ListPolicyRevisionsRequest(workspace=UNKNOWN_WORKSPACE)),
    ):
        GONE.check(await target.refused(SERVICE, method, request.SerializeToString()))


async def test_an_update_without_a_policy(target: Target) -> None:
    request = pb.UpdatePolicyRequest(workspace=MERGE)
    invalid("policy").check(await target.refused(SERVICE, "UpdatePolicy", request.SerializeToString()))


@pytest.mark.parametrize("etag", [CANARY, "0" * 24])
async def test_an_etag_of_another_policy(target: Target, etag: str) -> None:
    request = pb.UpdatePolicyRequest(workspace=MERGE, policy=MERGE_POLICY, etag=etag)
    refusal = Refusal("ETAG_MISMATCH", code=grpc.StatusCode.ABORTED)
    refusal.check(await target.refused(SERVICE, "UpdatePolicy", request.SerializeToString()))


async def test_changes_that_stored_profiles_forbid(target: Target) -> None:
    normalised = policy_pb2.Policy()
    normalised.CopyFrom(GOOD_POLICIES[ISOLATION])
    normalised.identifier_types[3].normalization = policy_pb2.NORMALIZATION_LOWER
    region = policy_pb2.Policy()
    region.CopyFrom(GOOD_POLICIES[ISOLATION])
    region.identifier_types[2].region = "FR"
    for policy, subject in (
        (MERGE_POLICY, "policy"),
        (normalised, "policy.identifier_types[3].normalization"),
        (region, "policy.identifier_types[2].region"),
    ):
        request = pb.UpdatePolicyRequest(workspace=ISOLATION, policy=policy)
        status = await target.refused(SERVICE, "UpdatePolicy", request.SerializeToString())
        Refusal("POLICY_CHANGE_FORBIDDEN", code=PRECONDITION).check(status)
        assert subject in str(status)


@pytest.mark.parametrize("garbage", [b"\xff\xff", b"\x0a\x05" + CANARY.encode()[:2]], ids=["garbage", "cut off"])
@pytest.mark.parametrize(
    "method", ["CreateWorkspace", "GetWorkspace", "ListWorkspaces", "UpdatePolicy", "ListPolicyRevisions"]
)
async def test_bytes_that_are_no_request(target: Target, method: str, garbage: bytes) -> None:
    invalid("", reason="MALFORMED_REQUEST").check(await target.refused(SERVICE, method, garbage))
