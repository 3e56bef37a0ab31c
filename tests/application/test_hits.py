"""Answers beside the lane: what changes nothing and asks for no confirmed state does not queue behind commits."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.application.conftest import Replica, replica_on, with_commits
from tests.application.test_with_core import Core, core_on, held
from utterson.domain.calls import CallKind
from utterson.domain.chain import Commit, CommitOutcome
from utterson.domain.errors import Reason, UttersonError
from utterson.settings import lanes
from utterson.settings.lanes import LaneSettings
from utterson.v1 import identity_service_pb2 as messages
from utterson.v1.resolution_pb2 import Consistency

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


async def test_a_strong_hit_is_never_older_than_what_another_replica_told(url: str) -> None:
    strong = Consistency.CONSISTENCY_STRONG
    async with core_on(url, WHENEVER) as writer, core_on(url, WHENEVER) as reader:
        await writer.workspaces.create_workspace("soho", None, "identity_graph_rules")
        for number in range(30):
            mine, other = ("email", f"{number}@example.com"), ("device_id", f"device-{number}")
            await writer.identify(mine)
            lone = await writer.identify(other)
            assert (await reader.identify(other, consistency=strong)).profile_id == lone.profile_id
            survivor = await writer.identify(mine, other)
            local = await reader.identify(other, consistency=Consistency.CONSISTENCY_LOCAL)
            told = await reader.identify(other, consistency=strong)
            assert told.profile_id == survivor.profile_id
            assert local.profile_id in (lone.profile_id, survivor.profile_id)


async def beside_and_through(core: Core, request: messages.IdentifyRequest) -> tuple[bytes | None, bytes | None]:
    """Answer a call beside the lane, then through it, on the same state if it changes nothing."""
    engine, lane = core.identity._engine, await core.lanes.lane(request.workspace)
    group = engine.parse_call(CallKind.IDENTIFY, request.SerializeToString())
    hit = lane.answer_hit(group)
    answer = (await lane.offer(group))[0]
    return hit, engine.encode_unary(answer) if isinstance(answer, bytes) else None


async def test_both_ways_give_the_same_answer(url: str) -> None:
    chance = random.Random(11)
    hits = misses = 0
    async with core_on(url, WHENEVER) as core:
        await core.workspaces.create_workspace("soho", None, "identity_graph_rules")
        await core.identify(("email", "first@example.com"))
        for _ in range(600):
            names = [chance.randrange(60) for _ in range(chance.choice((1, 1, 2)))]
            identifiers = [(chance.choice(("email", "user_id", "device_id")), f"{name}@example.com") for name in names]
            request = messages.IdentifyRequest(
                workspace="soho",
                identifiers=held(tuple(identifiers)),
                consistency=Consistency.CONSISTENCY_LOCAL,
                explain=chance.random() < 0.2,
            )
            state = await core.state()
            head = state.head
            hit, answer = await beside_and_through(core, request)
            if hit is None:
                misses += 1
                assert answer is None or state.head != head, "a call that changes nothing was not answered at once"
            else:
                hits += 1
                assert hit == answer
                assert state.head == head, "a call that changes something was answered at once"
    assert hits > 100
    assert misses > 50
