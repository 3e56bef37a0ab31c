"""Batches that are decided while a commit is under way: they stand, or are decided anew where it did not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.application.conftest import Replica
from tests.application.fake_engine import FakeState
from utterson.application.lane.gathering import CALLS_AHEAD
from utterson.domain.chain import Commit, CommitOutcome, EnginePanicError, FailureKind, StoreFailureError
from utterson.domain.errors import Reason, UttersonError

Committing = Callable[[Commit, float], Awaitable[CommitOutcome]]


class Gate:
    """Holds the first commit back until it is opened; `before` is what happens then, ahead of the commit."""

    def __init__(self, commit: Committing) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()
        self.before: Callable[[], Awaitable[None]] | None = None
        self.entries: list[int] = []
        self._commit = commit

    async def __call__(self, commit: Commit, timeout_s: float) -> CommitOutcome:
        self.entries.append(commit.seq)
        if not self.opened.is_set():
            self.reached.set()
            await self.opened.wait()
            if self.before is not None:
                await self.before()
        return await self._commit(commit, timeout_s)


async def gate_of(replica: Replica) -> Gate:
    """Put a gate before a replica's commits."""
    committer = (await replica.lane())._runner._committer
    gate = Gate(committer.commit)
    committer.commit = gate  # type: ignore[method-assign]
    return gate


async def many(replica: Replica, name: str, count: int = CALLS_AHEAD) -> list[str]:
    """Make a batch of calls; tell what became of each."""
    lines = [("soho", f"add:{name}-{number}") for number in range(count)]
    return [str(told) for told in await replica.batch(*lines)]


async def started(replica: Replica) -> tuple[Gate, "asyncio.Task[object]", "asyncio.Task[list[str]]"]:
    """Have one call's commit under way and a large batch waiting behind it, decided ahead."""
    await replica.call("add:first")
    gate = await gate_of(replica)
    one: asyncio.Task[object] = asyncio.create_task(replica.call("add:held"))
    await gate.reached.wait()
    batch = asyncio.create_task(many(replica, "ahead"))
    state = await waiting(replica)
    assert state == [CALLS_AHEAD]
    return gate, one, batch


async def waiting(replica: Replica) -> list[int]:
    """Tell how many calls were decided ahead, once any were."""
    lane = await replica.lane()
    for _ in range(100):
        await asyncio.sleep(0.005)
        if lane._next is not None:
            break
    return (await state_as_it_is(replica)).decided_ahead


async def state_as_it_is(replica: Replica) -> FakeState:
    """Give the state as it is, without a turn of its own in the lane."""
    state = (await replica.lane()).state
    assert isinstance(state, FakeState)
    return state


async def test_what_was_decided_ahead_is_committed_as_it_is(replica: Replica) -> None:
    gate, one, batch = await started(replica)
    state = await replica.state()
    decided = list(state.decided)
    assert "ahead-0" not in str(state.owners)
    gate.opened.set()
    await asyncio.gather(one, batch)
    assert state.decided == decided
    assert len(state.owners) == CALLS_AHEAD + 2
    assert gate.entries == [gate.entries[0], gate.entries[0] + 1]


async def test_what_waits_when_a_commit_leaves_is_decided_ahead_without_a_further_call(replica: Replica) -> None:
    gate, one, first = await started(replica)
    second = asyncio.create_task(many(replica, "behind"))
    await asyncio.sleep(0.02)
    state = await state_as_it_is(replica)
    assert state.decided_ahead == [CALLS_AHEAD]

    async def close_again() -> None:
        gate.before = None
        gate.opened = asyncio.Event()

    gate.before = close_again
    gate.opened.set()
    await one
    for _ in range(100):
        await asyncio.sleep(0.005)
        if len(state.decided_ahead) > 1:
            break
    assert state.decided_ahead == [CALLS_AHEAD, CALLS_AHEAD]
    gate.opened.set()
    await asyncio.gather(first, second)


async def test_the_next_commit_leaves_before_answers_are_given(replica: Replica) -> None:
    gate, one, batch = await started(replica)
    committer = (await replica.lane())._runner._committer
    answered: list[bool] = []

    async def a_round_later(entry: Commit, timeout_s: float) -> CommitOutcome:
        await asyncio.sleep(0)
        answered.append(one.done())
        return await gate(entry, timeout_s)

    later: Any = a_round_later
    committer.commit = later  # type: ignore[method-assign]
    gate.opened.set()
    await asyncio.gather(one, batch)
    assert answered == [False]


async def test_a_small_batch_waits_for_company(replica: Replica) -> None:
    await replica.call("add:first")
    gate = await gate_of(replica)
    one = asyncio.create_task(replica.call("add:held"))
    await gate.reached.wait()
    few = asyncio.create_task(many(replica, "few", CALLS_AHEAD - 1))
    assert await waiting(replica) == []
    gate.opened.set()
    await asyncio.gather(one, few)


async def test_a_commit_that_lost_makes_it_be_decided_anew(replica: Replica, other: Replica) -> None:
    gate, one, batch = await started(replica)

    async def be_faster() -> None:
        gate.before = None
        await other.call("add:ahead-7")

    gate.before = be_faster
    gate.opened.set()
    await asyncio.gather(one, batch)
    state = await replica.state()
    assert state.decided[-1] == CALLS_AHEAD
    await other.call("read:ahead-0")
    assert (await other.state()).owners == state.owners


async def test_a_commit_that_failed_leaves_it_to_stand_alone(replica: Replica) -> None:
    gate, one, batch = await started(replica)

    async def fail() -> None:
        gate.before = None
        raise StoreFailureError(FailureKind.OVERLOAD, "away")

    gate.before = fail
    gate.opened.set()
    with pytest.raises(UttersonError) as refused:
        await one
    assert refused.value.reason is Reason.STORE_UNAVAILABLE
    await batch
    state = await replica.state()
    assert state.decided[-1] == CALLS_AHEAD
    assert len(state.owners) == CALLS_AHEAD + 1


async def test_a_bug_in_deciding_ahead_is_met_again_in_its_turn(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    await replica.call("add:first")
    gate = await gate_of(replica)
    one = asyncio.create_task(replica.call("add:held"))
    await gate.reached.wait()
    lane = await replica.lane()
    under_way = lane._runner.under_way
    assert under_way is not None

    def broken(*_arguments: object) -> object:
        raise EnginePanicError("decide_after")

    monkeypatch.setattr(type(under_way.plan), "decide_after", broken)
    batch = asyncio.create_task(many(replica, "ahead"))
    await asyncio.sleep(0.05)
    gate.opened.set()
    told = (await asyncio.gather(one, batch))[1]
    assert len(told) == CALLS_AHEAD
    assert len((await replica.state()).owners) == CALLS_AHEAD + 2


async def test_closing_finishes_what_was_decided_ahead(replica: Replica) -> None:
    gate, one, batch = await started(replica)
    closing = asyncio.create_task((await replica.lane()).close(5.0))
    await asyncio.sleep(0.01)
    gate.opened.set()
    await asyncio.gather(one, batch, closing)


async def test_a_caller_that_leaves_takes_nothing_back_that_was_decided_ahead(replica: Replica) -> None:
    gate, one, batch = await started(replica)
    batch.cancel()
    gate.opened.set()
    await one
    await asyncio.wait({batch})
    await replica.call("read:ahead-0")
    assert len((await replica.state()).owners) == CALLS_AHEAD + 2
