"""The refusals that several use cases make: what callers are told, and what only the log is told."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from utterson.application.ports.process import Entropy
from utterson.domain.chain import FailureKind, StoreFailureError
from utterson.domain.errors import Reason, Resource, UttersonError
from utterson.logs import once_a_second

logger = logging.getLogger("utterson.application")

RETRY_AFTER_MS: Final = 200
# Somebody has to put right what the database refuses.
REFUSED_RETRY_AFTER_MS: Final = 1_000
# The commonest of what the database says about itself, in words; others are told by their code.
_WHY: Final = {
    "25006": "it is read-only",
    "42501": "a right is missing",
    "42P01": "a table is missing",
    "42883": "a function is missing",
    "53100": "its disk is full",
    "28P01": "it refuses the login",
    "28000": "it refuses the login",
    "3D000": "there is no such database",
    "53300": "it takes no more connections",
    "57P03": "it is starting or stopping",
    "TargetServerAttributeNotMatched": "none of its hosts is a primary",
    "unfit": "it would not keep what it acknowledges",
}
FAULT_ID_BYTES: Final = 8
CAUSES_MAX: Final = 5


def internal_fault(error: BaseException, entropy: Entropy, about: str = "") -> UttersonError:
    """Log a bug under an opaque id, and make the refusal that carries only that id.

    The one place where a fault gets its id, whether it broke out in a lane or in a handler. Whoever sends the refusal
    logs the id once more, beside the request id of the call.

    Args:
        error: the bug, or what else is told to nobody but the log.
        entropy: gives that many random bytes.
        about: what the log is told before the error's kind and place; no value of a caller.
    """
    fault_id = entropy(FAULT_ID_BYTES).hex()
    logger.error("fault %s: %s%s", fault_id, about, describe(error))
    return UttersonError(
        Reason.INTERNAL_FAULT,
        f"internal error; give the operator of the server this id: {fault_id}",
        fault_id=fault_id,
    )


def describe(error: BaseException) -> str:
    """Tell an exception and its causes by kind and place, without their texts: those may quote values."""
    told: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(told) < CAUSES_MAX:
        # The store's own failures have texts without values.
        text = f" {cause}" if isinstance(cause, StoreFailureError) else ""
        frames = reversed(traceback.extract_tb(cause.__traceback__))
        places = " < ".join(f"{frame.name}:{frame.lineno}" for frame in frames)
        told.append(f"{type(cause).__name__}{text} at {places}")
        cause = cause.__cause__ or cause.__context__
    return ", caused by ".join(told)


class WriteRefusedError(UttersonError):
    """The database answers, and takes nothing: what changes nothing can be answered all the same."""


@contextmanager
def store_refusals(workspace: str = "") -> Iterator[None]:
    """Turn a failed read into STORE_UNAVAILABLE; a value that the database refuses stays a bug.

    Where the workspace is another one by now, it is HISTORY_DIVERGED.
    """
    try:
        yield
    except StoreFailureError as failure:
        if failure.kind is FailureKind.POISON:
            raise
        if failure.kind is FailureKind.GONE:
            raise history_diverged() from None
        raise store_unavailable(failure, workspace) from None


def store_unavailable(failure: StoreFailureError, workspace: str = "") -> UttersonError:
    """Make the refusal of a call that needs the database while it is away, out of resources or set up against us.

    Args:
        failure: what the database said.
        workspace: whom the call was for, for the log; empty where it was for none in particular.
    """
    log_failure(failure, "the database failed", workspace)
    why = _WHY.get(failure.code, failure.code)
    match failure.kind:
        case FailureKind.REFUSED:
            return WriteRefusedError(
                Reason.STORE_UNAVAILABLE,
                f"the database refuses ({why}), and nothing was written; its operator has to put that right",
                retry_after_ms=REFUSED_RETRY_AFTER_MS,
            )
        case FailureKind.OVERLOAD:
            return WriteRefusedError(
                Reason.STORE_UNAVAILABLE,
                f"the database is out of a resource ({why}), and nothing was written; try again",
                retry_after_ms=RETRY_AFTER_MS,
            )
        case FailureKind.UNREACHABLE:
            sentence = f"the database cannot be reached ({why}), and nothing was written; try again"
        case FailureKind.CLOCKS_APART:
            return clocks_apart()
        case FailureKind.GONE:
            sentence = "the database lost a part of its history, and nothing was written; try again"
        case FailureKind.UNKNOWN | FailureKind.LOST_RACE | FailureKind.DIVERGENCE | FailureKind.POISON:
            sentence = "the database cannot be reached or is overloaded; try again"
    return UttersonError(Reason.STORE_UNAVAILABLE, sentence, retry_after_ms=RETRY_AFTER_MS)


def log_failure(failure: StoreFailureError, sentence: str, workspace: str) -> None:
    """Tell the log of a failure of the database, of each kind once a second."""
    whose = f"workspace {workspace}: " if workspace else ""
    logger.warning("%s%s: %s", whose, sentence, failure, extra=once_a_second(failure.kind.value))


def history_diverged() -> UttersonError:
    """Make the refusal of a call that rests on a history which the database lost."""
    return UttersonError(
        Reason.HISTORY_DIVERGED,
        "the database lost the history that this call rests on; read again, without at_least",
    )


def clocks_apart() -> UttersonError:
    """Make the refusal of calls whose time would be wrong: this server's clock or the database's is."""
    told = "nothing is written: this server's clock and the database's are too far apart; set them right"
    logger.error(told, extra=once_a_second(told))
    return WriteRefusedError(
        Reason.STORE_UNAVAILABLE,
        "the clocks of this server and of its database are too far apart; nothing was written, try again",
        retry_after_ms=RETRY_AFTER_MS,
    )


def outcome_unknown() -> UttersonError:
    """Make the refusal of calls whose commit may or may not have taken effect."""
    return UttersonError(
        Reason.OUTCOME_UNKNOWN,
        "it is unknown whether the call took effect; repeat it with the same request_id",
        retry_after_ms=RETRY_AFTER_MS,
    )


def queue_full(retry_after_ms: int) -> UttersonError:
    """Make the refusal of calls for which a workspace has no room.

    Args:
        retry_after_ms: when there should be some.
    """
    return UttersonError(
        Reason.QUEUE_FULL,
        "too many calls wait in this workspace; slow down and try again",
        retry_after_ms=retry_after_ms,
    )


def names_full(retry_after_ms: int) -> UttersonError:
    """Make the refusal of a call to a workspace that this server has not met, while it looks too many up.

    Args:
        retry_after_ms: when there should be some room.
    """
    return UttersonError(
        Reason.QUEUE_FULL,
        "too many workspaces are looked up that this server has not met; check the names, or slow down and try again",
        retry_after_ms=retry_after_ms,
    )


def workspace_not_found(workspace: str) -> UttersonError:
    """Make the refusal of a call to a workspace that does not exist."""
    return UttersonError(
        Reason.WORKSPACE_NOT_FOUND,
        "there is no such workspace; make it with CreateWorkspace",
        resource=Resource("workspace", workspace),
    )


def shutting_down() -> UttersonError:
    """Make the refusal of calls that arrive while the server stops."""
    return UttersonError(
        Reason.SHUTTING_DOWN, "the server is shutting down; call another one", retry_after_ms=RETRY_AFTER_MS
    )
