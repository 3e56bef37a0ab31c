"""Nothing that a caller sends holds the event loop: what is dear is refused, done in a thread, or done in slices."""

import asyncio
import random
from collections.abc import Callable, Iterator

import grpc
import pytest

from tests.budgets.bombs import WORKSPACE
from tests.budgets.watched import Watched
from tests.server.statuses import told
from utterson.settings.listening import FrontChoice
from utterson.v1 import identifier_pb2, policy_pb2
from utterson.v1 import identity_service_pb2 as identity
from utterson.v1 import profile_service_pb2 as profiles
from utterson.v1 import workspace_service_pb2 as workspaces

# What clients of gRPC take unless told otherwise.
ANSWER_BYTES_MAX = 4 * 1024 * 1024
HELD = 25_000
GRPC_STALL_MS_MAX = 30.0


def policy(expressions: int, make: Callable[[int], str], lists: int = 1) -> policy_pb2.Policy:
    """Make a policy of lists of expressions."""
    made = policy_pb2.Policy(merge=policy_pb2.MergeStrategy())
    for place in range(lists):
        blocked = made.identifier_types.add(name=f"t{place}").blocked
        blocked.extend(policy_pb2.BlockedValue(regex=make(number)) for number in range(expressions))
    return made


# Policies that took seconds to refuse, or were accepted and then took a minute for one batch.
REFUSED = {
    "words in great number": policy(200, lambda number: rf"\w{{28}}{number}", lists=5),
    "classes, whatever the case": policy(200, lambda number: rf"(?i)[\pL\pN\pS]{{10}}{number}", lists=5),
    "too large": policy(200, lambda number: rf"\w{{200}}\w{{200}}\w{{200}}\w{{200}}{number}", lists=5),
    "repeats in repeats": policy(200, lambda number: rf"(?:[\pL\d_]{{50}}){{50}}{number}", lists=5),
    "a state for every past": policy(200, lambda number: f"[01]*1[01]{{{12 + number % 30}}}y{number}"),
    "counting back": policy(200, lambda number: f"(?s-u:a[ab]{{{20 + number % 60}}})b{number}"),
}
ACCEPTED = {
    "ordinary": policy(200, lambda number: f"^[0-{number % 9}]*x{number}$"),
    "alternatives": policy(20, lambda number: "|".join(f"[a-z]{{{one % 20 + 1}}}x{number}" for one in range(20))),
    "words": policy(40, lambda number: rf"^\w{{1,3}}-{number}$"),
}


@pytest.fixture(autouse=True)
async def nobody_waits(server: Watched, front: FrontChoice) -> object:
    """Whatever a test does, the loop was never held; gRPC's library copies what it answers on the loop."""
    allowed_ms = GRPC_STALL_MS_MAX if front is FrontChoice.OFF else 0.0
    await asyncio.sleep(0.1)
    server.new_stalls()
    yield
    await asyncio.sleep(0.1)
    assert [stall for stall in server.new_stalls() if float(stall.split()[0]) > allowed_ms] == []


async def create(server: Watched, name: str, made: policy_pb2.Policy) -> None:
    request = workspaces.CreateWorkspaceRequest(workspace=name, policy=made)
    await server.send("WorkspaceService/CreateWorkspace", request.SerializeToString())


