"""Reads in a turn of the lane: on a confirmed state, again until the tables show the same head."""

import pytest

from tests.application.conftest import WORKSPACE, Replica
from utterson.application.reads.operations import FindProfiles, ReadInTurn
from utterson.application.reads.profile_reading import ProfileReading


async def reading_of(replica: Replica, *profile_ids: int) -> ProfileReading:
    lane = await replica.lane()
    return ProfileReading(replica.store.profiles, lambda: lane.keys, profile_ids)


async def test_profiles_are_found_in_the_order_asked(replica: Replica) -> None:
    for value in ("a", "b"):
        await replica.call(f"add:{value}")
    operation = FindProfiles([2, 77, 1, 2])
    await (await replica.lane()).run(operation)
    assert [view and view.profile_id for view in operation.views] == [2, None, 1, 2]


async def test_a_search_finds_what_another_replica_has_just_written(replica: Replica, other: Replica) -> None:
    await other.call("read:x")
    await replica.call("add:x")
    operation = FindProfiles([1])
    await (await other.lane()).run(operation)
    assert operation.views[0] is not None


async def test_a_search_writes_nothing_and_is_always_confirmed(replica: Replica) -> None:
    state = await replica.state()
    operation = FindProfiles([1])
    assert await operation.decide(state, 0, bytes(16)) is None
    assert all(operation.needs_confirmation(default_strong=strong) for strong in (True, False))


async def test_a_read_asks_for_a_confirmation_until_it_was_made(replica: Replica, other: Replica) -> None:
    state = await other.state()
    await replica.call("add:x")
    operation = ReadInTurn(reading := await reading_of(other, 1))
    assert await operation.decide(state, 0, bytes(16)) is None
    assert not reading.done, "the tables were ahead of the state"
    assert operation.needs_confirmation(default_strong=False)
    await (await other.lane()).run(operation)
    assert reading.done
    assert not operation.needs_confirmation(default_strong=True)
    assert [record.identifiers[0].raw_value for record in await reading.records()] == ["x"]


async def test_a_read_takes_a_turn_where_the_state_falls_behind_beside_the_lane(
    replica: Replica, other: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    await replica.call("add:x")
    lane = await other.lane()
    await other.state()

    async def reach(_self: object, _seq: int) -> None:
        return None

    with monkeypatch.context() as patched:
        patched.setattr(type(lane), "state", None)
        patched.setattr(type(lane), "reach", reach)
        (record,) = await other.profiles.get_profiles(WORKSPACE, [1], "", None)
    assert record.profile_id == 1
