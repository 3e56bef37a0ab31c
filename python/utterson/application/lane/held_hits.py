"""Strong hits of a lane that has nothing else to do: decided at once, answered when the database confirms the head.

In the lane they would wait for one another's turns; here a hit costs neither a turn nor a place in a batch
(docs/decisions/0011-hits-beside-the-lane.md).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
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
        self._held: list[_Held] = []
        # How many wait, those included that the look under way is for.
        self.waiting = 0
        self._look_up: asyncio.Task[None] | None = None
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
        self._held.append(_Held(group, receiver, response, state.head))
        self.waiting += 1
        if self._look_up is None:
            self._look_up = asyncio.create_task(self._confirm())
        return True

    async def close(self, timeout_s: float) -> None:
        """Wait until all are answered."""
        if self._look_up is not None:
            await asyncio.wait({self._look_up}, timeout=timeout_s)

    async def _confirm(self) -> None:
        """Look at the head for all that wait, and again for those that came meanwhile."""
        try:
            while self._held:
                held, self._held = self._held, []
                asked_at_s = asyncio.get_running_loop().time()
                head = None
                try:
                    # Without one the calls go into the lane, which knows how to wait for a database, and what to tell.
                    with suppress(Exception):
                        head = await self._context.heads.read(self._keeper.keys)
                finally:
                    self.waiting -= len(held)
                    self._answer(held, head)
                state = self._keeper.state
                if state is not None and state.head == head:
                    self._keeper.confirmed_at_s = max(self._keeper.confirmed_at_s, asked_at_s)
        finally:
            self._look_up = None
            self._idle()

    def _answer(self, held: list[_Held], head: Head | None) -> None:
        """Answer those that were decided on this head, and put the others into the lane."""
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
