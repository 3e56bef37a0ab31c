"""A policy changes in the log's order; an etag keeps a change from overwriting one that was not seen."""

import pytest

from tests.application.conftest import WORKSPACE, Replica, refusal_of
from tests.application.fake_engine import FakePlan, FakeState
from utterson.application.workspaces.etag import policy_etag
from utterson.application.workspaces.policy_change import EarlierPolicies, PolicyChange
from utterson.domain.chain import Head
from utterson.domain.errors import Reason

# Nothing was read of earlier policies.
UNREAD = EarlierPolicies()


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
    change = PolicyChange(b"new", policy_etag(1, b"policy"), UNREAD)
    assert await change.decide(state_with(2, b"policy"), 0, bytes(16)) is None
    assert change.refusal is not None
    assert change.refusal.reason is Reason.ETAG_MISMATCH


async def test_a_decision_on_a_newer_state_forgets_the_refusal_before() -> None:
    change = PolicyChange(b"new", policy_etag(2, b"policy"), UNREAD)
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
    change = PolicyChange(b"policy", "", UNREAD)
    assert await change.decide(state, 0, bytes(16)) is not None
    assert change.policy_revision == 7


async def test_a_type_that_returns_is_not_decided_without_the_policies_that_took_it() -> None:
    state = state_with(4, b"without")
    change = PolicyChange(b"new", "", UNREAD)
    assert await change.decide(state, 0, bytes(16)) is None
    assert (change.wanted, change.refusal, change.policy_revision) == (frozenset({"phone"}), None, 4)


@pytest.mark.parametrize(
    ("policy_revision", "types", "is_decided"),
    [(4, {"phone"}, True), (4, {"phone", "fax"}, True), (4, {"fax"}, False), (3, {"phone"}, False)],
)
async def test_what_was_read_must_be_of_this_state_and_these_types(
    policy_revision: int, types: set[str], *, is_decided: bool
) -> None:
    read = EarlierPolicies(policy_revision, frozenset(types), [b"took it"])
    change = PolicyChange(b"new", "", read)
    assert (await change.decide(state_with(4, b"without"), 0, bytes(16)) is not None) is is_decided
    assert bool(change.wanted) is not is_decided


def test_a_change_is_always_confirmed() -> None:
    assert all(PolicyChange(b"new", "", UNREAD).needs_confirmation(default_strong=strong) for strong in (True, False))
