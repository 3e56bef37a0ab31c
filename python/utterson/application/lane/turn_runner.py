"""One turn of a lane: decide, commit, apply; and once more where another server was first.

Memory never leads the database: the state changes only after the commit of its plan.
"""

import asyncio
from enum import Enum, auto

from utterson.application.lane.committer import Committer
from utterson.application.lane.context import LaneContext
from utterson.application.lane.operation import Batch, CommitUnderWay, Operation
from utterson.application.lane.state_keeper import StateKeeper
from utterson.application.ports.engine import Plan, State
from utterson.application.ports.store import TailReader
from utterson.application.refusals import RETRY_AFTER_MS, clocks_apart, describe, logger, store_unavailable
from utterson.domain.chain import (
    Commit,
    CommitOutcome,
    EnginePanicError,
    FailureKind,
    FormatUnknownError,
    HistoryLostError,
    StateDivergedError,
    StoreFailureError,
    WorkspaceGoneError,
)
from utterson.domain.errors import Reason, UttersonError
from utterson.domain.failpoints import FailpointPlace

ENTRY_ID_BYTES = 16
RELOADS_MAX = 1
# Where the database went back, it may get another id while the state is loaded, from each of several servers.
REFINDS_MAX = 3
# Failures that say that the state is wrong, not the database.
_OF_THE_STATE = (FailureKind.DIVERGENCE, FailureKind.GONE)
# So many lost races in a row, and the workspace's row is locked first, so that a slow server gets its turn.
LOSSES_BEFORE_LOCK = 2
# Plans with more effects are copied and applied in a thread: others would wait for it.
HEAVY_EFFECTS = 20_000


def _told(error: StateDivergedError | StoreFailureError) -> Exception:
    """Tell a failure that says that the workspace is gone from one that says that its tables are not as the state."""
    if isinstance(error, StoreFailureError) and error.kind is FailureKind.GONE:
        return WorkspaceGoneError("the workspace is gone, or another one")
    return error


class _Step(Enum):
    """How one attempt ended."""

    DONE = auto()
    # The state moved: decide again.
    AGAIN = auto()
    # Another writer was first.
    LOST = auto()


