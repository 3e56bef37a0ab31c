"""The last resort around every call: whatever goes wrong inside, the caller gets a refusal.

No text leaves the server that was not meant for callers, and none of an exception's texts enters the log.
"""

import asyncio
import secrets

from utterson.application.refusals import internal_fault
from utterson.domain.errors import UttersonError
from utterson.server.refusals import log_fault


def refusal_of(error: BaseException, call: str) -> UttersonError | None:
    """Turn what ended a call into what its caller is told; None where the caller has gone and nobody is told.

    Args:
        error: what was raised; anything, for PyO3's PanicException is no `Exception`.
        call: names the call for the log, for example `/utterson.v1.ProfileService/GetProfile`.
    """
    if _call_is_cancelled(error):
        return None
    refusal = error if isinstance(error, UttersonError) else internal_fault(error, secrets.token_bytes)
    log_fault(refusal, call)
    _let_go(error)
    return refusal


def _let_go(error: BaseException) -> None:
    """Let go of the frames through which an error came: they hold the request, which may be large.

    An error that one of its own frames names would keep them until the garbage collector comes by.
    """
    cause: BaseException | None = error
    while cause is not None:
        cause.__traceback__ = None
        cause = cause.__cause__ or cause.__context__


def _call_is_cancelled(error: BaseException) -> bool:
    """Tell a cancelled call from a CancelledError from elsewhere, after which nobody would answer the caller."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
