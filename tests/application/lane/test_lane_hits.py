"""Answers beside the lane: what changes nothing and asks for no confirmed state does not queue behind commits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.application.conftest import Replica, replica_on, with_commits
from utterson.domain.chain import Commit, CommitOutcome
from utterson.domain.errors import Reason, UttersonError
from utterson.settings import lanes
from utterson.settings.lanes import LaneSettings

WHENEVER = LaneSettings(staleness_ms=60_000)


class Gate:
    """Commits that wait at a gate."""

    def __init__(self, commits: Any) -> None:
        self._commits = commits
        self.open = asyncio.Event()
        self.open.set()
        self.commit_locked = commits.commit_locked

    async def commit(self, commit: Commit, timeout_s: float) -> CommitOutcome:
        await self.open.wait()
        outcome: CommitOutcome = await self._commits.commit(commit, timeout_s)
        return outcome


@asynccontextmanager
async def gated(url: str, limits: LaneSettings) -> AsyncIterator[tuple[Replica, Gate]]:
    gates: list[Gate] = []

    def wrap(store: Any) -> Any:
        gates.append(Gate(store.commits))
        return with_commits(store, gates[0])

    async with replica_on(url, limits, wrap) as replica:
        yield replica, gates[0]


async def test_a_local_answer_does_not_wait_for_a_commit(replica: Replica, url: str) -> None:
    async with gated(url, WHENEVER) as (gated_replica, gate):
        made = await gated_replica.call("add:a")
        gate.open.clear()
        writing = asyncio.create_task(gated_replica.call("add:b"))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(1):
            assert (await gated_replica.call("local:a"))["serial"] == made["serial"]
            assert (await gated_replica.call("local:b"))["serial"] == 0, "nobody was told of the commit under way"
        strong = asyncio.create_task(gated_replica.call("read:b"))
        await asyncio.sleep(0.05)
        assert not strong.done()
        gate.open.set()
        assert (await strong)["serial"] == (await writing)["serial"]


async def test_whoever_was_answered_is_seen_at_once(replica: Replica, url: str) -> None:
    async with replica_on(url, WHENEVER) as local:

        async def write_and_read(number: int) -> None:
            for round_ in range(20):
                made = await local.call(f"add:{number}-{round_}")
                assert (await local.call(f"local:{number}-{round_}"))["serial"] == made["serial"]

        await asyncio.gather(*(write_and_read(number) for number in range(8)))


async def test_the_default_goes_beside_the_lane_only_where_it_is_local(replica: Replica, url: str) -> None:
    limits = LaneSettings(staleness_ms=60_000, default_consistency=lanes.Consistency.LOCAL)
    async with gated(url, limits) as (gated_replica, gate):
        await gated_replica.call("add:a")
        gate.open.clear()
        writing = asyncio.create_task(gated_replica.call("add:b"))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(1):
            assert (await gated_replica.call("default:a"))["serial"] == 1
        gate.open.set()
        await writing


async def test_a_state_that_nobody_confirmed_answers_nothing(replica: Replica, url: str) -> None:
    async with replica_on(url, LaneSettings(staleness_ms=1)) as local:
        await local.call("read:a")
        made = await replica.call("add:a")
        await asyncio.sleep(0.01)
        assert (await local.call("local:a"))["serial"] == made["serial"]


async def test_a_call_that_breaks_the_engine_is_isolated(replica: Replica, url: str) -> None:
    async with replica_on(url, WHENEVER) as local:
        made = await local.call("add:a")
        with pytest.raises(UttersonError) as caught:
            await local.call("panic")
        assert caught.value.reason is Reason.INTERNAL_FAULT
        assert (await local.call("local:a"))["serial"] == made["serial"]


async def test_a_lane_that_closes_answers_nothing(replica: Replica, url: str) -> None:
    async with replica_on(url, WHENEVER) as local:
        await local.call("add:a")
        await (await local.lane()).close(1)
        with pytest.raises(UttersonError) as caught:
            await local.call("local:a")
        assert caught.value.reason is Reason.SHUTTING_DOWN