@pytest.mark.parametrize("name", REFUSED)
async def test_a_policy_that_would_be_dear_is_refused(server: Watched, name: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(server, "dear", REFUSED[name])
    assert told(caught.value).reason == "POLICY_INVALID"


@pytest.mark.parametrize("name", ACCEPTED)
async def test_an_accepted_policy_costs_little_a_value(server: Watched, name: str) -> None:
    workspace = f"a-{name}"
    await create(server, workspace, ACCEPTED[name])
    rng = random.Random(name)
    calls = [
        identity.Call(
            identify=identity.IdentifyRequest(
                validate_only=True,
                identifiers=[
                    identifier_pb2.Identifier(type="t0", value="".join(rng.choices("01abx漢", k=250)))
                    for _ in range(32)
                ],
            )
        )
        for _ in range(300)
    ]
    request = identity.BatchResolveRequest(workspace=workspace, calls=calls).SerializeToString()
    async with asyncio.timeout(10):
        answer = identity.BatchResolveResponse.FromString(await server.send("IdentityService/BatchResolve", request))
    assert all(result.HasField("resolution") for result in answer.results)


async def test_a_batch_of_many_identifiers(server: Watched) -> None:
    """Ten thousand new ones at once. What is more takes long to hand to the database: 2 to 3 ms a megabyte."""

    def call(number: int) -> identity.Call:
        values = (f"{number}-{place}-" + "x" * 30 for place in range(10))
        identifiers = [
            identifier_pb2.Identifier(type=f"type{place}", value=value) for place, value in enumerate(values)
        ]
        return identity.Call(identify=identity.IdentifyRequest(identifiers=identifiers))

    request = identity.BatchResolveRequest(workspace=WORKSPACE, calls=[call(number) for number in range(1_000)])
    answer = await server.send("IdentityService/BatchResolve", request.SerializeToString())
    results = identity.BatchResolveResponse.FromString(answer).results
    assert {result.resolution.outcome for result in results} == {1}


async def test_explanations_are_left_out_where_they_grow_too_long(server: Watched) -> None:
    identifiers = [identifier_pb2.Identifier(type=f"type{place}", value="x" * 500) for place in range(8)]
    explained = identity.IdentifyRequest(identifiers=identifiers, explain=True, validate_only=True)
    request = identity.BatchResolveRequest(workspace=WORKSPACE, calls=[identity.Call(identify=explained)] * 1_000)
    answer = await server.send("IdentityService/BatchResolve", request.SerializeToString())
    resolutions = [result.resolution for result in identity.BatchResolveResponse.FromString(answer).results]
    told = [one.HasField("explanation") for one in resolutions]
    assert told[0]
    assert not told[-1]
    assert told == sorted(told, reverse=True)
    assert all(one.HasField("explanation") != bool(one.warnings) for one in resolutions)


async def test_a_batch_that_is_wrong_all_over(server: Watched) -> None:
    wrong = identity.IdentifyRequest(identifiers=[identifier_pb2.Identifier()] * 32)
    request = identity.BatchResolveRequest(workspace=WORKSPACE, calls=[identity.Call(identify=wrong)] * 1_000)
    answer = await server.send("IdentityService/BatchResolve", request.SerializeToString())
    results = identity.BatchResolveResponse.FromString(answer).results
    assert all(result.HasField("error") for result in results)


def many(identifiers: int) -> Iterator[identifier_pb2.Identifier]:
    """Make identifiers of one profile."""
    return (identifier_pb2.Identifier(type="email", value=f"{number}@large.example") for number in range(identifiers))


async def test_a_profile_of_many_identifiers_is_told_in_part(server: Watched) -> None:
    upload = workspaces.ImportProfilesRequest(workspace=WORKSPACE, identifiers=many(HELD))
    answer = await server.upload("WorkspaceService/ImportProfiles", [upload.SerializeToString()])
    (profile_id,) = workspaces.ImportProfilesResponse.FromString(answer).profile_ids
    asked = profiles.GetProfileRequest(workspace=WORKSPACE, profile_id=profile_id)
    answer = await server.send("ProfileService/GetProfile", asked.SerializeToString())
    profile = profiles.GetProfileResponse.FromString(answer).profile
    assert len(answer) < ANSWER_BYTES_MAX
    assert profile.identifiers_truncated
    assert not profile.traits_truncated
    assert 1_000 < len(profile.identifiers) < HELD
    batch = profiles.BatchGetProfilesRequest(workspace=WORKSPACE, profile_ids=[profile_id] * 5)
    answer = await server.send("ProfileService/BatchGetProfiles", batch.SerializeToString())
    assert len(answer) < ANSWER_BYTES_MAX
    same = profiles.BatchGetProfilesResponse.FromString(answer).profiles
    assert same == [profile] * 5, "each as it is told alone"


async def test_pages_are_cut_by_bytes(server: Watched) -> None:
    """Policies of a megabyte each: each page is an answer that every client takes, and none is left out."""
    large = policy_pb2.Policy(merge=policy_pb2.MergeStrategy())
    for place in range(5):
        blocked = large.identifier_types.add(name=f"t{place}").blocked
        blocked.extend(policy_pb2.BlockedValue(exact=f"{number}-" + "x" * 1_000) for number in range(200))
    await create(server, "large", large)
    for number in range(4):
        large.identifier_types[0].blocked[0].exact = f"changed {number}"
        change = workspaces.UpdatePolicyRequest(workspace="large", policy=large)
        await server.send("WorkspaceService/UpdatePolicy", change.SerializeToString())
    revisions, token = list[int](), ""
    while True:
        asked = workspaces.ListPolicyRevisionsRequest(workspace="large", page_token=token)
        answer = await server.send("WorkspaceService/ListPolicyRevisions", asked.SerializeToString())
        assert len(answer) < ANSWER_BYTES_MAX
        page = workspaces.ListPolicyRevisionsResponse.FromString(answer)
        revisions += [revision.policy_revision for revision in page.policy_revisions]
        token = page.next_page_token
        if not token:
            break
    assert revisions == [5, 4, 3, 2, 1]
