"""A policy changes in the log's order; an etag keeps a change from overwriting one that was not seen."""

from tests.application.conftest import WORKSPACE, Replica, refusal_of
from utterson.domain.errors import Reason


async def test_an_etag_guards_against_a_lost_update(replica: Replica, other: Replica) -> None:
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
