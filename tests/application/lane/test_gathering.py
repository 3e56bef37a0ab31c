"""Gathering: nobody waits who is alone, and nobody longer than the limit."""

import asyncio

import pytest

from utterson.application.lane.gathering import CALLS_ENOUGH, DRAIN_MS_MAX, DRAIN_MS_MIN, Gathering
from utterson.settings.lanes import LaneSettings

GATHER_MS = 100


def now_s() -> float:
    return asyncio.get_running_loop().time()


def after_a_turn_of(callers: int, gather_ms_max: int = GATHER_MS) -> Gathering:
    gathering = Gathering(LaneSettings(gather_ms_max=gather_ms_max))
    gathering.released(callers, 0, callers, now_s())
    return gathering


async def is_waiting(waiting: "asyncio.Task[None]") -> bool:
    for _ in range(3):
        await asyncio.sleep(0)
    return not waiting.done()


async def test_the_first_caller_never_waits() -> None:
    started_at_s = now_s()
    await Gathering(LaneSettings(gather_ms_max=1_000)).wait(1, 1)
    assert now_s() - started_at_s < 1


async def test_callers_of_the_last_turn_are_waited_for_but_for_a_quarter() -> None:
    gathering = after_a_turn_of(8)
    waiting = asyncio.create_task(gathering.wait(1, 1))
    assert await is_waiting(waiting)
    gathering.arrived(5, 5)
    assert await is_waiting(waiting)
    gathering.arrived(6, 6)
    assert not await is_waiting(waiting)


async def test_those_who_wait_already_are_expected_too() -> None:
    gathering = Gathering(LaneSettings(gather_ms_max=GATHER_MS))
    gathering.released(4, 4, 4, now_s())
    assert not gathering.is_enough(5, 5)
    assert gathering.is_enough(6, 6)


async def test_a_batch_that_is_worth_its_commit_goes_at_once() -> None:
    gathering = after_a_turn_of(100)
    assert not gathering.is_enough(1, CALLS_ENOUGH - 1)
    assert gathering.is_enough(1, CALLS_ENOUGH)


async def test_who_does_not_come_back_is_not_waited_for_longer_than_the_limit() -> None:
    gathering = after_a_turn_of(8, gather_ms_max=30)
    started_at_s = now_s()
    await gathering.wait(1, 1)
    # The loop's clock knows whole milliseconds only.
    assert now_s() - started_at_s >= 0.028


async def test_nothing_is_waited_for_where_that_is_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the clock stands still: not even for a round of the loop."""
    loop, at_s = asyncio.get_running_loop(), now_s()
    with monkeypatch.context() as patched:
        patched.setattr(loop, "time", lambda: at_s)
        waiting = after_a_turn_of(8, gather_ms_max=0).wait(1, 1)
        with pytest.raises(StopIteration):
            waiting.send(None)


async def test_after_a_pause_nobody_is_expected() -> None:
    gathering = after_a_turn_of(8, gather_ms_max=20)
    await asyncio.sleep(0.05)
    waiting = asyncio.create_task(gathering.wait(1, 1))
    assert not await is_waiting(waiting)


async def test_the_time_to_drain_follows_the_measured_pace_between_its_bounds() -> None:
    gathering = Gathering(LaneSettings())
    at_first_ms = gathering.drain_ms(1000)
    for _ in range(50):
        gathering.released(1, 0, 100, now_s() - 1.0)
    assert gathering.drain_ms(100) > at_first_ms / 2
    assert 900 < gathering.drain_ms(100) < 1100
    assert gathering.drain_ms(0) == DRAIN_MS_MIN
    assert gathering.drain_ms(1_000_000) == DRAIN_MS_MAX


async def test_a_turn_without_calls_tells_no_pace() -> None:
    gathering = Gathering(LaneSettings())
    before_ms = gathering.drain_ms(1000)
    gathering.released(1, 0, 0, now_s() - 10)
    assert gathering.drain_ms(1000) == before_ms
