"""What nobody handles: an exception of a task, a callback or a thread that is nobody's answer.

Python prints its text, which may quote values. Here only its kind and place are told, as of every other.
"""

import asyncio
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from utterson.application.refusals import describe

logger: Final = logging.getLogger(__name__)


@contextmanager
def unhandled_told(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Tell the log of what nobody handles while the context lasts, in the loop and in threads."""
    before = loop.get_exception_handler(), threading.excepthook, sys.unraisablehook
    loop.set_exception_handler(_of_loop)
    threading.excepthook = _of_thread
    sys.unraisablehook = _of_finaliser
    try:
        yield
    finally:
        handler, threading.excepthook, sys.unraisablehook = before
        loop.set_exception_handler(handler)


def _of_loop(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    del loop
    error = context.get("exception")
    # The sentence names what broke by its repr, which may hold arguments: it is told up to there.
    where = str(context.get("message", "")).partition("<")[0].partition("(")[0].strip()
    _tell(where if error is None else "in the event loop", error)


def _of_thread(arguments: "threading.ExceptHookArgs") -> None:
    _tell("in a thread", arguments.exc_value)


def _of_finaliser(arguments: Any) -> None:
    _tell("while something was thrown away", arguments.exc_value)


def _tell(where: str, error: BaseException | None) -> None:
    logger.error("nobody handled it, %s: %s", where, "no exception" if error is None else describe(error))
