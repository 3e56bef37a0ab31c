"""The most that the rules let in, and after merges much more: all of it is read by a client with gRPC's own bounds."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from tests.crashes.in_process import served
from tests.listeners import FRONTS
from utterson.client import CallRefused, ImportedProfile, UttersonClient
from utterson.v1 import error_reason_pb2 as reasons
from utterson.v1 import profile_service_pb2 as pb
from utterson.v1 import profile_service_pb2_grpc
from utterson.v1.policy_pb2 import MergeStrategy, Policy

WORKSPACE = "soho"
MIB = 1024 * 1024
TRAITS = 1_000
TRAITS_A_CALL = 62
# With its name, a thousandth of a MiB less a little.
VALUE = "v" * 1_020
EVENTS = 70
PROPERTY = "p" * 60_000
IDENTIFIERS = 3_000
PARTS = 4


@dataclass
class Largest:
    """A server with a very large profile: four of 1,000 traits, 1 MiB, joined, with 3,000 identifiers and 70 events."""

    client: UttersonClient
    reads: "profile_service_pb2_grpc.ProfileServiceAsyncStub"
    profile_id: int
    smaller_id: int

    async def all_pages(self, method: str, items: str) -> list[Any]:
        """Read a list to its end, by a client that takes what gRPC takes unless told otherwise."""
        request = getattr(pb, f"{method}Request")(workspace=WORKSPACE, profile_id=self.profile_id, page_size=1_000)
        found: list[Any] = []
        while True:
            page = await getattr(self.reads, method)(request)
            assert getattr(page, items)
            found += getattr(page, items)
            request.page_token = page.next_page_token
            if not request.page_token:
                return found


async def write_traits(client: UttersonClient, part: int) -> None:
    for first in range(0, TRAITS, TRAITS_A_CALL):
        names = range(first, min(first + TRAITS_A_CALL, TRAITS))
        traits = {f"t{part}.{number:04}": VALUE for number in names}
        await client.identify(WORKSPACE, [("user", str(part))], traits=traits)


@pytest.fixture(params=FRONTS, ids=lambda front: f"front-{front}")
async def largest(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Largest]:
    policy = Policy(merge=MergeStrategy(max_identifiers=0))
    async with served(database_url, front=request.param) as address, UttersonClient(address) as client:
        await client.create_workspace(WORKSPACE, policy=policy)
        devices = [("device", f"{number:04}" + "d" * 500) for number in range(IDENTIFIERS)]
        imported = ImportedProfile([*devices, ("user", "0")])
        async with grpc.aio.insecure_channel(address) as channel:
            reads = profile_service_pb2_grpc.ProfileServiceStub(channel)
            (profile_id,) = await client.import_profiles(WORKSPACE, [imported])
            for part in range(PARTS):
                await write_traits(client, part)
            for number in range(EVENTS):
                await client.track(
                    WORKSPACE, [("user", "0")], "walk", properties={"p": PROPERTY}, message_id=str(number)
                )
            await client.identify(WORKSPACE, [("user", "9")], traits={"t": "v"})
            smaller = await client.identify(WORKSPACE, [("user", "8")], traits={"t": "v"})
            joined = await client.identify(WORKSPACE, [("user", str(part)) for part in range(PARTS)])
            assert joined.profile_id == profile_id
            yield Largest(client, reads, profile_id, smaller.profile_id)


async def test_everything_is_read_with_the_bounds_of_grpc(largest: Largest) -> None:
    found = await largest.reads.GetProfile(pb.GetProfileRequest(workspace=WORKSPACE, profile_id=largest.profile_id))
    assert found.ByteSize() < 3 * MIB
    assert found.profile.traits_truncated
    assert found.profile.identifiers_truncated
    # The newest were those of the last part.
    assert {name for name in found.profile.traits.fields if name.startswith("t3.")} == {
        f"t3.{number:04}" for number in range(TRAITS)
    }
    traits = await largest.all_pages("ListTraits", "traits")
    assert [trait.name for trait in traits] == [
        f"t{part}.{number:04}" for part in range(PARTS) for number in range(TRAITS)
    ]
    assert {trait.value.string_value for trait in traits} == {VALUE}
    identifiers = await largest.all_pages("ListIdentifiers", "identifiers")
    values = [one.identifier.value for one in identifiers if one.identifier.type == "device"]
    assert sorted(values) == [f"{number:04}" + "d" * 500 for number in range(IDENTIFIERS)]
    assert len(identifiers) == IDENTIFIERS + PARTS
    told = [(one.identifier.type, one.identifier.value) for one in found.profile.identifiers]
    assert told == [(one.identifier.type, one.identifier.value) for one in identifiers[: len(told)]], "the first ones"
    events = await largest.all_pages("ListEvents", "events")
    assert {event.message_id for event in events} == {str(number) for number in range(EVENTS)}
    # The import, a call for each 62 traits of four profiles, the events and the merge.
    assert len(await largest.all_pages("ListHistory", "entries")) == 1 + PARTS * 17 + EVENTS + 1


async def test_the_client_walks_both_lists(largest: Largest) -> None:
    traits = [(one.name, one.removed) async for one in largest.client.list_traits(WORKSPACE, largest.smaller_id)]
    assert traits == [("t", False)]
    made = [trait.name async for trait in largest.client.list_traits(WORKSPACE, largest.profile_id, page_size=900)]
    assert len(made) == len(set(made)) == PARTS * TRAITS
    listed = largest.client.list_identifiers(WORKSPACE, largest.profile_id, page_size=700)
    assert len([one async for one in listed]) == IDENTIFIERS + PARTS


async def test_a_full_profile_takes_no_further_trait_and_every_other_call(largest: Largest) -> None:
    user = [("user", "1")]
    for traits in ({"another": "v"}, {"t1.0000": VALUE + "more"}, {"another": None}):
        with pytest.raises(CallRefused) as caught:
            await largest.client.identify(WORKSPACE, user, traits=traits)
        assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION
        assert caught.value.reason == reasons.ERROR_REASON_LIMIT_EXCEEDED
        assert VALUE[:9] not in str(caught.value)
    await largest.client.identify(WORKSPACE, user, traits={"t1.0000": "short"})
    await largest.client.identify(WORKSPACE, [*user, ("device", "new")])
    await largest.client.track(WORKSPACE, user, "walk")


async def test_several_that_do_not_fit_are_refused_with_the_number_that_does(largest: Largest) -> None:
    def batch(*profile_ids: int) -> pb.BatchGetProfilesRequest:
        return pb.BatchGetProfilesRequest(workspace=WORKSPACE, profile_ids=profile_ids)

    few, many = largest.smaller_id, largest.profile_id
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await largest.reads.BatchGetProfiles(batch(few, many, few, many, few))
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "ask for the first 3" in (caught.value.details() or "")
    told = await largest.reads.BatchGetProfiles(batch(few, many, few))
    assert told.ByteSize() < 3 * MIB
    alone = await largest.reads.GetProfile(pb.GetProfileRequest(workspace=WORKSPACE, profile_id=many))
    assert told.profiles[1] == alone.profile, "each as GetProfile tells it"
    hundred = await largest.reads.BatchGetProfiles(batch(*[few] * 100))
    assert len(hundred.profiles) == 100
