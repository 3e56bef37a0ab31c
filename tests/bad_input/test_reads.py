"""Reads: ids, page tokens and revisions that are none, or belong elsewhere."""

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

import pytest
from google.protobuf.message import Message

from tests.bad_input.calls import ID_LIMIT, UNKNOWN_WORKSPACE, invalid
from tests.bad_input.refusals import CANARY, MISSING, Refusal
from tests.bad_input.target import ISOLATION, STRICT, Target
from utterson.internal.v1.token_pb2 import PageToken
from utterson.v1 import profile_service_pb2 as pb
from utterson.v1 import workspace_service_pb2 as workspaces

PROFILES, WORKSPACES = "ProfileService", "WorkspaceService"
NO_PROFILE = Refusal("PROFILE_NOT_FOUND", code=MISSING)
NO_WORKSPACE = Refusal("WORKSPACE_NOT_FOUND", code=MISSING)
NEVER_MADE = 5


async def refuse(target: Target, refusal: Refusal, requests: Sequence[Message]) -> None:
    """Each of the requests must be refused in this way."""
    for request in requests:
        method = request.DESCRIPTOR.name.removesuffix("Request")
        service = WORKSPACES if method in ("ListWorkspaces", "ListPolicyRevisions") else PROFILES
        refusal.check(await target.refused(service, method, request.SerializeToString()))


@pytest.mark.parametrize("profile_id", [0, -1, ID_LIMIT, -(2**63)])
async def test_ids_that_are_none(target: Target, profile_id: int) -> None:
    single = [
        pb.GetProfileRequest(workspace=ISOLATION, profile_id=profile_id),
        pb.ListHistoryRequest(workspace=ISOLATION, profile_id=profile_id),
        pb.ListTraitsRequest(workspace=ISOLATION, profile_id=profile_id),
        pb.ListIdentifiersRequest(workspace=ISOLATION, profile_id=profile_id),
    ]
    if profile_id:
        single.append(pb.ListEventsRequest(workspace=ISOLATION, profile_id=profile_id))
    await refuse(target, invalid("profile_id"), single)
    batch = pb.BatchGetProfilesRequest(workspace=ISOLATION, profile_ids=[NEVER_MADE, profile_id])
    await refuse(target, invalid("profile_ids[1]"), [batch])


async def test_profiles_that_are_not_there(target: Target) -> None:
    elsewhere, here = target.profiles[f"{STRICT} 1"], target.profiles[f"{ISOLATION} 1"]
    for profile_id in (NEVER_MADE, elsewhere):
        requests = [
            pb.GetProfileRequest(workspace=ISOLATION, profile_id=profile_id),
            pb.ListHistoryRequest(workspace=ISOLATION, profile_id=profile_id),
            pb.ListEventsRequest(workspace=ISOLATION, profile_id=profile_id),
            pb.ListTraitsRequest(workspace=ISOLATION, profile_id=profile_id),
            pb.ListIdentifiersRequest(workspace=ISOLATION, profile_id=profile_id),
            pb.BatchGetProfilesRequest(workspace=ISOLATION, profile_ids=[here, profile_id]),
        ]
        await refuse(target, NO_PROFILE, requests)


async def test_a_workspace_that_is_not_there(target: Target) -> None:
    profile_id = target.profiles[f"{ISOLATION} 1"]
    requests = [
        pb.GetProfileRequest(workspace=UNKNOWN_WORKSPACE, profile_id=profile_id),
        pb.BatchGetProfilesRequest(workspace=UNKNOWN_WORKSPACE, profile_ids=[profile_id]),
        pb.ListHistoryRequest(workspace=UNKNOWN_WORKSPACE, profile_id=profile_id),
        pb.ListEventsRequest(workspace=UNKNOWN_WORKSPACE, profile_id=profile_id),
        pb.ListTraitsRequest(workspace=UNKNOWN_WORKSPACE, profile_id=profile_id),
        pb.ListIdentifiersRequest(workspace=UNKNOWN_WORKSPACE, profile_id=profile_id),
        workspaces.ListPolicyRevisionsRequest(workspace=UNKNOWN_WORKSPACE),
    ]
    await refuse(target, NO_WORKSPACE, requests)


