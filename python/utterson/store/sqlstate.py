"""What a database error means. The list is closed; whatever it does not know is an unknown outcome."""

import asyncpg

from utterson.domain.chain import FailureKind, StoreFailureError

# Raised by `commit_batch` where a row count does not match.
ROW_COUNT_MISMATCH = "UT001"
# Raised by `prove_workspace`.
WORKSPACE_GONE = "UT002"

_BY_STATE = {
    ROW_COUNT_MISMATCH: FailureKind.DIVERGENCE,
    WORKSPACE_GONE: FailureKind.GONE,
    "23505": FailureKind.DIVERGENCE,  # unique_violation: the index knew of no such row
    "23503": FailureKind.DIVERGENCE,  # foreign_key_violation
    "40001": FailureKind.LOST_RACE,  # serialization_failure
    "40P01": FailureKind.LOST_RACE,  # deadlock_detected
    "55P03": FailureKind.LOST_RACE,  # lock_not_available
    "40003": FailureKind.UNKNOWN,  # statement_completion_unknown
    "54000": FailureKind.POISON,  # program_limit_exceeded, e.g. a key too long for its index
}
_BY_CLASS = {
    "08": FailureKind.UNKNOWN,  # connection exceptions
    "22": FailureKind.POISON,  # data exceptions
    "23": FailureKind.POISON,  # other integrity violations
    "53": FailureKind.OVERLOAD,  # insufficient resources
    "57": FailureKind.UNKNOWN,  # operator intervention: shutdown, crash, statement timeout
}
DEADLINE_CODE = "deadline"


def classify(error: BaseException) -> StoreFailureError:
    """Tell what an error of the driver or of the network means; keeps nothing of its text.

    Values that the driver itself cannot encode never reached the database: they are poison.
    """
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        kind = _BY_STATE.get(state) or _BY_CLASS.get(state[:2]) or FailureKind.UNKNOWN
        return StoreFailureError(kind, state, getattr(error, "constraint_name", None) or "")
    if isinstance(error, (asyncpg.DataError, UnicodeError, OverflowError)):
        return StoreFailureError(FailureKind.POISON, type(error).__name__)
    return StoreFailureError(FailureKind.UNKNOWN, type(error).__name__)


def deadline_passed() -> StoreFailureError:
    """Make the failure of a call whose time ran out: its connection is gone, its outcome unknown."""
    return StoreFailureError(FailureKind.UNKNOWN, DEADLINE_CODE)
