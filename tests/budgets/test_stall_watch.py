"""The watch itself: it notices work and waiting in a callback, names it, and blames nobody for others' load."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest

from tests.budgets.stall_watch import Stall, StallWatch


@pytest.fixture
async def stalls() -> AsyncIterator[list[Stall]]:
    found: list[Stall] = []
    watch = StallWatch(found.append)
    watch.start()
    yield found
    watch.stop()


def work(seconds: float) -> None:
    """Compute for a while."""
    end_s = time.thread_time() + seconds
    while time.thread_time() < end_s:
        pass


async def test_work_and_waiting_are_noticed_and_named(stalls: list[Stall]) -> None:
    for held in (work, time.sleep):
        stalls.clear()
        asyncio.get_running_loop().call_soon(held, 0.06)
        await asyncio.sleep(0.1)
        (stall,) = stalls
        assert 50 < stall.held_ms < 200
        assert held.__name__ in stall.what


async def test_a_task_is_named_and_where_it_was(stalls: list[Stall]) -> None:
    async def greedy() -> None:
        work(0.06)

    await asyncio.create_task(greedy(), name="a task of ours")
    (stall,) = stalls
    assert "a task of ours" in stall.what
    assert "work" in stall.where


async def test_short_steps_and_threads_beside_are_nobodys_stall(stalls: list[Stall]) -> None:
    async def slices() -> None:
        for _ in range(40):
            work(0.003)
            await asyncio.sleep(0)

    beside = threading.Thread(target=time.sleep, args=(0.2,))
    beside.start()
    await slices()
    await asyncio.to_thread(time.sleep, 0.05)
    beside.join()
    assert stalls == []
