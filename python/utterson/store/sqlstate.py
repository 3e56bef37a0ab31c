"""What a failure of the database proves. The list is closed; whatever it does not know is an unknown outcome.

An error that came back for a statement proves that the statement wrote nothing: the driver raises it only after
Postgres has said that it is ready again, which it says after the rollback. Once its commit record is written, a
transaction ends well or takes the connection with it. So everything here that is certain asks for the severity ERROR:
a FATAL or a PANIC may come of a transaction that is committed already (the disk is full behind the commit record; a
shutdown while the commit waits for its replica). Programs between us and Postgres make errors of their own, after
whatever: states that they use are not on the list. See docs/decisions/0024-what-a-failure-proves.md.
"""

from typing import Final

import asyncpg

from utterson.domain.chain import FailureKind, StoreFailureError

# Raised by `commit_batch` where a row count does not match.
ROW_COUNT_MISMATCH: Final = "UT001"
# Raised by `prove_workspace`.
WORKSPACE_GONE: Final = "UT002"
CERTAIN_SEVERITY: Final = "ERROR"

_BY_STATE: Final = {
    ROW_COUNT_MISMATCH: FailureKind.DIVERGENCE,
    WORKSPACE_GONE: FailureKind.GONE,
    "23505": FailureKind.DIVERGENCE,  # unique_violation: the index knew of no such row
    "23503": FailureKind.DIVERGENCE,  # foreign_key_violation
    "40001": FailureKind.LOST_RACE,  # serialization_failure
    "40P01": FailureKind.LOST_RACE,  # deadlock_detected
    "42804": FailureKind.POISON,  # datatype_mismatch: of a column's bytes, here
    "55P03": FailureKind.LOST_RACE,  # lock_not_available
    "58030": FailureKind.REFUSED,  # io_error: a page cannot be read; behind the commit record it is a PANIC
    "58P01": FailureKind.REFUSED,  # undefined_file: a table's file is gone
    "XX001": FailureKind.REFUSED,  # data_corrupted: found while reading
    "XX002": FailureKind.REFUSED,  # index_corrupted
}
_BY_CLASS: Final = {
    "0A": FailureKind.REFUSED,  # feature not supported: told while a statement is analysed
    "22": FailureKind.POISON,  # data exceptions
    "23": FailureKind.POISON,  # other integrity violations
    "25": FailureKind.REFUSED,  # invalid transaction state: read-only, or failed before; the timeouts in it are FATAL
    "3F": FailureKind.REFUSED,  # a schema is missing
    "42": FailureKind.REFUSED,  # a right, a table, a function is missing: told before a row is touched
    "53": FailureKind.OVERLOAD,  # insufficient resources: disk, memory; while logging a commit it is a PANIC
    "54": FailureKind.POISON,  # a limit of the program, e.g. a key too long for its index
    "55": FailureKind.REFUSED,  # an object is not in the state that is wanted
    "P0": FailureKind.REFUSED,  # raised by a function, such as a trigger that is not ours
}
# Left out, and so unknown: 08 and 57, which end connections in the midst of anything (57014 is an ERROR, but looking up
# and sending again is better than a refusal); 28 and 3D, which Postgres says only while connecting; 40003, which says
# that it is unknown; 58000, which poolers say for a connection that broke; XX000, which anything may say.
DEADLINE_CODE: Final = "deadline"
UNFIT_CODE: Final = "unfit"


def classify(error: BaseException) -> StoreFailureError:
    """Tell what the error of a statement that may have been sent means; keeps nothing of its text.

    Values that the driver itself cannot encode never reached the database: they are poison.
    """
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return StoreFailureError(_kind(error, state), state, getattr(error, "constraint_name", None) or "")
    if isinstance(error, (UnicodeError, OverflowError)):
        return StoreFailureError(FailureKind.POISON, type(error).__name__)
    return StoreFailureError(FailureKind.UNKNOWN, type(error).__name__)


def _kind(error: asyncpg.PostgresError, state: str) -> FailureKind:
    # Errors that the driver makes itself have states too, and no severity.
    severity = getattr(error, "severity_en", None)
    if severity is None and type(error) is asyncpg.DataError:
        return FailureKind.POISON
    if severity != CERTAIN_SEVERITY:
        return FailureKind.UNKNOWN
    return _BY_STATE.get(state) or _BY_CLASS.get(state[:2]) or FailureKind.UNKNOWN


def unsent(error: BaseException) -> StoreFailureError:
    """Tell what went wrong before a statement was sent, whatever it is: no connection, or none in time."""
    if isinstance(error, TimeoutError):
        return StoreFailureError(FailureKind.UNREACHABLE, DEADLINE_CODE)
    state = error.sqlstate if isinstance(error, asyncpg.PostgresError) else None
    return StoreFailureError(FailureKind.UNREACHABLE, state or type(error).__name__)


def unfit() -> StoreFailureError:
    """Make the failure of a call to a database that would not keep what it acknowledges: nothing was sent."""
    return StoreFailureError(FailureKind.REFUSED, UNFIT_CODE)


def deadline_passed() -> StoreFailureError:
    """Make the failure of a call whose time ran out: its connection is gone, its outcome unknown."""
    return StoreFailureError(FailureKind.UNKNOWN, DEADLINE_CODE)
