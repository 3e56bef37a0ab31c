"""Failures as refusals: what callers are told, and what only the log is told."""

import logging
import traceback
from collections.abc import Callable

from utterson.domain.chain import StoreFailureError
from utterson.domain.errors import Reason, Resource, UttersonError

logger = logging.getLogger("utterson.application")

RETRY_AFTER_MS = 200


def internal_fault(error: BaseException, entropy: Callable[[int], bytes]) -> UttersonError:
    """Log a bug under an opaque id, and make the error that carries only that id.

    The log gets the kinds of the exceptions and the places in the code, never their texts: they may quote values.
    """
    fault_id = entropy(8).hex()
    logger.error("fault %s: %s", fault_id, describe(error))
    return UttersonError(Reason.INTERNAL_FAULT, f"internal error; give the operator of the server this id: {fault_id}")


def describe(error: BaseException) -> str:
    """Tell an exception's kind and where it came from, without its text."""
    told = str(error) if isinstance(error, StoreFailureError) else ""
    places = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(traceback.extract_tb(error.__traceback__)))
    return f"{type(error).__name__} {told} at {places}"


def store_unavailable(failure: StoreFailureError) -> UttersonError:
    """Make the refusal of a call that needs the database while it is away or out of resources."""
    logger.warning("the database failed: %s", failure)
    return UttersonError(
        Reason.STORE_UNAVAILABLE,
        "the database cannot be reached or is overloaded; try again",
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