class TurnRunner:
    """Runs operations on one workspace's state; one at a time."""

    def __init__(self, keeper: StateKeeper, committer: Committer, context: LaneContext) -> None:
        self.threaded = False
        self.under_way: CommitUnderWay | None = None
        self._keeper = keeper
        self._committer = committer
        self._context = context
        self._started_at_s = 0.0
        self._tells_of_tables = False
        self._timeout_s = 0.0

    async def run(self, operation: Operation, timeout_ms: int) -> None:
        """Run one operation until its effects are committed and applied, or it needs none.

        Args:
            operation: what to decide; it keeps its own answer.
            timeout_ms: bound on one commit.

        Raises:
            UttersonError: the database is away, the outcome is unknown, …
            StoreFailureError, EnginePanicError: something in the batch is poison; nothing of it was written.
            StateDivergedError: a freshly loaded state diverges still.
        """
        self._started_at_s = asyncio.get_running_loop().time()
        self._timeout_s = timeout_ms / 1000
        losses = reloads = 0
        while True:
            try:
                step = await self._attempt(operation, locked=losses >= LOSSES_BEFORE_LOCK)
                if step is _Step.DONE:
                    return
                if step is _Step.LOST:
                    losses += 1
                    await self._keeper.catch_up_from_log()
                self._check_patience()
            except (StateDivergedError, StoreFailureError) as error:
                if isinstance(error, StoreFailureError) and error.kind not in _OF_THE_STATE:
                    raise self._refusal(error) from None
                told = _told(error)
                self._keeper.drop(told)
                reloads += 1
                if reloads > (REFINDS_MAX if isinstance(told, HistoryLostError | WorkspaceGoneError) else RELOADS_MAX):
                    raise
            except FormatUnknownError as error:
                self._keeper.drop(error)
                raise UttersonError(
                    Reason.STORE_UNAVAILABLE, "the workspace was written by a later version of the server; upgrade it"
                ) from None
            except EnginePanicError as error:
                self._keeper.drop(error)
                raise
            except UttersonError as error:
                if error.reason is Reason.OUTCOME_UNKNOWN:
                    self._keeper.drop("the outcome of a commit is unknown")
                raise

    @property
    def is_loaded(self) -> bool:
        """Whether there is a state to decide on."""
        return self._keeper.state is not None

    def decide_ahead(self, batch: Batch) -> None:
        """Decide calls while a commit is under way, on the state that it leads to; without one, do nothing.

        What cannot be decided now is decided in its turn, where the call that is at fault is found.
        """
        if self.under_way is None:
            return
        try:
            batch.decide_ahead(self.under_way, self._context.clock_us(), self._context.entropy(ENTRY_ID_BYTES))
        except (EnginePanicError, StateDivergedError) as error:
            self._keeper.drop(error)

    async def writes(self, operation: Operation) -> bool:
        """Decide an operation without committing it, and tell whether it would have to write.

        The answer of one that writes nothing rests on a state that is as new as it asks for, as after `run`.

        Raises:
            StoreFailureError, UttersonError, StateDivergedError, …: the database cannot be read, either.
        """
        while True:
            plan = await self._decide(operation, await self._keeper.ready())
            if plan is not None and plan.writes:
                return True
            if await self._confirmed(operation) is _Step.DONE:
                return False

    def _refusal(self, failure: StoreFailureError) -> Exception:
        """Choose what a failure becomes: poison is for the lane to bisect, the rest is the database's trouble."""
        if failure.kind is FailureKind.POISON:
            return failure
        return store_unavailable(failure, self._keeper.keys.workspace)

    def _check_patience(self) -> None:
        """Give up where the time of several commits went by without a turn."""
        if asyncio.get_running_loop().time() - self._started_at_s > 3 * self._timeout_s:
            raise UttersonError(
                Reason.STORE_UNAVAILABLE,
                "other writers of the workspace leave no turn; try again",
                retry_after_ms=RETRY_AFTER_MS,
            )

    async def _attempt(self, operation: Operation, *, locked: bool) -> _Step:
        state = await self._keeper.ready()
        if locked:
            return await self._attempt_locked(operation)
        plan = await self._decide(operation, state)
        if plan is None or not plan.writes:
            return await self._confirmed(operation)
        if state is not self._keeper.state:
            return _Step.AGAIN
        asked_at_s = asyncio.get_running_loop().time()
        await self._context.failpoints.reach(FailpointPlace.AFTER_DECIDE)
        commit = await self._commit_of(plan)
        if operation.allows_deciding_ahead:
            self.under_way = CommitUnderWay(state, commit.id, plan)
        try:
            outcome = await self._committer.commit(commit, self._timeout_s)
        finally:
            self.under_way = None
        await self._context.failpoints.reach(FailpointPlace.BEFORE_APPLY)
        return await self._concluded_apart(operation, outcome, plan, asked_at_s)

    async def _commit_of(self, plan: Plan) -> Commit:
        """Give a plan's entry and columns; those of a large one in a thread."""
        if plan.weight > HEAVY_EFFECTS:
            return await asyncio.to_thread(plan.commit, self._keeper.keys)
        return plan.commit(self._keeper.keys)

    async def _attempt_locked(self, operation: Operation) -> _Step:
        """Lock the workspace's row, then catch up, decide and commit: while it is locked nobody else commits."""
        plan: Plan | None = None
        decided = deciding = False

        async def decide(tail: TailReader) -> Commit | None:
            nonlocal plan, decided, deciding
            state = self._keeper.state
            if state is None:
                # Dropped while the lock was waited for: it is loaded anew before the next attempt, not under the lock.
                return None
            await self._keeper.catch_up(tail)
            self._keeper.confirmed_at_s = asked_at_s
            deciding = True
            plan = await self._decide(operation, state)
            deciding, decided = False, True
            return await self._commit_of(plan) if plan is not None and plan.writes else None

        asked_at_s = asyncio.get_running_loop().time()
        try:
            outcome = await self._committer.commit_locked(self._keeper.keys, decide, self._timeout_s)
        except BaseException as error:
            # Unless it is certain that nothing was written: the transaction was cut, perhaps while it decided, and then
            # the state may be in use by a lost thread.
            if deciding or not (isinstance(error, StoreFailureError) and error.wrote_nothing):
                self._keeper.drop("a locked transaction broke off")
            raise
        if outcome is CommitOutcome.OK and not decided:
            return _Step.AGAIN
        return await self._concluded_apart(operation, outcome, plan, asked_at_s)

    async def _decide(self, operation: Operation, state: State) -> Plan | None:
        entry_id = self._context.entropy(ENTRY_ID_BYTES)
        self.threaded = operation.is_threaded(state)
        try:
            plan = await operation.decide(state, self._context.clock_us(), entry_id)
        finally:
            self.threaded = False
        self._tells_of_tables = plan is not None and bool(plan.unknown)
        if plan is not None and plan.unknown:
            # The commit takes these values out of the tables.
            plan.complete(await self._context.store.profiles.raw_values(self._keeper.keys, plan.unknown))
        return plan

    async def _confirmed(self, operation: Operation) -> _Step:
        """Make sure that a decision that writes nothing rests on a state that is new enough."""
        if operation.needs_confirmation(default_strong=self._context.limits.default_strong):
            # All calls had arrived when the turn began. The loop's clock stands still within a round of the loop and
            # may know whole milliseconds only: what was confirmed at the very same time may have been before.
            fresh = self._keeper.confirmed_at_s > self._started_at_s
        else:
            oldest_s = asyncio.get_running_loop().time() - self._context.limits.staleness_ms / 1000
            fresh = self._keeper.confirmed_at_s >= oldest_s
        # Values that were read from the tables are those of the state only if nobody has committed meanwhile.
        if fresh and not self._tells_of_tables:
            return _Step.DONE
        return _Step.DONE if await self._keeper.confirm() else _Step.AGAIN

    async def _concluded_apart(
        self, operation: Operation, outcome: CommitOutcome, plan: Plan | None, asked_at_s: float
    ) -> _Step:
        """Conclude an attempt; what takes long to apply in a thread, while nobody else looks at the state."""
        if plan is None or not (operation.threaded or plan.weight > HEAVY_EFFECTS):
            return self._concluded(outcome, plan, asked_at_s)
        self.threaded = True
        try:
            return await asyncio.to_thread(self._concluded, outcome, plan, asked_at_s)
        finally:
            self.threaded = False

    def _concluded(self, outcome: CommitOutcome, plan: Plan | None, asked_at_s: float) -> _Step:
        match outcome:
            case CommitOutcome.OK:
                if plan is not None and plan.writes:
                    self._apply(plan, asked_at_s)
                return _Step.DONE
            case CommitOutcome.LOST:
                return _Step.LOST
            case CommitOutcome.DIVERGED:
                raise HistoryLostError("the state's head is not in the log")
            case CommitOutcome.GONE:
                raise WorkspaceGoneError("the workspace is gone, or another one")
            case CommitOutcome.FENCED:
                raise FormatUnknownError("the workspace asks for a later format")
            case CommitOutcome.CLOCKS_APART:
                raise clocks_apart()

    def _apply(self, plan: Plan, asked_at_s: float) -> None:
        """Bring the state to the committed state. The commit stands whatever happens here."""
        try:
            plan.apply()
        except (StateDivergedError, EnginePanicError) as error:
            logger.error("a committed plan could not be applied: %s", describe(error))
            self._keeper.drop(error)
            return
        self._keeper.confirmed_at_s = asked_at_s