@pytest.mark.parametrize("count", [0, 101])
async def test_too_few_or_too_many_profiles(target: Target, count: int) -> None:
    ids = [target.profiles[f"{ISOLATION} 1"]] * count
    await refuse(target, invalid("profile_ids"), [pb.BatchGetProfilesRequest(workspace=ISOLATION, profile_ids=ids)])


async def test_revisions_that_are_none_or_belong_elsewhere(target: Target) -> None:
    here = target.revisions[f"{ISOLATION} 1"]
    bad = [CANARY, "a", "é", "=" * 34, here[:-1], here + "A", here[::-1], target.revisions[f"{STRICT} 1"]]
    for token in bad:
        profile_id = target.profiles[f"{ISOLATION} 1"]
        requests = [
            pb.GetProfileRequest(workspace=ISOLATION, profile_id=profile_id, at_least=token),
            pb.BatchGetProfilesRequest(workspace=ISOLATION, profile_ids=[profile_id], at_least=token),
            pb.ListTraitsRequest(workspace=ISOLATION, profile_id=profile_id, at_least=token),
            pb.ListIdentifiersRequest(workspace=ISOLATION, profile_id=profile_id, at_least=token),
        ]
        await refuse(target, invalid("at_least", reason="REVISION_INVALID"), requests)


async def token_of(target: Target, request: Message) -> str:
    """Ask for a first page that has a second."""
    method = request.DESCRIPTOR.name.removesuffix("Request")
    service = WORKSPACES if method in ("ListWorkspaces", "ListPolicyRevisions") else PROFILES
    answer = await target.send(service, method, request.SerializeToString())
    responses: dict[str, Any] = {
        "ListWorkspaces": workspaces.ListWorkspacesResponse,
        "ListPolicyRevisions": workspaces.ListPolicyRevisionsResponse,
        "ListEvents": pb.ListEventsResponse,
        "ListHistory": pb.ListHistoryResponse,
    }
    token: str = responses[method].FromString(answer).next_page_token
    assert token
    return token


def lists(target: Target) -> list[Any]:
    """Give one request of each list, and of the same list of another workspace or profile."""
    one, other = target.profiles[f"{ISOLATION} 1"], target.profiles[f"{ISOLATION} 2"]
    elsewhere = target.profiles[f"{STRICT} 1"]
    return [
        pb.ListEventsRequest(workspace=ISOLATION, profile_id=one, page_size=1),
        pb.ListEventsRequest(workspace=ISOLATION, profile_id=other, page_size=1),
        pb.ListEventsRequest(workspace=STRICT, profile_id=elsewhere, page_size=1),
        pb.ListHistoryRequest(workspace=ISOLATION, profile_id=one, page_size=1),
        pb.ListHistoryRequest(workspace=ISOLATION, profile_id=other, page_size=1),
        pb.ListHistoryRequest(workspace=STRICT, profile_id=elsewhere, page_size=1),
        workspaces.ListPolicyRevisionsRequest(workspace=ISOLATION, page_size=1),
        workspaces.ListPolicyRevisionsRequest(workspace=STRICT, page_size=1),
        workspaces.ListWorkspacesRequest(page_size=1),
    ]


async def test_page_tokens_of_another_list(target: Target) -> None:
    """A token is taken by its own list alone: not by that of another profile, workspace or kind."""
    tokens = [await token_of(target, request) for request in lists(target)]
    for place, request in enumerate(lists(target)):
        for owner, token in enumerate(tokens):
            request.page_token = token
            if owner == place:
                method = request.DESCRIPTOR.name.removesuffix("Request")
                service = WORKSPACES if method in ("ListWorkspaces", "ListPolicyRevisions") else PROFILES
                await target.send(service, method, request.SerializeToString())
            else:
                await refuse(target, invalid("page_token", reason="PAGE_TOKEN_INVALID"), [request])


