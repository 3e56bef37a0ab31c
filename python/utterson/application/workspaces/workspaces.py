"""Workspaces and their policies: made, told, listed, changed."""

import asyncio
import re
from typing import Final

from utterson.application.lane.context import LaneContext
from utterson.application.lane.lane import Lane
from utterson.application.lane.lanes import Lanes
from utterson.application.paging import PageTokens, cut_by_bytes, invalid_page_token, page_limit, text_position_told
from utterson.application.refusals import (
    RETRY_AFTER_MS,
    clocks_apart,
    outcome_unknown,
    store_refusals,
    store_unavailable,
    workspace_not_found,
)
from utterson.application.workspaces.etag import policy_etag
from utterson.application.workspaces.policy_change import EarlierPolicies, PolicyChange
from utterson.domain.chain import (
    FailureKind,
    NewWorkspace,
    StoredWorkspace,
    StoreFailureError,
    WorkspaceGoneError,
    WorkspaceKeys,
)
from utterson.domain.decisions import CheckedPolicy
from utterson.domain.errors import FieldViolation, Reason, Resource, UttersonError
from utterson.domain.records import Page, PolicyRevisionRecord, WorkspaceRecord

KEY_BYTES = 16
NUMBER_BYTES = 8
REVISION_MAX = 2**31 - 1
# A policy may be large: so many are held in memory at a time while earlier ones are searched.
POLICIES_READ_AT_ONCE = 8
CHANGE_TRIES = 10
_WORKSPACE_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")


