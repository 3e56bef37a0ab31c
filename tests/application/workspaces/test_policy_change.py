"""A policy changes in the log's order; an etag keeps a change from overwriting one that was not seen."""

import pytest

from tests.application.conftest import WORKSPACE, Replica, refusal_of
from tests.application.fake_engine import FakePlan, FakeState
from utterson.application.workspaces.etag import policy_etag
from utterson.application.workspaces.policy_change import PolicyChange
from utterson.domain.chain import Head, StoredPolicy
from utterson.domain.errors import Reason


def kept(revisions: int) -> list[StoredPolicy]:
    """So many policies as they are read, newest first."""
    return [StoredPolicy(revision, b"policy", 0) for revision in range(revisions, 0, -1)]


# The policies of a workspace that never changed its own.
FIRST = kept(1)


async def test_an_etag_keeps_an_update_from_being_lost(replica: Replica, other: Replica) -> None:
    first = await replica.workspaces.get_workspace(WORKSPACE)
    await other.call("read:x")
    second = await replica.workspaces.update_policy(WORKSPACE, b"second", first.etag)
    assert second.policy_revision == 2
    # The other replica has not seen the change yet: its state must not decide.
    error = await refusal_of(other.workspaces.update_policy(WORKSPACE, b"third", first.etag))
    assert error.reason is Reason.ETAG_MISMATCH
    third = await other.workspaces.update_policy(WORKSPACE, b"third", second.etag)
    fourth = await replica.workspaces.update_policy(WORKSPACE, b"fourth", "")
    assert (third.policy_revision, fourth.policy_revision) == (3, 4)
    assert await other.workspaces.get_workspace(WORKSPACE) == fourth


async def test_a_change_that_stored_data_forbids(replica: Replica) -> None:
    error = await refusal_of(replica.workspaces.update_policy(WORKSPACE, b"forbidden", ""))
    assert error.reason is Reason.POLICY_CHANGE_FORBIDDEN


def state_with(policy_revision: int, policy: bytes) -> FakeState:
    return FakeState(Head(0, bytes(16)), policy_revision, policy)


async def test_an_etag_of_the_same_policy_at_another_number_is_another() -> None:
    change = PolicyChange(b"new", policy_etag(1, b"policy"), FIRST)
    assert await change.decide(state_with(2, b"policy"), 0, bytes(16)) is None
    assert change.refusal is not None
    assert change.refusal.reason is Reason.ETAG_MISMATCH


async def test_a_decision_on_a_newer_state_forgets_the_refusal_before() -> None:
    change = PolicyChange(b"new", policy_etag(2, b"policy"), FIRST)
    refusals = []
    for policy_revision in (1, 2):
        plan = await change.decide(state_with(policy_revision, b"policy"), 0, bytes(16))
        refusals.append(change.refusal and change.refusal.reason)
    assert refusals == [Reason.ETAG_MISMATCH, None]
    assert isinstance(plan, FakePlan)
    assert change.policy_revision == 3


async def test_a_plan_that_writes_nothing_leaves_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    state = state_with(7, b"policy")
    monkeypatch.setattr(
        state, "decide_policy", lambda policy, earlier, now_us, entry_id: FakePlan(state, entry_id, now_us)
    )
    change = PolicyChange(b"policy", "", kept(7))
    assert await change.decide(state, 0, bytes(16)) is not None
    assert change.policy_revision == 7


async def test_policies_that_were_read_before_another_change_decide_nothing() -> None:
    change = PolicyChange(b"new", "", kept(2))
    assert await change.decide(state_with(4, b"policy"), 0, bytes(16)) is None
    assert (change.is_outdated, change.refusal) == (True, None)
    # The newest need not be among them: it is the state's own.
    assert await change.decide(state_with(3, b"policy"), 0, bytes(16)) is not None
    assert not change.is_outdated


def test_a_change_is_always_confirmed() -> None:
    assert all(PolicyChange(b"new", "", FIRST).needs_confirmation(default_strong=strong) for strong in (True, False))
