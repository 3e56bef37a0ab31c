"""Two servers on one database reach, call by call, what one model reaches in the log's order (C8); so does a third."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

import grpc
import pytest

from tests.agreement import states
from tests.agreement.loading import load
from tests.agreement.messages import policy_message, request
from tests.agreement.remote import Remote, Reply, reason_of_error
from tests.agreement.same import compare_answer
from tests.agreement.stack import Clock, stack_on
from tests.agreement.twin import Tables
from tests.model.generate import START_US, Generator
from tests.model.model import Model
from tests.model.records import Call, JsonValue, Kind, PolicyAnswer
from tests.properties.ledger import generated_calls
from tests.properties.postgres_tables import read_tables
from utterson import _core
from utterson.engine.state import State
from utterson.store.migrate import migrate
from utterson.v1.resolution_pb2 import OUTCOME_CREATED, Resolution
from utterson.v1.workspace_service_pb2 import CreateWorkspaceRequest, UpdatePolicyRequest

WORKSPACE = "soho"
CALLS = 150
CALLERS = 6
UPDATES = 5
# Seeds of policies of both families.
SEEDS = (1, 2, 3, 5, 8, 13)


class TickingClock(Clock):
    """A clock that tells another time whenever it is asked."""

    def __call__(self) -> int:
        self.now_us += 1_000
        return self.now_us


@dataclass
class Story:
    """What was called, by request id, with public ids of profiles; and what was answered."""

    calls: dict[str, Call] = field(default_factory=dict)
    replies: dict[str, Reply] = field(default_factory=dict)
    known_ids: list[int] = field(default_factory=list)
    policies: dict[int, Mapping[str, JsonValue]] = field(default_factory=dict)

    def take(self, request_id: str, reply: Reply) -> None:
        """Note an answer; its profile may be named by later calls."""
        self.replies[request_id] = reply
        if isinstance(reply, Resolution) and reply.profile_id:
            self.known_ids.append(reply.profile_id)


async def call_all(story: Story, remotes: list[Remote], calls: list[Call], seed: int) -> None:
    """Let several callers send the calls at the same time, alone and in batches, to any server."""
    numbered = iter(list(enumerate(calls)))
    source = Random(seed)

    async def caller() -> None:
        while some := list(itertools.islice(numbered, source.choice((1, 1, 2, 6)))):
            ready = {f"call-{number}": prepared(call, f"call-{number}", story, source) for number, call in some}
            story.calls |= ready
            remote = source.choice(remotes)
            requests = [request(call, WORKSPACE, lambda public_id: public_id) for call in ready.values()]
            if len(requests) == 1:
                [(request_id, call)] = ready.items()
                story.take(request_id, await remote.one(call.kind, requests[0]))
                continue
            for request_id, reply in zip(ready, await remote.batch(WORKSPACE, requests), strict=True):
                story.take(request_id, reply)

    async def ruler() -> None:
        policies = Generator(seed).policies
        for _ in range(UPDATES):
            await asyncio.sleep(source.random() / 10)
            await update_policy(story, source.choice(remotes), policies.update())

    await asyncio.gather(ruler(), *(caller() for _ in range(CALLERS)))


async def update_policy(story: Story, remote: Remote, policy: Mapping[str, JsonValue]) -> None:
    """Change the policy while calls are on their way; one that is refused changes nothing."""
    try:
        answer = await remote.workspaces.UpdatePolicy(
            UpdatePolicyRequest(workspace=WORKSPACE, policy=policy_message(policy))
        )
    except grpc.aio.AioRpcError as error:
        if reason_of_error(error) in ("POLICY_INVALID", "POLICY_CHANGE_FORBIDDEN"):
            return
        raise
    story.policies[answer.workspace.policy_revision] = policy


def prepared(call: Call, request_id: str, story: Story, source: Random) -> Call:
    """Give a call an id of its own, and let it name profiles that were answered before."""
    known = source.choice(story.known_ids[-10:]) if story.known_ids else 0
    return replace(
        call,
        request_id=request_id,
        validate_only=False,
        previous_profile=known if call.previous_profile else 0,
        profile=known if call.profile else 0,
    )


def in_log_order(story: Story, tables: Tables, index: _core.State) -> list[tuple[str, int]]:
    """Tell the accepted calls in the order in which they took effect, each with the time given to it."""
    placed = []
    for request_id in story.calls:
        row = tables.requests.get(index.request_digest(request_id))
        if row is not None:
            placed.append((row.seq, row.position, request_id, row.commit_time_us))
    return [(request_id, time_us) for _, _, request_id, time_us in sorted(placed)]


def check_against_model(story: Story, policy: Mapping[str, JsonValue], tables: Tables, index: _core.State) -> int:
    """Run the model in the log's order and compare answers and state; tell how many calls were compared."""
    serials = serials_of(tables)
    for profile_id, serial in serials.items():
        view = index.profile(profile_id)
        assert view is not None
        assert serial in view.members

    def ordinal(profile_id: int) -> int:
        return serials.get(profile_id, 0)

    model = Model(policy)
    ordered = in_log_order(story, tables, index)
    for request_id, time_us in ordered:
        sent, reply = story.calls[request_id], story.replies[request_id]
        assert isinstance(reply, Resolution), f"{request_id} left a trace though it was refused: {reply}"
        while model.policy_revision < reply.policy_revision:
            told = model.update_policy(story.policies[model.policy_revision + 1])
            assert isinstance(told, PolicyAnswer)
        previous, profile = ordinal(sent.previous_profile), ordinal(sent.profile)
        call = replace(sent, now_us=time_us, previous_profile=previous, profile=profile)
        compare_answer(call, model.call(call), reply, ordinal)
    assert states.dump(tables) == model.dump()
    return len(ordered)