class WorkspacesService:
    """Answers the calls of WorkspaceService."""

    def __init__(self, lanes: Lanes, context: LaneContext) -> None:
        self._lanes = lanes
        self._context = context
        self._store = context.store.workspaces

    async def create_workspace(
        self, workspace: str, policy: bytes | None, preset: str | None, *, validate_only: bool = False
    ) -> WorkspaceRecord:
        """Make a workspace, or tell what would be made; exactly one of policy and preset is given.

        Raises:
            UttersonError: POLICY_INVALID, FIELD_INVALID (no such preset), WORKSPACE_EXISTS, STORE_UNAVAILABLE, and
                QUOTA_EXCEEDED where there are as many as the settings allow.
        """
        await self._check_quota(workspace)
        checked = self._preset(preset or "") if policy is None else await self._checked(policy)
        entropy = self._context.entropy
        new = NewWorkspace(
            workspace,
            # From 1 on, and a signed number of 64 bits in the tables.
            1 + int.from_bytes(entropy(NUMBER_BYTES)) % (2**63 - 1),
            entropy(KEY_BYTES),
            entropy(KEY_BYTES),
            entropy(KEY_BYTES),
            checked.policy,
            self._context.clock_us(),
        )
        if not (await self._is_free(workspace) if validate_only else await self._create(new)):
            raise UttersonError(
                Reason.WORKSPACE_EXISTS,
                "a workspace of this id exists; choose another id, or change its policy with UpdatePolicy",
                resource=Resource("workspace", workspace),
            )
        lane = self._lanes.open_lane(workspace)
        if lane is not None and not validate_only:
            # It was there, and the database does not know it any more.
            lane.distrust(WorkspaceGoneError("it was made anew"))
        return WorkspaceRecord(
            workspace, checked.policy, 1, policy_etag(1, checked.policy), new.create_time_us, checked.warnings
        )

    async def get_workspace(self, workspace: str) -> WorkspaceRecord:
        """Tell a workspace."""
        return _record(await self._stored(workspace))

    async def list_workspaces(self, page_size: int, page_token: str) -> Page[WorkspaceRecord]:
        """List workspaces by id."""
        limit = page_limit(page_size)
        after = await self._place_told(page_token)
        with store_refusals():
            rows = await self._store.page(after, limit + 1)
        told, has_more = cut_by_bytes(rows, limit, lambda row: len(row.policy.policy))
        last = told[-1].keys if has_more else None
        next_token = "" if last is None else _workspace_tokens(last).write(text_position=last.workspace)
        return Page([_record(row) for row in told], next_token)

    async def update_policy(
        self, workspace: str, policy: bytes, etag: str, *, validate_only: bool = False
    ) -> WorkspaceRecord:
        """Change the policy in the log's order, or tell what would be; an empty etag overwrites.

        The workspace keeps the version of the rules that it was made with.

        Raises:
            UttersonError: POLICY_INVALID, ETAG_MISMATCH, POLICY_CHANGE_FORBIDDEN, WORKSPACE_NOT_FOUND.
        """
        lane = await self._lanes.lane(workspace)
        in_force = (await self._stored(workspace)).policy.policy
        checked = await self._checked(policy, in_force)
        operation = await self._decided(lane, checked.policy, etag, validate_only=validate_only)
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
        stored = await self._stored(workspace)
        tokens = PageTokens(stored.keys.digest_key, "policies", workspace)
        before = tokens.read(page_token, 1)
        revision = REVISION_MAX if before is None else before[0][0]
        with store_refusals():
            rows = await self._store.policies_page(stored.keys, revision, limit + 1)
        told, has_more = cut_by_bytes(rows, limit, lambda row: len(row.policy))
        next_token = tokens.write([told[-1].policy_revision]) if has_more else ""
        records = [PolicyRevisionRecord(row.policy_revision, row.policy, row.create_time_us) for row in told]
        return Page(records, next_token)

    async def _place_told(self, page_token: str) -> str:
        """Tell the workspace after which the next page begins; its own key proves the token.

        The list belongs to no workspace, and so has no key of its own.

        Raises:
            UttersonError: PAGE_TOKEN_INVALID.
        """
        told = text_position_told(page_token)
        if not page_token:
            return ""
        if _WORKSPACE_ID.fullmatch(told) is None:
            raise invalid_page_token()
        with store_refusals():
            stored = await self._store.get(told)
        if stored is None:
            raise invalid_page_token()
        _workspace_tokens(stored.keys).read(page_token, 0)
        return told

    async def _decided(self, lane: Lane, policy: bytes, etag: str, *, validate_only: bool) -> PolicyChange:
        """Run a change until it is decided: nearly always once, where types return a second time.

        Raises:
            UttersonError: STORE_UNAVAILABLE where others change the policy each time between the reading and the turn.
        """
        earlier = EarlierPolicies()
        for _ in range(CHANGE_TRIES):
            operation = PolicyChange(policy, etag, earlier, validate_only=validate_only)
            await lane.run(operation)
            if not operation.wanted:
                return operation
            earlier = await self._earlier_policies(lane.keys, operation.policy_revision, operation.wanted)
        raise UttersonError(
            Reason.STORE_UNAVAILABLE, "others change the policy too fast; try again", retry_after_ms=RETRY_AFTER_MS
        )

    async def _earlier_policies(
        self, keys: WorkspaceKeys, policy_revision: int, types: frozenset[str]
    ) -> EarlierPolicies:
        """Find the newest policy before a revision that took each type, few policies in memory at a time."""
        missing, found, before = set(types), list[bytes](), policy_revision
        while missing and before > 1:
            with store_refusals():
                page = await self._store.policies_page(keys, before, POLICIES_READ_AT_ONCE)
            if not page:
                break
            for kept in page:
                taken = await asyncio.to_thread(self._context.engine.taken_types, kept.policy, sorted(missing))
                if taken:
                    found.append(kept.policy)
                    missing.difference_update(taken)
            before = page[-1].policy_revision
        return EarlierPolicies(policy_revision, types, found)

    async def _checked(self, policy: bytes, in_force: bytes | None = None) -> CheckedPolicy:
        """Expand and check a policy beside the event loop: compiling its expressions may take a second."""
        return await asyncio.to_thread(self._context.engine.check_policy, policy, in_force)

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

    async def _is_free(self, workspace: str) -> bool:
        with store_refusals():
            return await self._store.get(workspace) is None

    async def _create(self, new: NewWorkspace) -> bool:
        """Make it; tells whether it is ours.

        Where the outcome is unknown, the random digest key of the stored workspace tells whose attempt took effect.
        """
        try:
            return await self._store.create(new)
        except StoreFailureError as failure:
            if failure.kind is FailureKind.CLOCKS_APART:
                raise clocks_apart() from None
            if failure.kind is not FailureKind.UNKNOWN:
                raise store_unavailable(failure, new.workspace) from None
        try:
            stored = await self._store.get(new.workspace)
            if stored is None:
                return await self._store.create(new)
        except StoreFailureError:
            # The first attempt may have made it all the same.
            raise outcome_unknown() from None
        return stored.keys.digest_key == new.digest_key

    async def _stored(self, workspace: str) -> StoredWorkspace:
        with store_refusals(workspace):
            stored = await self._store.get(workspace)
        if stored is None:
            raise workspace_not_found(workspace)
        return stored


def _workspace_tokens(last: WorkspaceKeys) -> PageTokens:
    """Give the tokens of the list of workspaces that stand at one of them."""
    return PageTokens(last.digest_key, "workspaces")


def _record(stored: StoredWorkspace) -> WorkspaceRecord:
    policy = stored.policy
    return WorkspaceRecord(
        stored.keys.workspace,
        policy.policy,
        policy.policy_revision,
        policy_etag(policy.policy_revision, policy.policy),
        stored.keys.create_time_us,
    )
