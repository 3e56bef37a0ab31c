"""Commits one plan, and finds out what became of it where the database did not say.

The commit belongs to the lane: nothing here is ever cancelled by a caller. An unknown outcome is found out by the
entry's own id: whoever stands at its place of the chain is the answer (docs/decisions/0003-commit-protocol.md).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from utterson.application.lane.context import LaneContext
from utterson.application.ports.store import TailReader
from utterson.application.refusals import describe, log_failure, logger, outcome_unknown
from utterson.domain.chain import Commit, CommitOutcome, FailureKind, StoreFailureError, WorkspaceKeys
from utterson.domain.failpoints import FailpointPlace

LOOK_UP_PAUSE_S = 0.05
# How a repetition may end while the first attempt stands.
_NOT_THIS_TIME = (CommitOutcome.LOST, CommitOutcome.GONE, CommitOutcome.CLOCKS_APART)
Result = TypeVar("Result")


class Committer:
    """Writes a lane's plans; holds no state.

    Args:
        context: the store, and how long an outcome is looked up.
        workspace: whose plans, for the log.
    """

    def __init__(self, context: LaneContext, workspace: str) -> None:
        self._workspace = workspace
        self._commits = context.store.commits
        self._log = context.store.log
        self._failpoints = context.failpoints
        self._outcome_timeout_s = context.limits.outcome_timeout_ms / 1000

    async def commit(self, commit: Commit, timeout_s: float) -> CommitOutcome:
        """Commit, and say for certain how it ended.

        Raises:
            StoreFailureError: DIVERGENCE, POISON or OVERLOAD; nothing was written.
            UttersonError: OUTCOME_UNKNOWN, the only case without certainty.
        """
        await self._failpoints.reach(FailpointPlace.BEFORE_COMMIT)
        try:
            outcome = await _or_unknown(self._commits.commit(commit, timeout_s))
        except StoreFailureError as failure:
            if failure.kind is FailureKind.LOST_RACE:
                return CommitOutcome.LOST
            if failure.kind is not FailureKind.UNKNOWN:
                raise
            log_failure(failure, f"commit of entry {commit.seq}", self._workspace)
            return await self._find_outcome(commit, timeout_s)
        if outcome is CommitOutcome.OK:
            await self._failpoints.reach(FailpointPlace.AFTER_COMMIT)
        return outcome

    async def commit_locked(
        self, keys: WorkspaceKeys, decide: Callable[[TailReader], Awaitable[Commit | None]], timeout_s: float
    ) -> CommitOutcome:
        """Lock the workspace's row, decide and commit in one transaction; raises as `commit`."""
        made: list[Commit] = []

        async def remember(tail: TailReader) -> Commit | None:
            commit = await decide(tail)
            if commit is not None:
                made.append(commit)
            return commit

        try:
            return await self._commits.commit_locked(keys, remember, timeout_s)
        except StoreFailureError as failure:
            if failure.kind is FailureKind.LOST_RACE:
                return CommitOutcome.LOST
            if failure.kind is not FailureKind.UNKNOWN or not made:
                raise
            log_failure(failure, f"locked commit of entry {made[0].seq}", self._workspace)
        return await self._find_outcome(made[0], timeout_s)

    async def _find_outcome(self, commit: Commit, timeout_s: float) -> CommitOutcome:
        """Look the entry up; where its place is still free, send the same entry again.

        The repetition queues on the workspace's row behind the backend that may still be at work on the first
        attempt, so it finds either that entry or a place that nobody else of ours can take.
        """
        deadline_s = asyncio.get_running_loop().time() + self._outcome_timeout_s
        while True:
            found = await self._look_up(commit, deadline_s)
            if found is not None:
                return found
            try:
                outcome = await _or_unknown(self._commits.commit(commit, timeout_s))
                if outcome not in _NOT_THIS_TIME:
                    return outcome
            except StoreFailureError as failure:
                if failure.kind in (FailureKind.DIVERGENCE, FailureKind.POISON):
                    raise
                await asyncio.sleep(LOOK_UP_PAUSE_S)

    async def _look_up(self, commit: Commit, deadline_s: float) -> CommitOutcome | None:
        """Tell who stands at the entry's place; None where it is free and still ours to take."""
        while asyncio.get_running_loop().time() < deadline_s:
            try:
                found = await _or_unknown(self._log.entry_id(commit.keys, commit.seq))
                if found is not None:
                    return CommitOutcome.OK if found == commit.id else CommitOutcome.LOST
                head = (await _or_unknown(self._log.heads([commit.keys]))).get(commit.keys)
                if head is None:
                    # Whatever was under way has ended, and what comes later is refused: who stands there now, stays.
                    found = await _or_unknown(self._log.entry_id(commit.keys, commit.seq))
                    return CommitOutcome.OK if found == commit.id else CommitOutcome.GONE
            except StoreFailureError:
                await asyncio.sleep(LOOK_UP_PAUSE_S)
                continue
            if head.id == commit.prev:
                return None
            if head.seq < commit.seq:
                return CommitOutcome.DIVERGED
        raise outcome_unknown()


async def _or_unknown(call: Awaitable[Result]) -> Result:
    """Wait for a call of the store; what nobody foresaw leaves its outcome unknown, never free to decide anew."""
    try:
        return await call
    except StoreFailureError:
        raise
    except Exception as error:
        logger.error("unforeseen failure of the store: %s", describe(error))
        raise StoreFailureError(FailureKind.UNKNOWN, type(error).__name__) from None
