"""Answers beside the lane by the real engine: the same as through it, and never too old."""

import random

from tests.application.whole.core import Core, core_on, held
from utterson.domain.calls import CallKind
from utterson.settings.lanes import LaneSettings
from utterson.v1 import identity_service_pb2 as messages
from utterson.v1.resolution_pb2 import Consistency

WHENEVER = LaneSettings(staleness_ms=60_000)


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
    reply = await (await lane.submit(group, wait_for_space=False))
    return hit, reply if isinstance(reply, bytes) else None


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
