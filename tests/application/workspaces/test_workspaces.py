"""Workspaces: made once, changed in the log's order, listed by pages."""

import asyncio

import pytest

from tests.application.conftest import WORKSPACE, Replica, refusal_of, replica_on
from utterson.application.workspaces.workspaces import POLICIES_READ_AT_ONCE
from utterson.domain.chain import FailureKind, StoredPolicy, StoreFailureError, WorkspaceKeys
from utterson.domain.errors import Reason
from utterson.settings.lanes import LaneSettings


async def test_a_workspace_is_made_once(replica: Replica, other: Replica) -> None:
    made = await replica.workspaces.create_workspace("acme", None, "unify")
    assert (made.policy, made.policy_revision) == (b"preset", 1)
    assert await other.workspaces.get_workspace("acme") == made
    error = await refusal_of(other.workspaces.create_workspace("acme", b"policy", None))
    assert error.reason is Reason.WORKSPACE_EXISTS


async def test_of_many_makers_one_succeeds(replica: Replica, other: Replica) -> None:
    makers = [maker.workspaces.create_workspace("acme", b"policy", None) for maker in (replica, other) * 10]
    results = await asyncio.gather(*makers, return_exceptions=True)
    assert sum(not isinstance(result, BaseException) for result in results) == 1


async def test_a_made_workspace_whose_answer_was_lost(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    create = replica.store.workspaces.create

    async def lost(new: object) -> bool:
        await create(new)  # type: ignore[arg-type]
        raise StoreFailureError(FailureKind.UNKNOWN, "08006")

    monkeypatch.setattr(replica.store.workspaces, "create", lost)
    assert (await replica.workspaces.create_workspace("acme", b"policy", None)).policy_revision == 1
    error = await refusal_of(replica.workspaces.create_workspace("acme", b"policy", None))
    assert error.reason is Reason.WORKSPACE_EXISTS


async def test_a_workspace_of_which_nobody_knows_whether_it_was_made(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(_: object) -> bool:
        raise StoreFailureError(FailureKind.UNKNOWN, "08006")

    monkeypatch.setattr(replica.store.workspaces, "create", lost)
    error = await refusal_of(replica.workspaces.create_workspace("acme", b"policy", None))
    assert error.reason is Reason.OUTCOME_UNKNOWN
    monkeypatch.setattr(replica.store.workspaces, "get", lost)
    error = await refusal_of(replica.workspaces.create_workspace("acme", b"policy", None))
    assert error.reason is Reason.OUTCOME_UNKNOWN


async def test_a_workspace_that_was_certainly_not_made(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(_: object) -> bool:
        raise StoreFailureError(FailureKind.REFUSED, "25006")

    monkeypatch.setattr(replica.store.workspaces, "create", refused)
    error = await refusal_of(replica.workspaces.create_workspace("acme", b"policy", None))
    assert error.reason is Reason.STORE_UNAVAILABLE
    assert "read-only" in error.message


async def test_no_more_are_made_than_there_may_be(replica: Replica, url: str) -> None:
    async with replica_on(url, LaneSettings(workspaces_max=2)) as bounded:
        await bounded.workspaces.create_workspace("acme", b"policy", None)
        full = await refusal_of(bounded.workspaces.create_workspace("tweed", b"policy", None))
        known = await refusal_of(bounded.workspaces.create_workspace("acme", b"policy", None))
    assert (full.reason, known.reason) == (Reason.QUOTA_EXCEEDED, Reason.WORKSPACE_EXISTS)
    await replica.workspaces.create_workspace("tweed", b"policy", None)


async def test_an_unknown_preset_names_the_known_ones(replica: Replica) -> None:
    error = await refusal_of(replica.workspaces.create_workspace("acme", None, "unifi"))
    assert error.reason is Reason.FIELD_INVALID
    assert "unify" in error.violations[0].description


async def test_an_invalid_policy(replica: Replica) -> None:
    made = await refusal_of(replica.workspaces.create_workspace("acme", b"invalid", None))
    changed = await refusal_of(replica.workspaces.update_policy(WORKSPACE, b"invalid", ""))
    assert {made.reason, changed.reason} == {Reason.POLICY_INVALID}


async def change(replica: Replica, *policies: bytes) -> None:
    """Change the policy several times."""
    for policy in policies:
        await replica.workspaces.update_policy(WORKSPACE, policy, "")


async def test_a_change_in_which_no_type_returns_reads_no_earlier_policy(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(replica.store.workspaces.__class__, "policies_page")
    await change(replica, b"second", b"without", b"without too")


@pytest.mark.parametrize(("newest_that_took", "again"), [(b"first", b"again"), (b"first odd", b"again odd")])
async def test_a_type_that_returns_is_judged_by_the_newest_policy_that_took_it(
    replica: Replica, newest_that_took: bytes, again: bytes
) -> None:
    other_form = b"again" if again.endswith(b"odd") else b"again odd"
    between = [b"without %d" % number for number in range(2 * POLICIES_READ_AT_ONCE)]
    await change(replica, b"before", newest_that_took, *between)
    assert (await refusal_of(change(replica, other_form))).reason is Reason.POLICY_CHANGE_FORBIDDEN
    await change(replica, again)


async def test_policies_that_were_read_before_another_change_are_read_again(
    replica: Replica, other: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    await change(replica, b"without")
    page = replica.store.workspaces.policies_page
    others = [b"back", b"without"]
    reads = 0

    async def overtaken(keys: WorkspaceKeys, before_revision: int, limit: int) -> list[StoredPolicy]:
        nonlocal reads
        reads += 1
        read = await page(keys, before_revision, limit)
        while others:
            await change(other, others.pop(0))
        return read

    monkeypatch.setattr(replica.store.workspaces, "policies_page", overtaken)
    await change(replica, b"again")
    assert reads == 2


async def test_a_change_that_is_overtaken_each_time_gives_up(
    replica: Replica, other: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    await change(replica, b"without")
    page = replica.store.workspaces.policies_page

    async def overtaken(keys: WorkspaceKeys, before_revision: int, limit: int) -> list[StoredPolicy]:
        await change(other, b"without")
        return await page(keys, before_revision, limit)

    monkeypatch.setattr(replica.store.workspaces, "policies_page", overtaken)
    error = await refusal_of(change(replica, b"again"))
    assert (error.reason, error.retry_after_ms) == (Reason.STORE_UNAVAILABLE, 200)


async def test_policy_revisions_newest_first_by_pages(replica: Replica) -> None:
    for number in range(2, 8):
        await replica.workspaces.update_policy(WORKSPACE, b"%d" % number, "")
    told = []
    token = ""
    while True:
        page = await replica.workspaces.list_policy_revisions(WORKSPACE, 3, token)
        told += [record.policy_revision for record in page.items]
        token = page.next_page_token
        if not token:
            break
    assert told == [7, 6, 5, 4, 3, 2, 1]


async def test_a_token_belongs_to_its_list(replica: Replica) -> None:
    for name in ("acme", "bond"):
        await replica.workspaces.create_workspace(name, b"policy", None)
    page = await replica.workspaces.list_workspaces(2, "")
    assert [record.workspace for record in page.items] == ["acme", "bond"]
    rest = await replica.workspaces.list_workspaces(2, page.next_page_token)
    assert ([record.workspace for record in rest.items], rest.next_page_token) == ([WORKSPACE], "")
    for token in (page.next_page_token + "x", "%%%", "AAAA"):
        error = await refusal_of(replica.workspaces.list_workspaces(2, token))
        assert error.reason is Reason.PAGE_TOKEN_INVALID
    await replica.workspaces.update_policy("acme", b"second", "")
    own = (await replica.workspaces.list_policy_revisions("acme", 1, "")).next_page_token
    error = await refusal_of(replica.workspaces.list_policy_revisions("bond", 1, own))
    assert error.reason is Reason.PAGE_TOKEN_INVALID


async def test_a_dry_run_tells_what_would_be_and_makes_nothing(replica: Replica) -> None:
    told = await replica.workspaces.create_workspace("acme", None, "unify", validate_only=True)
    assert (told.policy, told.policy_revision) == (b"preset", 1)
    error = await refusal_of(replica.workspaces.get_workspace("acme"))
    assert error.reason is Reason.WORKSPACE_NOT_FOUND
    taken = await refusal_of(replica.workspaces.create_workspace(WORKSPACE, None, "unify", validate_only=True))
    assert taken.reason is Reason.WORKSPACE_EXISTS


async def test_a_dry_run_of_a_change_changes_nothing(replica: Replica) -> None:
    before = await replica.workspaces.get_workspace(WORKSPACE)
    told = await replica.workspaces.update_policy(WORKSPACE, b"second", before.etag, validate_only=True)
    assert (told.policy, told.policy_revision) == (b"second", before.policy_revision + 1)
    assert await replica.workspaces.get_workspace(WORKSPACE) == before
    error = await refusal_of(replica.workspaces.update_policy(WORKSPACE, b"forbidden", "", validate_only=True))
    assert error.reason is Reason.POLICY_CHANGE_FORBIDDEN
    assert await replica.workspaces.update_policy(WORKSPACE, b"second", before.etag) == told
