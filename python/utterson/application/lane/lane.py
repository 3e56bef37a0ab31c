"""One workspace's lane: everything that touches its state goes through here, one turn at a time.

While a turn's commit is under way the next calls gather. They are decided together when it is through or, if they are
many, already before that, on the state that the commit leads to (docs/decisions/0012-deciding-ahead.md). The lane's own
task does the work: a caller that goes away takes only its own waiting call with it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVarTuple

from utterson.application.lane.committer import Committer
from utterson.application.lane.context import LaneContext
from utterson.application.lane.gathering import CALLS_AHEAD, Gathering
from utterson.application.lane.held_hits import HeldHits
from utterson.application.lane.keeping import LANE_BYTES, LaneKeeping
from utterson.application.lane.operation import CatchUp, MakeBatch, Operation
from utterson.application.lane.receiver import Receiver
from utterson.application.lane.resolving import Resolving
from utterson.application.lane.state_keeper import StateKeeper
from utterson.application.lane.turn_runner import TurnRunner
from utterson.application.lane.waiting import GroupItem, Item, OperationItem, Turn, fail, ignored, take
from utterson.application.ports.engine import State
from utterson.application.refusals import internal_fault, queue_full, shutting_down, workspace_not_found
from utterson.domain.chain import EnginePanicError, WorkspaceKeys
from utterson.domain.decisions import ParsedGroup, Reply
from utterson.domain.errors import UttersonError

Arguments = TypeVarTuple("Arguments")


class Lane:
    """The queue and the task of one workspace.

    Args:
        keys: the workspace.
        context: what all lanes share.
        make_batch: makes the operation that decides several groups together.
        keeping: is told what the lane takes, that it is needed again after it was laid to rest, and that it has ended
            because its workspace is gone.
    """

    def __init__(self, keys: WorkspaceKeys, context: LaneContext, make_batch: MakeBatch, keeping: LaneKeeping) -> None:
        self._keeping = keeping
        self._holds = 0
        self._resting = False
        self._loop = asyncio.get_running_loop()
        self.used_at_s = self._loop.time()
        self._context = context
        # Asked for each call: what lies deeper takes longer to look at than an attribute.
        self._workspace = keys.workspace
        self._sharing = context.sharing
        self._queue_calls_max = context.limits.queue_calls_max
        self._batch_calls_max = context.limits.batch_calls_max
        self._staleness_s = context.limits.staleness_ms / 1000
        self._default_strong = context.limits.default_strong
        self._keeper = StateKeeper(keys, context)
        self._runner = TurnRunner(self._keeper, Committer(context, keys.workspace), context)
        self._make_batch = make_batch
        self._make_parts()
        self._in_turn = False
        self._queue: deque[Item] = deque()
        self._queued_calls = 0
        self._next: Turn | None = None
        self._gathering = Gathering(context.limits)
        self._changed = asyncio.Event()
        self._space = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._run(), name=f"lane {keys.workspace}")

    def _make_parts(self) -> None:
        """Make what knows the lane as the lane knows it: while it rests it is without, so that it can be forgotten."""
        self._held = HeldHits(self._keeper, self._context, self.offer, self._note)
        self._resolving = Resolving(
            self._keeper,
            self._runner,
            self._held,
            self._context,
            self._make_batch,
            after_the_next_commit=self._after_the_next_commit,
            filled=self._note,
        )

    @property
    def keys(self) -> WorkspaceKeys:
        """Who the workspace is: as its state says, or as it was when the lane was made."""
        return self._keeper.keys

    @property
    def state(self) -> State | None:
        """The state, to look at between two awaits only; None while it is not loaded or busy in a thread."""
        return None if self._runner.threaded or self._keeper.threaded else self._keeper.state

    @property
    def confirmed_at_s(self) -> float:
        """When the state was last known to be at the log's head, in loop time."""
        return self._keeper.confirmed_at_s

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits or runs, and nobody looks at the state: what rests now loses nothing."""
        waits = self._queue or self._next is not None or self._held.waiting
        is_busy = waits or self._in_turn or self._resolving.fillers or self._holds
        return not is_busy and self._keeper.is_settled

    @property
    def memory_bytes(self) -> int:
        """How much memory the lane takes with its state; without that while it is busy in a thread."""
        states = (self.state, self._keeper.aside)
        return LANE_BYTES + sum(state.memory_bytes for state in states if state is not None)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the lane from being laid to rest, for whoever looks at the state more than once."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
            self._note()

    def rest(self) -> State | None:
        """End the task and give the state away, for the memory's sake; only an idle lane may rest.

        Whoever still has the lane may use it: it wakes, and loads the state anew.
        """
        self._resting = True
        self._changed.set()
        del self._held, self._resolving
        return self._keeper.give_away()

    async def submit(self, group: ParsedGroup, *, wait_for_space: bool) -> asyncio.Future[Reply]:
        """Put calls into the queue; the future gives their answers.

        Cancelling the future drops the calls if they are not decided yet; afterwards they take effect regardless.

        Raises:
            UttersonError: QUEUE_FULL with the time until there should be space, or SHUTTING_DOWN.
        """
        while wait_for_space and self._is_full(group.size) and not self._closing:
            self._space.clear()
            await self._space.wait()
        future: asyncio.Future[Reply] = self._loop.create_future()
        self.offer(group, future)
        return future

    def offer(self, group: ParsedGroup, receiver: Receiver) -> None:
        """As `submit`, without waiting for space; the reply goes to the receiver.

        A receiver that is done before its calls are decided drops them.
        """
        size = group.size
        if self._closing or self._is_full(size):
            self.admit(size)
        self.used_at_s = now_s = self._loop.time()
        self._sharing.used(self._workspace, now_s)
        self._put(GroupItem(group, receiver, size), size)

    def admit(self, calls: int) -> None:
        """Make sure that so many calls would be taken now.

        Raises:
            UttersonError: QUEUE_FULL with the time until there should be space, or SHUTTING_DOWN.
        """
        if self._closing:
            raise self._ended()
        if self._is_full(calls):
            raise queue_full(self._gathering.drain_ms(self._queued_calls))

    def answer_hit(self, group: ParsedGroup) -> bytes | None:
        """Answer a call that changes nothing and asks for no confirmed state at once; None for any other.

        The answer is that of the last commit applied: a commit under way is not answered yet, so nobody can have
        seen it, and one that was answered is in the state already (docs/decisions/0011-hits-beside-the-lane.md).
        """
        state = self.state
        now_s = self._loop.time()
        if state is None or now_s - self._keeper.confirmed_at_s > self._staleness_s or self._closing:
            return None
        try:
            hit = state.answer_hit(group, self._context.clock_us(), default_strong=self._default_strong)
        except EnginePanicError as error:
            # The call goes the ordinary way, where it is isolated and named.
            self._keeper.drop(error)
            return None
        if hit is not None:
            self.used_at_s = now_s
            self._sharing.used(self._workspace, now_s)
        return hit

    def hold_hit(self, group: ParsedGroup, receiver: Receiver) -> bool:
        """Answer a strong call that changes nothing beside the lane, as soon as its state is confirmed; tell if so.

        Only while the lane has nothing to do: else the next commit confirms the state for all that wait, at no cost.
        """
        state = self.state
        is_idle = not (self._in_turn or self._queue or self._closing)
        # As many as may wait in the queue; further ones go there, and are refused where it is full.
        if state is None or not is_idle or not self._held.expected or self._held.waiting >= self._queue_calls_max:
            return False
        self.used_at_s = self._loop.time()
        try:
            return self._held.hold(state, group, receiver)
        except EnginePanicError as error:
            self._keeper.drop(error)
            return False

    async def run(self, operation: Operation, timeout_ms: int | None = None) -> None:
        """Run an operation in a turn of its own; it keeps its own answer.

        Cancelling drops it if its turn has not begun; afterwards it goes on regardless.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        limit_ms = self._context.limits.commit_timeout_ms if timeout_ms is None else timeout_ms
        self.used_at_s = asyncio.get_running_loop().time()
        self._put(OperationItem(operation, limit_ms, future), 0)
        await future

    async def reach(self, seq: int) -> None:
        """Wait until the state is loaded and holds an entry that the log is known to have."""
        state = self.state
        if state is not None and state.head.seq >= seq:
            return
        self._keeper.known_seq = max(self._keeper.known_seq, seq)
        await self.run(CatchUp())

    def note_entry(self, seq: int) -> None:
        """Take note that the log has an entry of this number; the lane catches up when it has nothing else to do."""
        state = self.state
        if state is None or seq <= max(self._keeper.known_seq, state.head.seq) or self._closing:
            return
        self._keeper.known_seq = seq
        if not self._queue:
            self._put(OperationItem(CatchUp(), self._context.limits.commit_timeout_ms, ignored()), 0)

    def note_confirmed(self, asked_at_s: float) -> None:
        """Take note that the state stood at the log's head when the database was asked, in loop time."""
        if self._keeper.state is not None:
            self._keeper.confirmed_at_s = max(self._keeper.confirmed_at_s, asked_at_s)

    @property
    def is_waiting(self) -> bool:
        """Whether anything waits for its turn."""
        return bool(self._queue) or self._next is not None

    def refuse_waiting(self, refusal: UttersonError) -> None:
        """Refuse all that waits for its turn: the database is away, and nothing of it was sent.

        What is being committed goes on: it was sent, and its outcome is looked up.
        """
        waiting = list(self._queue) + (self._next.items if self._next is not None else [])
        self._queue.clear()
        self._next = None
        self._queued_calls = 0
        self._space.set()
        fail(waiting, refusal)

    def distrust(self, why: BaseException) -> None:
        """Forget the state because somebody saw it disagree with the tables; it is loaded anew when next needed."""
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
        await self._resolving.close(timeout_s=1)
        await self._held.close(timeout_s=1)

    def _ended(self) -> UttersonError:
        return workspace_not_found(self.keys.workspace) if self._keeper.is_gone else shutting_down()

    def _is_full(self, calls: int) -> bool:
        return self._queued_calls > 0 and self._queued_calls + calls > self._queue_calls_max

    def _put(self, item: Item, calls: int) -> None:
        if self._closing:
            raise self._ended()
        if self._resting:
            self._wake()
        self._queue.append(item)
        self._queued_calls += calls
        self._changed.set()
        self._gathering.arrived(len(self._queue), self._queued_calls)
        self._decide_ahead()

    def _wake(self) -> None:
        self._keeping.woken(self)
        self._resting = False
        self._make_parts()
        if self._task.done():
            self._task = asyncio.create_task(self._run(), name=f"lane {self.keys.workspace}")

    def _note(self) -> None:
        self._keeping.note(self)

    async def _run(self) -> None:
        while self._queue or self._next is not None or not (self._closing or self._resting):
            turn, self._next = self._next, None
            if turn is None:
                if not self._queue:
                    self._changed.clear()
                    await self._changed.wait()
                    continue
                if not self._closing and isinstance(self._queue[0], GroupItem):
                    await self._gathering.wait(len(self._queue), self._queued_calls)
                turn = self._take()
            started_at_s = asyncio.get_running_loop().time()
            # What waits already is decided as soon as this turn's commit has left.
            self._after_the_commit_left(self._decide_ahead)
            self._in_turn = True
            try:
                await self._run_turn(turn)
            except BaseException as error:
                # Nothing may leave a caller without an answer, nor end the lane.
                fail(turn.items, internal_fault(error, self._context.entropy))
                self._keeper.drop(type(error).__name__)
                if isinstance(error, asyncio.CancelledError):
                    self._fail_all(shutting_down())
                    raise
            self._in_turn = False
            self._gathering.released(len(turn.items), len(self._queue), turn.calls, started_at_s)
            if self._keeper.is_gone and not self.is_waiting:
                # There is no such workspace any more; whoever waited was told so first.
                self._closing = True
                self._keeping.gone(self)
            else:
                self._note()

    def _fail_all(self, error: UttersonError) -> None:
        if self._next is not None:
            fail(self._next.items, error)
        fail(list(self._queue), error)

    def _after_the_commit_left(self, action: Callable[[*Arguments], None], *arguments: *Arguments) -> None:
        """Do something two rounds of the event loop from now.

        The next round makes the commit and writes it out; whatever ran before that would keep the database waiting.
        """
        self._loop.call_soon(self._loop.call_soon, action, *arguments)

    def _after_the_next_commit(self, action: Callable[[], None]) -> None:
        """Answer calls: at once, or where the next commit is due, after it has left.

        What callers do upon their answers can take longer than a commit.
        """
        if self._next is not None or self._gathering.is_enough(len(self._queue), self._queued_calls):
            self._after_the_commit_left(action)
        else:
            action()

    def _decide_ahead(self) -> None:
        """While a commit is under way, decide the calls that wait, if they are worth a commit of their own.

        Small batches are better left to grow until the commit is through.
        """
        if self._next is not None or self._queued_calls < CALLS_AHEAD or self._runner.under_way is None:
            return
        if isinstance(self._queue[0], GroupItem):
            turn = self._take()
            calls = [item for item in turn.items if isinstance(item, GroupItem) and not item.receiver.done()]
            batch = self._resolving.batch(calls)
            if not batch.threaded:
                self._runner.decide_ahead(batch)
            self._next = Turn(list(calls), turn.calls, batch)

    def _take(self) -> Turn:
        """Take the next turn's items: one operation of its own, or calls up to the limit."""
        turn = take(self._queue, self._sharing.calls_max(self._batch_calls_max, self._loop.time()))
        self._queued_calls -= turn.calls
        self._space.set()
        return turn

    async def _run_turn(self, turn: Turn) -> None:
        calls = [item for item in turn.items if isinstance(item, GroupItem)]
        if turn.batch is not None:
            await self._resolving.resolve_decided(calls, turn.batch)
        elif calls:
            await self._resolving.resolve(calls)
        for item in turn.items:
            if isinstance(item, OperationItem):
                await self._operate(item)

    async def _operate(self, item: OperationItem) -> None:
        if item.receiver.done():
            return
        try:
            await self._runner.run(item.operation, item.timeout_ms)
        except Exception as error:
            fail([item], error if isinstance(error, UttersonError) else internal_fault(error, self._context.entropy))
            return
        if not item.receiver.done():
            item.receiver.set_result(None)
