"""A batch: decided in order; what was decided ahead stands on the one state that it was meant for."""

import pytest

from tests.application.fake_engine import FakePlan, FakeState
from utterson.application.calls.batch import CallBatch
from utterson.application.lane.operation import CommitUnderWay
from utterson.domain.chain import Head
from utterson.domain.decisions import ParsedGroup
from utterson.domain.errors import UttersonError

ENTRY, NEXT, OTHER = b"e" * 16, b"n" * 16, b"o" * 16


def group(*lines: str) -> ParsedGroup:
    return ParsedGroup("soho", range(len(lines)), len(lines), list(lines))


@pytest.fixture
def state() -> FakeState:
    return FakeState(Head(0, bytes(16)), 1, b"policy")


def under_way(state: FakeState) -> CommitUnderWay:
    """Decide a call that adds a value, as if its commit had just left."""
    return CommitUnderWay(state, ENTRY, state.decide([group("add:first")], 0, ENTRY))


async def test_groups_are_decided_in_their_order(state: FakeState) -> None:
    batch = CallBatch([group("add:x", "refuse"), group("add:x", "add:y")])
    assert await batch.decide(state, 0, ENTRY) is batch.plan
    first, second = batch.plan.answers(0), batch.plan.answers(1)
    assert isinstance(first[1], UttersonError)
    assert second[0] == first[0]
    assert state.decided == [4]


def test_there_is_no_plan_before_the_decision() -> None:
    with pytest.raises(RuntimeError):
        _ = CallBatch([group("add:x")]).plan


async def test_a_newer_decision_replaces_the_one_before(state: FakeState) -> None:
    batch = CallBatch([group("add:x")])
    first = await batch.decide(state, 0, ENTRY)
    assert await batch.decide(state, 0, NEXT) is batch.plan is not first


async def test_what_was_decided_ahead_stands_on_the_state_that_came_to_be(state: FakeState) -> None:
    batch, commit = CallBatch([group("add:second")]), under_way(state)
    batch.decide_ahead(commit, 0, NEXT)
    commit.plan.apply()
    decided = list(state.decided)
    plan = await batch.decide(state, 0, OTHER)
    assert isinstance(plan, FakePlan)
    assert (plan.entry_id, plan.added) == (NEXT, {"second": 2})
    assert state.decided == decided


async def test_what_was_decided_ahead_of_another_entry_is_decided_anew(state: FakeState) -> None:
    batch = CallBatch([group("add:second")])
    batch.decide_ahead(under_way(state), 0, NEXT)
    state.head = Head(1, OTHER)
    plan = await batch.decide(state, 0, OTHER)
    assert isinstance(plan, FakePlan)
    assert (plan.entry_id, plan.added) == (OTHER, {"second": 1})


async def test_what_was_decided_ahead_on_another_state_is_decided_anew(state: FakeState) -> None:
    batch = CallBatch([group("add:second")])
    batch.decide_ahead(under_way(state), 0, NEXT)
    loaded = FakeState(Head(1, ENTRY), 1, b"policy")
    plan = await batch.decide(loaded, 0, OTHER)
    assert isinstance(plan, FakePlan)
    assert plan.state is loaded


async def test_what_was_decided_ahead_stands_once(state: FakeState) -> None:
    batch, commit = CallBatch([group("add:second")]), under_way(state)
    batch.decide_ahead(commit, 0, NEXT)
    commit.plan.apply()
    ahead = await batch.decide(state, 0, OTHER)
    assert await batch.decide(state, 0, OTHER) is not ahead


@pytest.mark.parametrize(
    ("line", "by_default_strong", "by_default_local"),
    [("read:x", True, True), ("default:x", True, False), ("local:x", False, False), ("add:x", False, False)],
)
async def test_it_is_confirmed_as_its_calls_ask(
    state: FakeState, line: str, by_default_strong: bool, by_default_local: bool
) -> None:
    batch = CallBatch([group("local:x", line)])
    await batch.decide(state, 0, ENTRY)
    assert batch.needs_confirmation(default_strong=True) is by_default_strong
    assert batch.needs_confirmation(default_strong=False) is by_default_local