def serials_of(tables: Tables) -> dict[int, int]:
    """Number the profiles by the answers that made them, in the log's order: the model's ordinals."""
    made: dict[int, int] = {}
    for row in sorted(tables.requests.values(), key=lambda row: (row.seq, row.position)):
        resolution = Resolution.FromString(row.answer)
        if resolution.outcome == OUTCOME_CREATED:
            made.setdefault(resolution.profile_id, len(made) + 1)
    return made


@pytest.mark.parametrize("seed", SEEDS)
async def test_two_servers_act_as_one(seed: int, database_url: str) -> None:
    await migrate(database_url)
    policy, calls = generated_calls(seed, CALLS)
    calls = [call for call in calls if call.kind is not Kind.SEARCH]
    story, clock = Story(), TickingClock(START_US)
    async with stack_on(database_url, clock) as one, stack_on(database_url, clock) as other:
        remotes = [Remote(one.channel), Remote(other.channel)]
        made = CreateWorkspaceRequest(workspace=WORKSPACE, policy=policy_message(policy))
        await remotes[0].workspaces.CreateWorkspace(made)
        await call_all(story, remotes, calls, seed)
        tables, keys, _ = await read_tables(database_url, WORKSPACE)
        hashes = []
        for stack in (one, other):
            lane = await stack.lanes.lane(WORKSPACE)
            await lane.reach(tables.head.seq)
            assert isinstance(lane.state, State)
            hashes.append(lane.state.state_hash)
        assert hashes == [tables.head.state_hash] * 2
    index = load(tables, WORKSPACE, keys, Random(seed))
    assert index.state_hash == tables.head.state_hash
    assert index.check_invariants() == []
    assert check_against_model(story, policy, tables, index) > len(calls) // 4
    await check_replay(tables, keys)
    async with stack_on(database_url, clock) as third:
        lane = await third.lanes.lane(WORKSPACE)
        await lane.reach(tables.head.seq)
        assert isinstance(lane.state, State)
        assert lane.state.state_hash == tables.head.state_hash


async def check_replay(tables: Tables, keys: tuple[bytes, bytes]) -> None:
    """The log alone leads to the same state at every entry."""
    replica = load(Tables(tables.log[0], tables.policies[1]), WORKSPACE, keys, Random(0))
    for row in tables.log[1:]:
        replica.replay(*row)
        assert replica.state_hash == row.state_hash
