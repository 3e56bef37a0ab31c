"""Lanes: one for a workspace, found with one reading however many ask at once."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.application.conftest import WORKSPACE, Replica, refusal_of
from tests.application.lane.reading import Reading
from utterson.domain.chain import FailureKind, StoredWorkspace, StoreFailureError
from utterson.domain.errors import Reason


@pytest.fixture
def reading(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> Reading:
    return Reading(replica, monkeypatch)


async def test_all_who_ask_at_once_share_one_reading_and_one_lane(replica: Replica, reading: Reading) -> None:
    lanes = await asyncio.gather(*(replica.lanes.lane(WORKSPACE) for _ in range(20)))
    assert len(set(lanes)) == 1
    assert reading.names == [WORKSPACE]
    assert await replica.lanes.lane(WORKSPACE) is lanes[0]
    assert reading.names == [WORKSPACE]


async def test_a_lane_is_told_once_it_is_open(replica: Replica) -> None:
    assert replica.lanes.open_lane(WORKSPACE) is None
    assert list(replica.lanes.open_lanes) == []
    lane = await replica.lanes.lane(WORKSPACE)
    assert replica.lanes.open_lane(WORKSPACE) is lane
    assert list(replica.lanes.open_lanes) == [lane]


async def test_who_goes_away_leaves_the_reading_to_the_others(replica: Replica, reading: Reading) -> None:
    reading.opened.clear()
    first, second = (asyncio.create_task(replica.lanes.lane(WORKSPACE)) for _ in range(2))
    await reading.asked()
    first.cancel()
    await asyncio.wait({first})
    reading.opened.set()
    assert (await second).keys.workspace == WORKSPACE
    assert reading.names == [WORKSPACE]


async def test_a_workspace_that_is_made_later_is_found_then(replica: Replica) -> None:
    assert (await refusal_of(replica.lanes.lane("acme"))).reason is Reason.WORKSPACE_NOT_FOUND
    await replica.workspaces.create_workspace("acme", b"policy", None)
    assert (await replica.lanes.lane("acme")).keys.workspace == "acme"


async def test_a_reading_that_failed_is_made_again(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(workspaces: Sequence[str]) -> dict[str, StoredWorkspace]:
        raise StoreFailureError(FailureKind.UNKNOWN, "08006")

    with monkeypatch.context() as patched:
        patched.setattr(replica.store.workspaces, "named", away)
        assert (await refusal_of(replica.lanes.lane(WORKSPACE))).reason is Reason.STORE_UNAVAILABLE
    assert (await replica.lanes.lane(WORKSPACE)).keys.workspace == WORKSPACE


async def test_none_is_opened_after_the_closing_nor_while_it_was_read(replica: Replica, reading: Reading) -> None:
    reading.opened.clear()
    opening = asyncio.create_task(replica.lanes.lane(WORKSPACE))
    await reading.asked()
    await replica.lanes.close(1)
    reading.opened.set()
    assert (await refusal_of(opening)).reason is Reason.SHUTTING_DOWN
    assert (await refusal_of(replica.lanes.lane("acme"))).reason is Reason.SHUTTING_DOWN
    assert reading.names == [WORKSPACE]
    assert list(replica.lanes.open_lanes) == []
