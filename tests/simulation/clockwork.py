"""An event loop whose clock is a number: it stands still while code runs, and jumps to the next timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, ContextVar
from random import Random
from typing import Any, cast

# How long what leaves the loop for a thread takes, at most.
THREAD_S = 0.01
# So many turns of the loop at one time are no work any more: a turn takes its whole queue.
TURNS_AT_ONCE_MAX = 200_000


class StuckError(AssertionError):
    """Nothing is left to happen, and somebody waits still."""


class Owner:
    """A process of the simulation: whose tasks end together when it is killed."""

    def __init__(self, name: str) -> None:
        self.name = name
        # In the order of their making: a set's order would differ from run to run.
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.context = Context()
        self.context.run(OWNER.set, self)

    def kill(self) -> None:
        """End all tasks at once, wherever they are."""
        for task in list(self.tasks):
            task.cancel()
        self.tasks.clear()


OWNER: ContextVar[Owner | None] = ContextVar("OWNER", default=None)


class _NoSelector:
    """Waits for nobody: has the clock jump instead."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._turns_at_once = 0

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise StuckError("nothing is left to happen, and somebody waits still")
        self._turns_at_once = 0 if timeout > 0 else self._turns_at_once + 1
        if self._turns_at_once > TURNS_AT_ONCE_MAX:
            raise StuckError("time stands still, and somebody is busy for ever")
        self._loop.now_s += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs everything in one thread, in an order that the seed alone decides.

    Args:
        chance: how long what goes to a thread takes.
    """

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self.now_s = 0.0
        self._chance = chance
        self._selector = _NoSelector(self)
        self.set_task_factory(cast("Any", _owned_task))
        self.set_exception_handler(lambda loop, context: None)

    def time(self) -> float:
        """Tell the virtual time, in seconds."""
        return self.now_s

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Run it here, a moment later."""
        del executor
        future = self.create_future()

        def run() -> None:
            if future.done():
                return
            try:
                result = func(*args)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        self.call_later(self._chance.random() * THREAD_S, run)
        return future

    def _process_events(self, event_list: list[Any]) -> None:
        del event_list

    def _write_to_self(self) -> None:
        """Wake nobody: there is no other thread."""


def _owned_task(loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **more: Any) -> asyncio.Task[Any]:
    context: Context | None = more.get("context")
    owner = OWNER.get() if context is None else context.get(OWNER)
    task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **more)
    if owner is not None:
        owner.tasks[task] = None
        task.add_done_callback(lambda done: owner.tasks.pop(done, None))
    return task


def run_virtually(main: Callable[[VirtualLoop], Coroutine[Any, Any, Any]], chance: Random, limit_s: float) -> Any:
    """Run a coroutine to its end on a loop of its own; virtual time beyond the limit is a failure."""
    loop = VirtualLoop(chance)
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(asyncio.wait_for(main(loop), limit_s))
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        with suppress(StuckError):
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        asyncio.set_event_loop(None)
        loop.close()
