"""Workspaces and their policies: made, told, listed, changed."""

import asyncio

from utterson.application.lane.context import LaneContext
from utterson.application.lane.lane import Lane
from utterson.application.lane.lanes import Lanes
from utterson.application.paging import PageTokens, page_limit
from utterson.application.refusals import RETRY_AFTER_MS, store_refusals, store_unavailable, workspace_not_found
from utterson.application.workspaces.etag import policy_etag
from utterson.application.workspaces.policy_change import EarlierPolicies, PolicyChange
from utterson.domain.chain import FailureKind, NewWorkspace, StoredWorkspace, StoreFailureError
from utterson.domain.decisions import CheckedPolicy
from utterson.domain.errors import FieldViolation, Reason, Resource, UttersonError
from utterson.domain.records import Page, PolicyRevisionRecord, WorkspaceRecord

KEY_BYTES = 16
REVISION_MAX = 2**31 - 1
# A policy may be large: so many are held in memory at a time while earlier ones are searched.
POLICIES_READ_AT_ONCE = 8
CHANGE_TRIES = 10


class WorkspacesService:
    """Answers the calls of WorkspaceService."""

    def __init__(self, lanes: Lanes, context: LaneContext) -> None:
        self._lanes = lanes
        self._context = context
        self._store = context.store.workspaces

    async def create_workspace(self, workspace: str, policy: bytes | None, preset: str | None) -> WorkspaceRecord:
        """Make a workspace; exactly one of policy and preset is given.

        Raises:
            UttersonError: POLICY_INVALID, FIELD_INVALID (no such preset), WORKSPACE_EXISTS, STORE_UNAVAILABLE, and
                QUOTA_EXCEEDED where there are as many as the settings allow.
        """
        await self._check_quota(workspace)
        checked = self._preset(preset or "") if policy is None else self._context.engine.check_policy(policy)
        entropy = self._context.entropy
        new = NewWorkspace(
            workspace,
            entropy(KEY_BYTES),
            entropy(KEY_BYTES),
            entropy(KEY_BYTES),
            checked.policy,
            self._context.clock_us(),
        )
        if not await self._create(new):
            raise UttersonError(
                Reason.WORKSPACE_EXISTS,
                "a workspace of this id exists; choose another id, or change its policy with UpdatePolicy",
                resource=Resource("workspace", workspace),
            )
        return WorkspaceRecord(
            workspace, checked.policy, 1, policy_etag(1, checked.policy), new.create_time_us, checked.warnings
        )

    async def get_workspace(self, workspace: str) -> WorkspaceRecord:
        """Tell a workspace."""
        return _record(await self._stored(workspace))

    async def list_workspaces(self, page_size: int, page_token: str) -> Page[WorkspaceRecord]:
        """List workspaces by id."""
        limit = page_limit(page_size)
        tokens = PageTokens("workspaces")
        after = tokens.read(page_token, 0)
        with store_refusals():
            rows = await self._store.page("" if after is None else after[1], limit + 1)
        next_token = tokens.write(text_position=rows[limit - 1].keys.workspace) if len(rows) > limit else ""
        return Page([_record(row) for row in rows[:limit]], next_token)

    async def update_policy(self, workspace: str, policy: bytes, etag: str) -> WorkspaceRecord:
        """Change the policy in the log's order; an empty etag overwrites.

        Raises:
            UttersonError: POLICY_INVALID, ETAG_MISMATCH, POLICY_CHANGE_FORBIDDEN, WORKSPACE_NOT_FOUND.
        """
        lane = await self._lanes.lane(workspace)
        checked: CheckedPolicy = self._context.engine.check_policy(policy)
        operation = await self._decided(lane, checked.policy, etag)
        if operation.refusal is not None:
            raise operation.refusal
        return WorkspaceRecord(
            workspace,
            checked.policy,
            operation.policy_revision,
            policy_etag(operation.policy_revision, checked.policy),
            lane.keys.create_time_us,
            checked.warnings,
        )

    async def list_policy_revisions(
        self, workspace: str, page_size: int, page_token: str
    ) -> Page[PolicyRevisionRecord]:
        """List the policies that a workspace had, newest first."""
        limit = page_limit(page_size)
        tokens = PageTokens("policies", workspace)
        before = tokens.read(page_token, 1)
        stored = await self._stored(workspace)
        revision = REVISION_MAX if before is None else min(max(before[0][0], 0), REVISION_MAX)
        with store_refusals():
            rows = await self._store.policies_page(stored.keys.workspace_key, revision, limit + 1)
        next_token = tokens.write([rows[limit - 1].policy_revision]) if len(rows) > limit else ""
        records = [PolicyRevisionRecord(row.policy_revision, row.policy, row.create_time_us) for row in rows[:limit]]
        return Page(records, next_token)

    async def _decided(self, lane: Lane, policy: bytes, etag: str) -> PolicyChange:
        """Run a change until it is decided: nearly always once, where types return a second time.

        Raises:
            UttersonError: STORE_UNAVAILABLE where others change the policy each time between the reading and the turn.
        """
        earlier = EarlierPolicies()
        for _ in range(CHANGE_TRIES):
            operation = PolicyChange(policy, etag, earlier)
            await lane.run(operation)
            if not operation.wanted:
                return operation
            earlier = await self._earlier_policies(lane.keys.workspace_key, operation.policy_revision, operation.wanted)
        raise UttersonError(
            Reason.STORE_UNAVAILABLE, "others change the policy too fast; try again", retry_after_ms=RETRY_AFTER_MS
        )

    async def _earlier_policies(
        self, workspace_key: int, policy_revision: int, types: frozenset[str]
    ) -> EarlierPolicies:
        """Find the newest policy before a revision that took each type, few policies in memory at a time."""
        missing, found, before = set(types), list[bytes](), policy_revision
        while missing and before > 1:
            with store_refusals():
                page = await self._store.policies_page(workspace_key, before, POLICIES_READ_AT_ONCE)
            if not page:
                break
            for kept in page:
                taken = await asyncio.to_thread(self._context.engine.taken_types, kept.policy, sorted(missing))
                if taken:
                    found.append(kept.policy)
                    missing.difference_update(taken)
            before = page[-1].policy_revision
        return EarlierPolicies(policy_revision, types, found)

    def _preset(self, name: str) -> CheckedPolicy:
        preset = self._context.engine.preset_policy(name)
        if preset is not None:
            return preset
        known = ", ".join(self._context.engine.preset_names())
        raise UttersonError(
            Reason.FIELD_INVALID,
            f"there is no such preset; the presets are {known}",
            violations=(FieldViolation("preset", f"must be one of {known}"),),
        )

    async def _check_quota(self, workspace: str) -> None:
        """Refuse one more workspace than there may be. Those that are made at the same moment may all be the last."""
        most = self._context.limits.workspaces_max
        with store_refusals():
            if await self._store.count(most) < most or await self._store.get(workspace) is not None:
                return
        raise UttersonError(
            Reason.QUOTA_EXCEEDED, f"there are {most} workspaces, and no more may be made (workspaces_max)"
        )

    async def _create(self, new: NewWorkspace) -> bool:
        """Make it; tells whether it is ours.

        Where the outcome is unknown, the random digest key of the stored workspace tells whose attempt took effect.
        """
        try:
            return await self._store.create(new)
        except StoreFailureError as failure:
            if failure.kind is not FailureKind.UNKNOWN:
                raise store_unavailable(failure) from None
        with store_refusals():
            stored = await self._store.get(new.workspace)
            if stored is None:
                return await self._store.create(new)
            return stored.keys.digest_key == new.digest_key

    async def _stored(self, workspace: str) -> StoredWorkspace:
        with store_refusals():
            stored = await self._store.get(workspace)
        if stored is None:
            raise workspace_not_found(workspace)
        return stored


def _record(stored: StoredWorkspace) -> WorkspaceRecord:
    policy = stored.policy
    return WorkspaceRecord(
        stored.keys.workspace,
        policy.policy,
        policy.policy_revision,
        policy_etag(policy.policy_revision, policy.policy),
        stored.keys.create_time_us,
    )
