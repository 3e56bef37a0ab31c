"""Commits the calls of a turn and answers them; where the database refuses one of their values, that one is found."""

import asyncio
from collections.abc import Callable

from utterson.application.lane.context import LaneContext
from utterson.application.lane.held_hits import HeldHits
from utterson.application.lane.operation import Batch, MakeBatch
from utterson.application.lane.repeats import fill_repeated
from utterson.application.lane.sparing import unwritten
from utterson.application.lane.state_keeper import StateKeeper
from utterson.application.lane.turn_runner import TurnRunner
from utterson.application.lane.waiting import GroupItem, fail
from utterson.application.ports.engine import Plan
from utterson.application.refusals import describe, internal_fault, logger
from utterson.domain.chain import StateDivergedError, StoreFailureError
from utterson.domain.decisions import Answer, RepeatedCall
from utterson.domain.errors import UttersonError


class Resolving:
    """The calls of one lane, from their turn to their answers.

    Args:
        keeper: of the workspace's state, which is dropped where something goes wrong.
        runner: runs a batch until it is committed.
        held: is told whether calls of this workspace change anything.
        context: what all lanes share.
        make_batch: makes the operation that decides several groups together.
        after_the_next_commit: does something later where the next commit is to leave first, else at once.
        filled: told when a recorded answer was read that a call waited for.
    """

    def __init__(
        self,
        keeper: StateKeeper,
        runner: TurnRunner,
        held: HeldHits,
        context: LaneContext,
        make_batch: MakeBatch,
        *,
        after_the_next_commit: Callable[[Callable[[], None]], None],
        filled: Callable[[], None],
    ) -> None:
        self._keeper = keeper
        self._runner = runner
        self._held = held
        self._context = context
        self._make_batch = make_batch
        self._after_the_next_commit = after_the_next_commit
        self._filled = filled
        self.fillers: set[asyncio.Task[None]] = set()

    def batch(self, items: list[GroupItem]) -> Batch:
        """Make the operation that decides these calls together."""
        groups = [item.group for item in items]
        batch = self._make_batch(groups)
        batch.threaded = self._context.sharing.goes_beside(groups, asyncio.get_running_loop().time())
        return batch

    async def resolve(self, items: list[GroupItem]) -> None:
        """Decide calls together; where the database refuses one of their values, halve until that call stands alone."""
        live = [item for item in items if not item.receiver.done()]
        if not live:
            return
        await self.resolve_decided(live, self.batch(live))

    async def resolve_decided(self, live: list[GroupItem], batch: Batch) -> None:
        """Commit calls and answer them, decided ahead or not."""
        try:
            await self._runner.run(batch, self._context.limits.commit_timeout_ms)
        except UttersonError as error:
            spared = await unwritten(self._runner, self._make_batch, [item.group for item in live], error)
            for item, alone in zip(live, spared, strict=True):
                if alone is None:
                    fail([item], error)
                else:
                    self._answer([item], alone.plan)
            return
        except Exception as error:
            await self._halve(live, error)
            return
        self._held.expected = not batch.plan.writes
        self._after_the_next_commit(lambda: self._answer(live, batch.plan))

    async def close(self, timeout_s: float) -> None:
        """Wait for the recorded answers that are being read."""
        if self.fillers:
            await asyncio.wait(self.fillers, timeout=timeout_s)

    def _answer(self, live: list[GroupItem], plan: Plan) -> None:
        """Answer committed calls."""
        try:
            responses = plan.responses([item.group for item in live])
            for place, (item, response) in enumerate(zip(live, responses, strict=True)):
                if response is None:
                    self._release(item, plan.answers(place))
                elif not item.receiver.done():
                    item.receiver.set_result(response)
        except Exception as error:
            # Nothing may leave a caller without an answer.
            fail(live, internal_fault(error, self._context.entropy))
            self._keeper.drop(type(error).__name__)

    async def _halve(self, live: list[GroupItem], error: Exception) -> None:
        if not isinstance(error, StoreFailureError):
            self._keeper.drop(type(error).__name__)
        if len(live) == 1 or isinstance(error, StateDivergedError):
            fail(live, internal_fault(error, self._context.entropy))
            return
        workspace = self._keeper.keys.workspace
        logger.warning("workspace %s: a batch of %d is halved: %s", workspace, len(live), describe(error))
        middle = len(live) // 2
        await self.resolve(live[:middle])
        await self.resolve(live[middle:])

    def _release(self, item: GroupItem, answers: list[Answer]) -> None:
        if item.receiver.done():
            return
        if any(isinstance(answer, RepeatedCall) for answer in answers):
            filling = fill_repeated(self._context, self._keeper.keys, item.group, answers, item.receiver)
            filler = asyncio.create_task(filling)
            self.fillers.add(filler)
            filler.add_done_callback(self._end_of)
            return
        item.receiver.set_result(answers)

    def _end_of(self, filler: "asyncio.Task[None]") -> None:
        self.fillers.discard(filler)
        self._filled()
