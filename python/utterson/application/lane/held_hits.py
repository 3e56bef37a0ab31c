"""Strong hits of a lane that has nothing else to do: decided at once, answered when the database confirms the head.

In the lane they would wait for one another's turns; here a hit costs neither a turn nor a place in a batch
(docs/decisions/0011-hits-beside-the-lane.md).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from utterson.application.lane.context import LaneContext
from utterson.application.lane.receiver import Receiver
from utterson.application.lane.state_keeper import StateKeeper
from utterson.application.ports.engine import State
from utterson.application.refusals import internal_fault
from utterson.domain.chain import Head
from utterson.domain.decisions import ParsedGroup
from utterson.domain.errors import UttersonError


@dataclass(frozen=True, slots=True)
class _Held:
    """A call, its response, and the head of the state that it was decided on."""

    group: ParsedGroup
    receiver: Receiver
    response: bytes
    head: Head


class _Look:
    """One look at the head, and the calls that wait for it: all that are held until it leaves."""

    def __init__(self, owner: "HeldHits") -> None:
        self.held: list[_Held] = []
        self._owner = owner

    def leaves(self) -> None:
        """Take no further calls."""
        self._owner.left(self)

    def told(self, head: Head | Exception | None, asked_at_s: float) -> None:
        """Answer the calls."""
        # Without a head they go into the lane, which knows how to wait for a database, and what to tell.
        self._owner.looked(self.held, None if isinstance(head, Exception) else head, asked_at_s)


class HeldHits:
    """The strong hits of one workspace that wait for their confirmation.

    Args:
        keeper: of the workspace's state; is told what was confirmed.
        context: the clock and the reader of heads.
        offer: takes a call that could not be confirmed, as it takes any other.
        idle: called when none waits any more.
    """

    def __init__(
        self,
        keeper: StateKeeper,
        context: LaneContext,
        offer: Callable[[ParsedGroup, Receiver], None],
        idle: Callable[[], None],
    ) -> None:
        self._keeper = keeper
        self._context = context
        self._offer = offer
        self._idle = idle
        # The look that has not left yet.
        self._next: _Look | None = None
        # How many wait, those included that a look under way is for.
        self.waiting = 0
        self._none_waits = asyncio.Event()
        # A call that is decided here and writes is decided once more in its turn: whoever writes does not pay for that.
        self.expected = False

    def hold(self, state: State, group: ParsedGroup, receiver: Receiver) -> bool:
        """Decide a call, and answer it when its head is confirmed; False where it is none that changes nothing.

        Raises:
            EnginePanicError: the state is broken.
        """
        response = state.answer_hit(group, self._context.clock_us(), confirmed=True)
        if response is None:
            self.expected = False
            return False
        look = self._next
        if look is None:
            look = self._next = _Look(self)
            self._context.heads.ask(self._keeper.keys, look)
        look.held.append(_Held(group, receiver, response, state.head))
        self.waiting += 1
        return True

    async def close(self, timeout_s: float) -> None:
        """Wait until all are answered."""
        if self.waiting:
            self._none_waits.clear()
            waiting = asyncio.ensure_future(self._none_waits.wait())
            await asyncio.wait({waiting}, timeout=timeout_s)
            waiting.cancel()

    def left(self, look: _Look) -> None:
        """Take note that a look has left: who is held from now on waits for the next."""
        if self._next is look:
            self._next = None

    def looked(self, held: list[_Held], head: Head | None, asked_at_s: float) -> None:
        """Answer those that were decided on this head, and put the others into the lane."""
        self.waiting -= len(held)
        for item in held:
            if item.receiver.done():
                continue
            if item.head == head:
                item.receiver.set_result(item.response)
                continue
            try:
                self._offer(item.group, item.receiver)
            except UttersonError as error:
                item.receiver.set_exception(error)
            except Exception as error:
                item.receiver.set_exception(internal_fault(error, self._context.entropy))
        state = self._keeper.state
        if state is not None and state.head == head:
            self._keeper.confirmed_at_s = max(self._keeper.confirmed_at_s, asked_at_s)
        if not self.waiting:
            self._none_waits.set()
            self._idle()
