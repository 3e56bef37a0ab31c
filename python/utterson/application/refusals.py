"""The refusals that several use cases make: what callers are told, and what only the log is told."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from utterson.application.ports.process import Entropy
from utterson.domain.chain import FailureKind, StoreFailureError
from utterson.domain.errors import Reason, Resource, UttersonError

logger = logging.getLogger("utterson.application")

RETRY_AFTER_MS: Final = 200
FAULT_ID_BYTES: Final = 8
CAUSES_MAX: Final = 5


def internal_fault(error: BaseException, entropy: Entropy) -> UttersonError:
    """Log a bug under an opaque id, and make the refusal that carries only that id.

    The one place where a fault gets its id, whether it broke out in a lane or in a handler. Whoever sends the refusal
    logs the id once more, beside the request id of the call.
    """
    fault_id = entropy(FAULT_ID_BYTES).hex()
    logger.error("fault %s: %s", fault_id, describe(error))
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


@contextmanager
def store_refusals() -> Iterator[None]:
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
        raise store_unavailable(failure) from None


def store_unavailable(failure: StoreFailureError) -> UttersonError:
    """Make the refusal of a call that needs the database while it is away or out of resources."""
    logger.warning("the database failed: %s", failure)
    return UttersonError(
        Reason.STORE_UNAVAILABLE,
        "the database cannot be reached or is overloaded; try again",
        retry_after_ms=RETRY_AFTER_MS,
    )


def history_diverged() -> UttersonError:
    """Make the refusal of a call that rests on a history which the database lost."""
    return UttersonError(
        Reason.HISTORY_DIVERGED,
        "the database lost the history that this call rests on; read again, without at_least",
    )


def clocks_apart() -> UttersonError:
    """Make the refusal of calls whose time would be wrong: this server's clock or the database's is."""
    logger.error("nothing is written: this server's clock and the database's are too far apart; set them right")
    return UttersonError(
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
