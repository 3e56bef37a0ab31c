"""One workspace's lane: everything that touches its index goes through here, one batch at a time.

While a batch is committed the next calls gather; they are decided together when it is done, or, once they are many,
already then, on the state that the commit leads to. The lane's own task owns the work: a caller that goes away takes
only its own waiting call with it.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

from utterson.application.committer import Committer
from utterson.application.context import LaneContext
from utterson.application.decider import Decider
from utterson.application.engine_port import Index, Plan
from utterson.application.faults import describe, internal_fault, logger, shutting_down
from utterson.application.gathering import CALLS_AHEAD, Gathering
from utterson.application.index_keeper import IndexKeeper
from utterson.application.operations import CallsOperation, LookOperation, Operation
from utterson.application.repeats import fill_repeated
from utterson.domain.chain import EnginePanicError, IndexDivergedError, StoreFailureError, WorkspaceKeys
from utterson.domain.decisions import Answer, ParsedGroup, RepeatedCall, Reply
from utterson.domain.errors import Reason, UttersonError


@dataclass(slots=True)
class _CallItem:
    """Calls that wait for their turn."""

    group: ParsedGroup
    future: asyncio.Future[Reply]


@dataclass(slots=True)
class _SoloItem:
    """An operation that has a turn to itself."""

    operation: Operation
    timeout_ms: int
    future: asyncio.Future[None]


_Item: TypeAlias = _CallItem | _SoloItem


@dataclass(slots=True)
class _Turn:
    """What is taken from the queue at once; calls may have been decided ahead."""

    items: list[_Item]
    calls: int
    operation: CallsOperation | None = None


class Lane:
    """The queue and the task of one workspace."""

    def __init__(self, keys: WorkspaceKeys, context: LaneContext) -> None:
        self.keys = keys
        self._loop = asyncio.get_running_loop()
        self.used_at_s = self._loop.time()
        self._context = context
        self._staleness_s = context.limits.staleness_ms / 1000
        self._default_strong = context.limits.default_strong
        self._keeper = IndexKeeper(keys, context)
        committer = Committer(context)
        self._decider = Decider(self._keeper, committer, context)
        self._queue: deque[_Item] = deque()
        self._queued_calls = 0
        self._next: _Turn | None = None
        self._gathering = Gathering(context.limits)
        self._changed = asyncio.Event()
        self._space = asyncio.Event()
        self._closing = False
        self._fillers: set[asyncio.Task[None]] = set()
        self._task = asyncio.create_task(self._run(), name=f"lane {keys.workspace}")

    @property
    def index(self) -> Index | None:
        """The index, to look at between two awaits only; None while it is not loaded or busy in a thread."""
        return None if self._decider.threaded else self._keeper.index

    @property
    def confirmed_at_s(self) -> float:
        """When the index was last known to be at the log's head, in loop time."""
        return self._keeper.confirmed_at_s

    async def submit(self, group: ParsedGroup, *, wait_for_space: bool) -> asyncio.Future[Reply]:
        """Put calls into the queue; the future gives their answers.

        Cancelling the future drops the calls if they are not decided yet; afterwards they take effect regardless.

        Raises:
            UttersonError: QUEUE_FULL with the time until there should be space, or SHUTTING_DOWN.
        """
        while wait_for_space and self._is_full(group.size) and not self._closing:
            self._space.clear()
            await self._space.wait()
        return self.offer(group)

    def offer(self, group: ParsedGroup) -> asyncio.Future[Reply]:
        """As `submit`, without waiting for space."""
        if self._is_full(group.size) and not self._closing:
            raise UttersonError(
                Reason.QUEUE_FULL,
                "too many calls wait in this workspace; slow down and try again",
                retry_after_ms=self._gathering.drain_ms(self._queued_calls),
            )
        future: asyncio.Future[Reply] = self._loop.create_future()
        self.used_at_s = self._loop.time()
        self._put(_CallItem(group, future), group.size)
        return future

    def answer_hit(self, group: ParsedGroup) -> bytes | None:
        """Answer a call that changes nothing and asks for no confirmed state at once; None for any other.

        The answer is that of the last commit applied: a commit under way is not answered yet, so nobody can have
        seen it, and one that was answered is in the index already (docs/decisions/0011-hits-beside-the-lane.md).
        """
        index = self.index
        now_s = self._loop.time()
        if index is None or now_s - self._keeper.confirmed_at_s > self._staleness_s or self._closing:
            return None
        try:
            hit = index.answer_hit(group, self._context.clock_us(), default_strong=self._default_strong)
        except EnginePanicError as error:
            # The call goes the ordinary way, where it is isolated and named.
            self._keeper.drop(error)
            return None
        if hit is not None:
            self.used_at_s = now_s
        return hit

    async def run(self, operation: Operation, timeout_ms: int | None = None) -> None:
        """Run an operation in a turn of its own; it keeps its own answer.

        Cancelling drops it if its turn has not begun; afterwards it goes on regardless.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        limit_ms = self._context.limits.commit_timeout_ms if timeout_ms is None else timeout_ms
        self.used_at_s = asyncio.get_running_loop().time()
        self._put(_SoloItem(operation, limit_ms, future), 0)
        await future

    async def reach(self, seq: int) -> None:
        """Wait until the index is loaded and holds an entry that the log is known to have."""
        index = self.index
        if index is not None and index.head.seq >= seq:
            return
        self._keeper.known_seq = max(self._keeper.known_seq, seq)
        await self.run(LookOperation())

    def hear_of(self, seq: int) -> None:
        """Take note that the log has this entry; the lane catches up when it has nothing else to do."""
        index = self.index
        if index is None or seq <= max(self._keeper.known_seq, index.head.seq) or self._closing:
            return
        self._keeper.known_seq = seq
        if not self._queue:
            self._put(_SoloItem(LookOperation(), self._context.limits.commit_timeout_ms, _ignored()), 0)

    def hear_equal(self, asked_at_s: float) -> None:
        """Take note that the index stood at the log's head at that moment."""
        if self._keeper.index is not None:
            self._keeper.confirmed_at_s = max(self._keeper.confirmed_at_s, asked_at_s)

    def distrust(self, why: BaseException) -> None:
        """Forget the index because somebody saw it disagree with the tables; it is loaded anew when next needed."""
        self._keeper.drop(why)

    async def close(self, timeout_s: float) -> None:
        """Refuse new calls, finish those that wait, and end the task."""
        self._closing = True
        self._changed.set()
        self._space.set()
        await asyncio.wait({self._task}, timeout=timeout_s)
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=1)
        if self._fillers:
            await asyncio.wait(self._fillers, timeout=1)

    def _is_full(self, calls: int) -> bool:
        return self._queued_calls > 0 and self._queued_calls + calls > self._context.limits.queue_calls_max

    def _put(self, item: _Item, calls: int) -> None:
        if self._closing:
            raise shutting_down()
        self._queue.append(item)
        self._queued_calls += calls
        self._changed.set()
        self._gathering.arrived(len(self._queue), self._queued_calls)
        self._decide_ahead()

    async def _run(self) -> None:
        while self._queue or self._next is not None or not self._closing:
            turn, self._next = self._next, None
            if turn is None:
                if not self._queue:
                    self._changed.clear()
                    await self._changed.wait()
                    continue
                if not self._closing and isinstance(self._queue[0], _CallItem):
                    await self._gathering.wait(len(self._queue), self._queued_calls)
                turn = self._take()
            started_at_s = asyncio.get_running_loop().time()
            # What waits already is decided as soon as this turn's commit has left: the loop's next round makes it and
            # writes it out, so deciding comes in the one after that.
            self._loop.call_soon(self._loop.call_soon, self._decide_ahead)
            try:
                await self._run_turn(turn)
            except BaseException as error:
                # Nothing may leave a caller without an answer, nor end the lane.
                _fail(turn.items, internal_fault(error, self._context.entropy))
                self._keeper.drop(type(error).__name__)
                if isinstance(error, asyncio.CancelledError):
                    self._fail_all(shutting_down())
                    raise
            self._gathering.released(len(turn.items), len(self._queue), turn.calls, started_at_s)

    def _fail_all(self, error: UttersonError) -> None:
        if self._next is not None:
            _fail(self._next.items, error)
        _fail(list(self._queue), error)

    def _decide_ahead(self) -> None:
        """While a commit is under way, decide the calls that wait, if they are worth a commit of their own.

        Small batches are better left to grow until the commit is through.
        """
        if self._next is not None or self._queued_calls < CALLS_AHEAD or self._decider.under_way is None:
            return
        if isinstance(self._queue[0], _CallItem):
            turn = self._take()
            calls = [item for item in turn.items if isinstance(item, _CallItem) and not item.future.done()]
            operation = CallsOperation([item.group for item in calls])
            self._decider.decide_ahead(operation)
            self._next = _Turn(list(calls), turn.calls, operation)

    def _take(self) -> _Turn:
        """Take the next turn's items: one operation of its own, or calls up to the limit."""
        items: list[_Item] = []
        calls = 0
        while self._queue:
            item = self._queue[0]
            if isinstance(item, _SoloItem):
                if not items:
                    items.append(self._queue.popleft())
                break
            if items and calls + item.group.size > self._context.limits.batch_calls_max:
                break
            items.append(self._queue.popleft())
            calls += item.group.size
        self._queued_calls -= calls
        self._space.set()
        return _Turn(items, calls)

    async def _run_turn(self, turn: _Turn) -> None:
        calls = [item for item in turn.items if isinstance(item, _CallItem)]
        if turn.operation is not None:
            await self._resolve_decided(calls, turn.operation)
        elif calls:
            await self._resolve(calls)
        for item in turn.items:
            if isinstance(item, _SoloItem):
                await self._operate(item)

    async def _operate(self, item: _SoloItem) -> None:
        if item.future.done():
            return
        try:
            await self._decider.run(item.operation, item.timeout_ms)
        except Exception as error:
            _fail([item], error if isinstance(error, UttersonError) else internal_fault(error, self._context.entropy))
            return
        if not item.future.done():
            item.future.set_result(None)

    async def _resolve(self, items: list[_CallItem]) -> None:
        """Decide calls together; where something among them is poison, halve until it stands alone (F7)."""
        live = [item for item in items if not item.future.done()]
        if not live:
            return
        await self._resolve_decided(live, CallsOperation([item.group for item in live]))

    async def _resolve_decided(self, live: list[_CallItem], operation: CallsOperation) -> None:
        """Commit calls and answer them, decided ahead or not."""
        try:
            await self._decider.run(operation, self._context.limits.commit_timeout_ms)
        except UttersonError as error:
            _fail(live, error)
            return
        except Exception as error:
            await self._halve(live, error)
            return
        if self._next is not None or self._gathering.is_enough(len(self._queue), self._queued_calls):
            # The next commit leaves first: the loop's next round makes it and writes it out. What callers do upon their
            # answers would hold it up for longer than a commit lasts, and the database would have nothing to do.
            self._loop.call_soon(self._loop.call_soon, self._answer, live, operation.plan)
        else:
            self._answer(live, operation.plan)

    def _answer(self, live: list[_CallItem], plan: Plan) -> None:
        """Answer committed calls."""
        try:
            for place, item in enumerate(live):
                response = plan.response(place, item.group)
                if response is None:
                    self._release(item, plan.answers(place))
                elif not item.future.done():
                    item.future.set_result(response)
        except Exception as error:
            # Nothing may leave a caller without an answer.
            _fail(live, internal_fault(error, self._context.entropy))
            self._keeper.drop(type(error).__name__)

    async def _halve(self, live: list[_CallItem], error: Exception) -> None:
        if not isinstance(error, StoreFailureError):
            self._keeper.drop(type(error).__name__)
        if len(live) == 1 or isinstance(error, IndexDivergedError):
            _fail(live, internal_fault(error, self._context.entropy))
            return
        logger.warning("workspace %s: a batch of %d is halved: %s", self.keys.workspace, len(live), describe(error))
        middle = len(live) // 2
        await self._resolve(live[:middle])
        await self._resolve(live[middle:])

    def _release(self, item: _CallItem, answers: list[Answer]) -> None:
        if item.future.done():
            return
        if any(isinstance(answer, RepeatedCall) for answer in answers):
            filler = asyncio.create_task(fill_repeated(self._context, self.keys, answers, item.future))
            self._fillers.add(filler)
            filler.add_done_callback(self._fillers.discard)
            return
        item.future.set_result(answers)


def _fail(items: "list[_Item] | list[_CallItem] | list[_SoloItem]", error: UttersonError) -> None:
    for item in items:
        if not item.future.done():
            item.future.set_exception(error)


def _ignored() -> "asyncio.Future[None]":
    """Make a future whose failure nobody needs to read."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future
