"""Lanes that rest for the memory's sake: who, when, and that nobody notices but by the time it takes."""

import asyncio
import gc
import logging
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.application.conftest import WORKSPACE, Replica, refusal_of, replica_on
from tests.application.fake_engine import BASE_BYTES, FakeState
from utterson.application.lane.keeping import LANE_BYTES
from utterson.application.lane.lane import Lane
from utterson.domain.errors import Reason
from utterson.settings.lanes import LaneSettings

OTHERS = ("acme", "tweed")
# Of a lane with its state, which hardly holds anything.
ONE = LANE_BYTES + BASE_BYTES + 1000


@asynccontextmanager
async def bounded(replica: Replica, url: str, lanes: float, idle_ms: int = 0) -> AsyncIterator[Replica]:
    """A replica with room for so many lanes, and some more workspaces."""
    for workspace in OTHERS:
        await replica.workspaces.create_workspace(workspace, b"policy", None)
    limits = LaneSettings(commit_timeout_ms=5000, state_bytes_max=int(lanes * ONE) or 1, state_idle_ms_min=idle_ms)
    async with replica_on(url, limits) as opened:
        yield opened


def awake(replica: Replica) -> set[str]:
    return {lane.keys.workspace for lane in replica.lanes.open_lanes}


async def settled() -> None:
    """Let everything that is due come to pass."""
    for _ in range(10):
        await asyncio.sleep(0.001)


async def test_whoever_was_not_used_for_longest_rests(replica: Replica, url: str) -> None:
    async with bounded(replica, url, 2.5) as small:
        for workspace in (WORKSPACE, "acme", WORKSPACE, "tweed"):
            await small.call(f"add:{workspace}", workspace)
            await asyncio.sleep(0.002)
        await settled()
        assert awake(small) == {WORKSPACE, "tweed"}
        assert small.lanes.memory_bytes <= 2.5 * ONE
        assert (await small.call("read:acme", "acme"))["serial"] == 1
        await settled()
        assert awake(small) == {"tweed", "acme"}


async def test_with_room_for_all_nobody_rests(replica: Replica, url: str) -> None:
    async with bounded(replica, url, 3.5) as large:
        for workspace in (WORKSPACE, *OTHERS):
            await large.call("add:x", workspace)
        await settled()
        assert awake(large) == {WORKSPACE, *OTHERS}
        assert large.lanes.rests == 0
        lanes = [await large.lanes.lane(workspace) for workspace in (WORKSPACE, *OTHERS)]
        assert large.lanes.memory_bytes == sum(lane.memory_bytes for lane in lanes) > 3 * BASE_BYTES


async def test_nobody_rests_while_a_call_of_theirs_is_under_way(replica: Replica, url: str) -> None:
    async with bounded(replica, url, 1.5) as small:
        await small.call("add:w")
        blocker = await asyncpg.connect(url)
        async with blocker.transaction():
            await blocker.execute("SELECT 1 FROM workspaces WHERE workspace = $1 FOR UPDATE", WORKSPACE)
            writing = asyncio.create_task(small.call("add:x"))
            await asyncio.sleep(0.05)
            waiting = [asyncio.create_task(small.call(f"add:{number}")) for number in range(3)]
            await asyncio.sleep(0.01)
            # Used later, but idle.
            await small.call("add:y", "acme")
            await settled()
            assert awake(small) == {WORKSPACE}
            lane = small.lanes.open_lane(WORKSPACE)
            assert lane is not None
            assert isinstance(lane.state, FakeState)
        await blocker.close()
        answers = [await writing, *await asyncio.gather(*waiting)]
        assert sorted(answer["serial"] for answer in answers) == [2, 3, 4, 5]
        await small.call("add:z", "acme")
        await settled()
        assert awake(small) == {"acme"}


async def test_a_lane_that_somebody_holds_does_not_rest(replica: Replica, url: str) -> None:
    async with bounded(replica, url, 0) as small:
        lane = await small.lane()
        with lane.held():
            await lane.reach(0)
            await settled()
            assert lane.state is not None
        await settled()
        assert lane.state is None
        assert awake(small) == set()


async def test_whoever_has_a_lane_that_rests_wakes_it_and_there_is_no_second(replica: Replica, url: str) -> None:
    async with bounded(replica, url, 0) as small:
        lane = await small.lane()
        await lane.reach(0)
        await settled()
        assert small.lanes.open_lane(WORKSPACE) is None
        assert await small.lanes.lane(WORKSPACE) is lane
        await asyncio.gather(lane.reach(0), small.call("add:x"))
        assert (await small.call("read:x"))["serial"] == 1
        assert small.lanes.rests >= 2


async def test_a_lane_that_nobody_has_is_gone(replica: Replica, url: str) -> None:
    async with bounded(replica, url, 0) as small:
        gc.disable()
        try:
            rested = weakref.ref(await small.lane())
            await small.call("add:x")
            await settled()
            assert rested() is None
        finally:
            gc.enable()
        assert not any(task.get_name() == f"lane {WORKSPACE}" for task in asyncio.all_tasks())


async def test_racing_calls_lose_and_reorder_nothing(replica: Replica, url: str) -> None:
    made: set[Lane] = set()
    async with bounded(replica, url, 0) as small:

        async def caller(workspace: str, name: int) -> None:
            for number in range(20):
                told = await small.call(f"add:{name}-{number}", workspace)
                assert (await small.call(f"read:{name}-{number}", workspace))["serial"] == told["serial"]
                assert (await small.call(f"local:{name}-{number}", workspace))["serial"] == told["serial"]
                made.update(small.lanes.open_lanes)
                await asyncio.sleep(0.001 * (number % 3))

        await asyncio.gather(*(caller(place, name) for place in (WORKSPACE, *OTHERS) for name in range(3)))
        assert small.lanes.rests > 20
        for workspace in (WORKSPACE, *OTHERS):
            lane = await small.lanes.lane(workspace)
            with lane.held():
                await lane.reach(0)
                assert isinstance(lane.state, FakeState)
                assert sorted(lane.state.owners.values()) == list(range(1, 61))
    # Whoever is kept by this test is woken again, and none beside it is made.
    assert len({lane.keys.workspace for lane in made}) == len(made)


async def test_nobody_rests_before_its_time(replica: Replica, url: str) -> None:
    async with bounded(replica, url, 1.2, idle_ms=150) as small:
        await small.call("add:x")
        await small.call("add:x", "acme")
        await settled()
        assert awake(small) == {WORKSPACE, "acme"}
        async with asyncio.timeout(3):
            while len(awake(small)) == 2:
                await small.call("read:x", "acme")
                await asyncio.sleep(0.01)
        assert awake(small) == {"acme"}


async def test_a_state_that_is_too_large_by_itself_is_told_and_stays_longer(
    replica: Replica, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with bounded(replica, url, 0.9, idle_ms=10) as small:
        await small.call("add:x")
        await asyncio.sleep(0.1)
        assert awake(small) == {WORKSPACE}
        assert f"workspace {WORKSPACE}: its state takes" in caplog.text
        async with asyncio.timeout(5):
            while awake(small):
                await asyncio.sleep(0.05)


async def test_a_lane_that_rests_wakes_no_more_after_the_closing(replica: Replica, url: str) -> None:
    async with bounded(replica, url, 0) as small:
        lane = await small.lane()
        await lane.reach(0)
        await settled()
        await small.lanes.close(1)
        assert (await refusal_of(lane.reach(0))).reason is Reason.SHUTTING_DOWN
