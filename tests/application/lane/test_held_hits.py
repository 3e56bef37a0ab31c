"""Strong hits of a lane that has nothing else to do: confirmed by one look at the head, without a turn of the lane."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.application.conftest import Replica, replica_on
from utterson.domain.chain import FailureKind, Head, StoreFailureError, WorkspaceKeys
from utterson.domain.errors import Reason, UttersonError
from utterson.settings.lanes import LaneSettings

WHENEVER = LaneSettings(staleness_ms=60_000)


class WatchedLog:
    """A log whose look-ups of heads are counted, can be held back, and can fail."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self.look_ups = 0
        self.failures = 0
        self.open = asyncio.Event()
        self.open.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def heads(self, keys: list[WorkspaceKeys]) -> dict[WorkspaceKeys, Head]:
        self.look_ups += 1
        await self.open.wait()
        if self.failures:
            self.failures -= 1
            raise StoreFailureError(FailureKind.UNKNOWN, "08006")
        heads: dict[WorkspaceKeys, Head] = await self._log.heads(keys)
        return heads


@asynccontextmanager
async def watched(url: str, limits: LaneSettings = WHENEVER) -> AsyncIterator[tuple[Replica, WatchedLog]]:
    """A replica that had a hit in its last turn, so that the next ones are held."""
    logs: list[WatchedLog] = []

    def wrap(store: Any) -> Any:
        logs.append(WatchedLog(store.log))
        return dataclasses.replace(store, log=logs[0])

    async with replica_on(url, limits, wrap) as replica:
        await replica.call("add:a")
        await replica.call("read:a")
        (await replica.state()).decided.clear()
        logs[0].look_ups = 0
        yield replica, logs[0]


async def test_hits_share_a_look_at_the_head_and_take_no_turn(replica: Replica, url: str) -> None:
    async with watched(url) as (held, log):
        log.open.clear()
        calls = [asyncio.create_task(held.call("read:a")) for _ in range(20)]
        await asyncio.sleep(0.02)
        assert not any(call.done() for call in calls)
        log.open.set()
        assert {answer["serial"] for answer in await asyncio.gather(*calls)} == {1}
        assert log.look_ups <= 2
        assert (await held.state()).decided == [], "no turn of the lane"


@pytest.mark.parametrize("by_another", [True, False])
async def test_what_was_written_meanwhile_is_seen(replica: Replica, url: str, *, by_another: bool) -> None:
    async with watched(url) as (held, log):
        log.open.clear()
        reading = asyncio.create_task(held.call("read:b"))
        await asyncio.sleep(0.02)
        made = await (replica if by_another else held).call("add:b")
        log.open.set()
        assert (await reading)["serial"] == made["serial"]


async def test_no_more_are_held_than_may_wait_in_the_lane(replica: Replica, url: str) -> None:
    async with watched(url, LaneSettings(staleness_ms=60_000, queue_calls_max=3)) as (held, log):
        log.open.clear()
        calls = [asyncio.create_task(held.call("read:a")) for _ in range(5)]
        await asyncio.sleep(0.05)
        assert sum((await held.state()).decided) == 2, "the others wait in the lane"
        log.open.set()
        assert {answer["serial"] for answer in await asyncio.gather(*calls)} == {1}


async def test_a_lane_of_held_hits_is_in_use(replica: Replica, url: str) -> None:
    async with watched(url) as (held, _):
        lane = await held.lane()
        lane.used_at_s = 0.0
        await held.call("read:a")
        assert lane.used_at_s > 0


async def test_a_look_that_fails_leaves_the_call_to_the_lane(replica: Replica, url: str) -> None:
    async with watched(url) as (held, log):
        log.failures = 1
        assert (await held.call("read:a"))["serial"] == 1
        assert (await held.state()).decided == [1], "a turn of the lane"


async def test_who_writes_is_decided_once(replica: Replica, url: str) -> None:
    async with watched(url) as (held, _):
        lane, state = await held.lane(), await held.state()
        asked: list[bool] = []
        ordinary = state.answer_hit

        def counted(*arguments: Any, **options: Any) -> bytes | None:
            asked.append(options.get("confirmed", False))
            return ordinary(*arguments, **options)

        state.answer_hit = counted  # type: ignore[method-assign]
        for number in range(5):
            await held.call(f"add:{number}")
        assert lane.state is state
        assert asked.count(True) == 1, "only the first, after the hit"


async def test_a_call_that_breaks_the_engine_is_isolated(replica: Replica, url: str) -> None:
    async with watched(url) as (held, _):
        with pytest.raises(UttersonError) as caught:
            await held.call("panic")
        assert caught.value.reason is Reason.INTERNAL_FAULT
        assert (await held.call("read:a"))["serial"] == 1


async def test_a_lane_that_closes_answers_what_it_holds(replica: Replica, url: str) -> None:
    async with watched(url) as (held, log):
        log.open.clear()
        reading = asyncio.create_task(held.call("read:a"))
        await asyncio.sleep(0.02)
        closing = asyncio.create_task((await held.lane()).close(1))
        await asyncio.sleep(0.02)
        log.open.set()
        await closing
        assert (await reading)["serial"] == 1
