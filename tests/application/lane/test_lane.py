"""The lane: batches, order, callers that go away, calls that break it."""

import asyncio
import contextlib

import asyncpg
import pytest

from tests.application.conftest import Replica, refusal_of, replica_on
from utterson.domain.errors import Reason, UttersonError
from utterson.settings.lanes import LaneSettings


async def log_length(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT max(seq) FROM log"))
    finally:
        await connection.close()


async def test_calls_that_wait_together_share_a_commit(replica: Replica, url: str) -> None:
    await replica.call("add:first")
    answers = await asyncio.gather(*(replica.call(f"add:{number}") for number in range(100)))
    assert sorted(answer["serial"] for answer in answers) == list(range(2, 102))
    assert await log_length(url) < 20


async def test_a_lone_caller_never_waits_for_others(replica: Replica, url: str) -> None:
    async with replica_on(url, LaneSettings(gather_ms_max=1000)) as slow:
        started = asyncio.get_running_loop().time()
        for number in range(5):
            await slow.call(f"add:{number}")
        assert asyncio.get_running_loop().time() - started < 0.9


async def test_a_caller_that_leaves_before_its_turn_is_dropped(replica: Replica, url: str) -> None:
    state = await replica.state()
    blocker = await asyncpg.connect(url)
    async with blocker.transaction():
        await blocker.execute("SELECT 1 FROM workspaces FOR UPDATE")
        first = asyncio.create_task(replica.call("add:first"))
        await asyncio.sleep(0.05)
        waiting = [asyncio.create_task(replica.call(f"add:{number}")) for number in range(10)]
        await asyncio.sleep(0.05)
        for task in waiting[:9]:
            task.cancel()
    await blocker.close()
    assert (await first)["serial"] == 1
    assert (await waiting[9])["serial"] == 2
    assert state.decided == [1, 1]
    assert len(state.owners) == 2


async def test_a_caller_that_leaves_after_the_decision_takes_nothing_back(replica: Replica, url: str) -> None:
    await replica.state()
    blocker = await asyncpg.connect(url)
    async with blocker.transaction():
        await blocker.execute("SELECT 1 FROM workspaces FOR UPDATE")
        task = asyncio.create_task(replica.call("add:x"))
        await asyncio.sleep(0.1)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await blocker.close()
    assert (await replica.call("read:x"))["serial"] == 1


async def test_a_storm_of_cancels_leaves_whole_effects_and_an_empty_queue(replica: Replica) -> None:
    tasks = [asyncio.create_task(replica.call(f"add:{number}")) for number in range(500)]
    for number, task in enumerate(tasks):
        if number % 2:
            await asyncio.sleep(0)
            task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(answer, dict) for answer in answers[::2])
    lane = await replica.lane()
    assert lane._queued_calls == 0
    async with asyncio.timeout(5):
        await replica.call("add:last")


async def test_a_full_queue_refuses_with_the_time_to_wait(replica: Replica, url: str) -> None:
    async with replica_on(url, LaneSettings(queue_calls_max=5)) as small:
        await small.state()
        blocker = await asyncpg.connect(url)
        async with blocker.transaction():
            await blocker.execute("SELECT 1 FROM workspaces FOR UPDATE")
            tasks = [asyncio.create_task(small.call("add:0"))]
            await asyncio.sleep(0.05)
            tasks += [asyncio.create_task(small.call(f"add:{number}")) for number in range(1, 6)]
            await asyncio.sleep(0.05)
            with pytest.raises(UttersonError) as caught:
                await small.call("add:6")
            assert caught.value.reason is Reason.QUEUE_FULL
            assert caught.value.retry_after_ms is not None
        await blocker.close()
        assert len(await asyncio.gather(*tasks)) == 6


async def test_closing_finishes_what_waits_and_refuses_the_rest(replica: Replica) -> None:
    tasks = [asyncio.create_task(replica.call(f"add:{number}")) for number in range(50)]
    await asyncio.sleep(0)
    lane = await replica.lane()
    await asyncio.sleep(0)
    await replica.lanes.close(5.0)
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert {answer.reason for answer in answers if isinstance(answer, UttersonError)} <= {Reason.SHUTTING_DOWN}
    assert all(isinstance(answer, dict | UttersonError) for answer in answers)
    assert lane._task.done()
    assert (await refusal_of(replica.call("add:late"))).reason is Reason.SHUTTING_DOWN
