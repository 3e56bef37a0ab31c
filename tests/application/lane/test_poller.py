"""The poller: busy workspaces are looked at, so that local answers are fresh."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.application.conftest import Replica, replica_on
from utterson.application.lane import poller
from utterson.application.lane.poller import BUSY_S, poll_heads
from utterson.domain.chain import FailureKind, Head, StoreFailureError, WorkspaceKeys
from utterson.settings.lanes import LaneSettings


async def test_the_poller_brings_a_busy_replica_up(replica: Replica, url: str) -> None:
    async with replica_on(url, LaneSettings(head_poll_ms=10)) as polled:
        state = await polled.state()
        polling = asyncio.create_task(poll_heads(polled.lanes, polled.context))
        await replica.call("add:x")
        async with asyncio.timeout(2):
            while state.head.seq < 1:
                await asyncio.sleep(0.01)
        assert (await polled.call("local:x"))["serial"] == 1
        polling.cancel()


@asynccontextmanager
async def polling(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Replica, list[list[WorkspaceKeys]]]]:
    """A replica whose poller looks every ten milliseconds; tells which workspaces each look was for."""
    async with replica_on(url, LaneSettings(head_poll_ms=10)) as polled:
        looks: list[list[WorkspaceKeys]] = []
        heads = polled.store.log.heads

        async def counted(keys: list[WorkspaceKeys]) -> dict[WorkspaceKeys, Head]:
            looks.append(list(keys))
            return await heads(keys)

        monkeypatch.setattr(polled.store.log, "heads", counted)
        await polled.state()
        task = asyncio.create_task(poll_heads(polled.lanes, polled.context))
        yield polled, looks
        assert not task.done()
        task.cancel()
        await asyncio.wait({task})


async def until_looked(looks: list[list[WorkspaceKeys]], count: int) -> None:
    async with asyncio.timeout(2):
        while len(looks) < count:
            await asyncio.sleep(0.005)


async def test_a_look_that_finds_nothing_new_confirms_the_state(
    replica: Replica, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with polling(url, monkeypatch) as (polled, looks):
        lane = await polled.lane()
        before_s = lane.confirmed_at_s
        await until_looked(looks, 2)
        assert lane.confirmed_at_s > before_s
        assert looks[0] == [lane.keys]


async def test_a_workspace_without_calls_is_left_alone(
    replica: Replica, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with polling(url, monkeypatch) as (polled, looks):
        await until_looked(looks, 1)
        (await polled.lane()).used_at_s -= BUSY_S
        # A look may be on its way.
        await asyncio.sleep(0.02)
        count = len(looks)
        await asyncio.sleep(0.08)
        assert len(looks) == count


async def test_the_poller_outlives_a_database_that_is_away(
    replica: Replica, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "FAILURE_PAUSE_S", 0.01)
    async with polling(url, monkeypatch) as (polled, looks):
        with monkeypatch.context() as patched:
            failures: list[None] = []

            async def away(keys: list[WorkspaceKeys]) -> dict[WorkspaceKeys, Head]:
                failures.append(None)
                raise StoreFailureError(FailureKind.UNKNOWN, "08006")

            patched.setattr(polled.store.log, "heads", away)
            async with asyncio.timeout(2):
                while len(failures) < 2:
                    await asyncio.sleep(0.005)
        await until_looked(looks, len(looks) + 1)