async def test_page_tokens_that_are_none(target: Target) -> None:
    good = await token_of(target, workspaces.ListWorkspacesRequest(page_size=1))
    made_up = base64.urlsafe_b64encode(b"\xff" * 12).decode()
    for token in (CANARY, "a", "é", "====", made_up, good[:-2], good.swapcase()):
        for request in lists(target):
            request.page_token = token
            await refuse(target, invalid("page_token", reason="PAGE_TOKEN_INVALID"), [request])


def forged(arguments: Sequence[str | int], position: list[int], text: str) -> str:
    """Make a token as anybody could for a list of 0.1: by a digest without a key."""
    told = "\x00".join(map(str, arguments)).encode()
    proof = hashlib.blake2b(told, digest_size=8, person=b"utterson-page").digest()
    token = PageToken(list=proof, position=position, text_position=text).SerializeToString()
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


async def test_page_tokens_that_somebody_made(target: Target) -> None:
    """Their positions would reach the database as they come."""
    one, below = target.profiles[f"{ISOLATION} 1"], -(2**31) - 5
    events: Sequence[str | int] = ["events", ISOLATION, one]
    history: Sequence[str | int] = ["history", ISOLATION, one]
    traits: Sequence[str | int] = ["traits", ISOLATION, one]
    identifiers: Sequence[str | int] = ["identifiers", ISOLATION, one]
    cases: list[tuple[Any, Sequence[str | int], list[int], str]] = [
        (pb.ListTraitsRequest(workspace=ISOLATION, profile_id=one), traits, [], "a\0b"),
        (pb.ListIdentifiersRequest(workspace=ISOLATION, profile_id=one), identifiers, [0, 0, 2**40], "email"),
        (pb.ListEventsRequest(workspace=ISOLATION, profile_id=one), events, [0, 0, below], ""),
        (pb.ListHistoryRequest(workspace=ISOLATION, profile_id=one), history, [1, below], ""),
        (workspaces.ListPolicyRevisionsRequest(workspace=ISOLATION), ["policies", ISOLATION], [below], ""),
        (workspaces.ListWorkspacesRequest(), ["workspaces"], [], "a\0b"),
        (workspaces.ListWorkspacesRequest(), ["workspaces"], [], ISOLATION),
        (workspaces.ListWorkspacesRequest(), ["workspaces"], [], "nobody"),
    ]
    for request, arguments, position, text in cases:
        request.page_token = forged(arguments, position, text)
        await refuse(target, invalid("page_token", reason="PAGE_TOKEN_INVALID"), [request])


async def test_negative_page_sizes(target: Target) -> None:
    profile_id = target.profiles[f"{ISOLATION} 1"]
    requests: list[Message] = [
        pb.ListEventsRequest(workspace=ISOLATION, profile_id=profile_id, page_size=-1),
        pb.ListHistoryRequest(workspace=ISOLATION, profile_id=profile_id, page_size=-1),
        pb.ListTraitsRequest(workspace=ISOLATION, profile_id=profile_id, page_size=-1),
        pb.ListIdentifiersRequest(workspace=ISOLATION, profile_id=profile_id, page_size=-1),
        workspaces.ListPolicyRevisionsRequest(workspace=ISOLATION, page_size=-1),
        workspaces.ListWorkspacesRequest(page_size=-1),
    ]
    await refuse(target, invalid("page_size"), requests)


@pytest.mark.parametrize(
    "method", ["GetProfile", "BatchGetProfiles", "ListTraits", "ListIdentifiers", "ListEvents", "ListHistory"]
)
async def test_bytes_that_are_no_request(target: Target, method: str) -> None:
    status = await target.refused(PROFILES, method, b"\xff\xff" + CANARY.encode())
    invalid("", reason="MALFORMED_REQUEST").check(status)
