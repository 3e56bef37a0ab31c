"""Gives up calls that have no deadline of their own and take too long."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Final, TypeVar

from utterson.domain.errors import Reason, UttersonError
from utterson.server.limits import UNARY_TIMEOUT_S

# How often calls that may be too old are looked for, at the least.
SWEEP_S_MAX: Final = 1.0

Answer = TypeVar("Answer")


class Deadline:
    """The longest that a call without a deadline of its own may take.

    One timer looks at all open calls from time to time: a timer for each call would cost more than the call.

    Args:
        timeout_s: the longest time, in seconds.
    """

    def __init__(self, timeout_s: float = UNARY_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        # When each open call began; in that order, as a dictionary keeps it.
        self._began_s: dict[asyncio.Task[Any], float] = {}
        self._given_up: set[asyncio.Task[Any]] = set()
        self._sweeping = False

    async def limited(self, answer: Awaitable[Answer]) -> Answer:
        """Wait for an answer in the call's own task.

        Raises:
            UttersonError: OUTCOME_UNKNOWN, after `timeout_s`.
        """
        task = asyncio.current_task()
        if task is None:
            return await answer
        loop = task.get_loop()
        self._began_s[task] = loop.time()
        if not self._sweeping:
            self._sweep_later(loop)
        cancelled_before = task.cancelling()
        try:
            return await answer
        except asyncio.CancelledError as error:
            if task not in self._given_up or task.uncancel() > cancelled_before:
                raise
            raise unanswered(self._timeout_s) from error
        finally:
            self._began_s.pop(task, None)
            self._given_up.discard(task)

    def _sweep_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeping = True
        loop.call_later(min(self._timeout_s, SWEEP_S_MAX), self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeping = False
        too_old_s = loop.time() - self._timeout_s
        while self._began_s:
            task, began_s = next(iter(self._began_s.items()))
            if began_s > too_old_s:
                self._sweep_later(loop)
                return
            del self._began_s[task]
            self._given_up.add(task)
            task.cancel()


def unanswered(timeout_s: float) -> UttersonError:
    """Make the refusal of a call without a deadline that was not answered in time, in seconds."""
    return UttersonError(
        Reason.OUTCOME_UNKNOWN,
        f"no answer within {timeout_s:g} s, the limit of calls without a deadline; repeat with the same request_id",
    )
