"""One consistent reading: what the state promises is in the tables, or the state is not trusted."""

import asyncpg
import pytest

from tests.application.conftest import WORKSPACE, Replica, refusal_of
from utterson.application.reads.profile_reading import ProfileReading
from utterson.domain.errors import Reason, UttersonError


async def test_a_state_that_promises_a_row_that_is_gone(replica: Replica, url: str) -> None:
    await replica.call("add:a")
    state = await replica.state()
    connection = await asyncpg.connect(url)
    await connection.execute("DELETE FROM identifiers")
    await connection.close()
    error = await refusal_of(replica.profiles.get_profiles(WORKSPACE, [1], "", None))
    assert error.reason is Reason.INTERNAL_FAULT
    assert (await replica.lane()).state is not state


async def reading_of(replica: Replica, *profile_ids: int) -> ProfileReading:
    lane = await replica.lane()
    return ProfileReading(replica.store.profiles, lambda: lane.keys, profile_ids)


async def test_profiles_are_told_in_the_order_asked_and_as_often(replica: Replica) -> None:
    for value in ("a", "b"):
        await replica.call(f"add:{value}")
    state = await replica.state()
    reading = await reading_of(replica, 2, 1, 2)
    assert await reading.read(lambda: state) == state.head
    assert [record.identifiers[0].raw_value for record in await reading.records()] == ["b", "a", "b"]


async def test_a_state_at_another_head_reads_nothing_and_learns_the_head(replica: Replica, other: Replica) -> None:
    behind = await other.state()
    await replica.call("add:a")
    reading = await reading_of(other, 1)
    head = await reading.read(lambda: behind)
    assert (head.seq, behind.head.seq) == (1, 0)
    assert not reading.done
    assert await reading.read(lambda: None) == head
    assert not reading.done
    state = await replica.state()
    await reading.read(lambda: state)
    assert reading.done


async def test_nothing_is_told_before_the_reading(replica: Replica) -> None:
    with pytest.raises(RuntimeError):
        await (await reading_of(replica, 1)).records()


async def test_the_first_that_nobody_knows_is_named(replica: Replica) -> None:
    await replica.call("add:a")
    state = await replica.state()
    reading = await reading_of(replica, 1, 77, 78)
    await reading.read(lambda: state)
    with pytest.raises(UttersonError) as caught:
        await reading.records()
    assert caught.value.reason is Reason.PROFILE_NOT_FOUND
    assert caught.value.resource is not None
    assert caught.value.resource.name == "77"
