"""The one place where a refusal becomes a `google.rpc.Status`, whatever protocol carries it.

Every status carries one ErrorInfo and the details that fit its code. Nothing here ever sees an identifier's value:
messages and violations come without personal data (docs/architecture.md, "What must hold").
"""

import logging
import time
from collections import OrderedDict
from contextvars import ContextVar
from enum import IntEnum
from typing import Final

from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

from utterson.domain.errors import FieldViolation, Reason, UttersonError
from utterson.server.limits import REQUEST_BYTES_MAX, VIOLATIONS_BYTES_MAX
from utterson.server.request_id import make_request_id, request_id_of_call

logger: Final = logging.getLogger(__name__)

# The faults that the call at hand was told of already: one may be the answer to a thousand calls of a batch.
_told_faults: ContextVar[frozenset[str]] = ContextVar("told_faults", default=frozenset())

DOMAIN: Final = "utterson.dev"
FAULT_ID_KEY: Final = "fault_id"
RETRY_AFTER_MS_DEFAULT: Final = 100


class StatusCode(IntEnum):
    """The codes that the service answers; names and numbers are those of `google.rpc.Code`."""

    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


CODES: Final[dict[Reason, StatusCode]] = {
    Reason.FIELD_INVALID: StatusCode.INVALID_ARGUMENT,
    Reason.MALFORMED_REQUEST: StatusCode.INVALID_ARGUMENT,
    Reason.NO_USABLE_IDENTIFIER: StatusCode.INVALID_ARGUMENT,
    Reason.LOGIN_IDENTIFIER_REQUIRED: StatusCode.INVALID_ARGUMENT,
    Reason.TWO_VALUES_OF_UNIQUE_TYPE: StatusCode.INVALID_ARGUMENT,
    Reason.TYPE_REJECTED: StatusCode.INVALID_ARGUMENT,
    Reason.EMPTY_CHANGE: StatusCode.INVALID_ARGUMENT,
    Reason.POLICY_INVALID: StatusCode.INVALID_ARGUMENT,
    Reason.PAGE_TOKEN_INVALID: StatusCode.INVALID_ARGUMENT,
    Reason.REVISION_INVALID: StatusCode.INVALID_ARGUMENT,
    Reason.WORKSPACE_NOT_FOUND: StatusCode.NOT_FOUND,
    Reason.PROFILE_NOT_FOUND: StatusCode.NOT_FOUND,
    Reason.NO_MATCH: StatusCode.NOT_FOUND,
    Reason.WORKSPACE_EXISTS: StatusCode.ALREADY_EXISTS,
    Reason.REQUEST_ID_REUSED: StatusCode.FAILED_PRECONDITION,
    Reason.IMMUTABLE_IDENTIFIER: StatusCode.FAILED_PRECONDITION,
    Reason.IDENTIFIERS_HELD_BY_OTHERS: StatusCode.FAILED_PRECONDITION,
    Reason.LIMIT_EXCEEDED: StatusCode.FAILED_PRECONDITION,
    Reason.POLICY_CHANGE_FORBIDDEN: StatusCode.FAILED_PRECONDITION,
    Reason.HISTORY_DIVERGED: StatusCode.FAILED_PRECONDITION,
    Reason.ETAG_MISMATCH: StatusCode.ABORTED,
    Reason.REVISION_EXPIRED: StatusCode.OUT_OF_RANGE,
    Reason.QUEUE_FULL: StatusCode.RESOURCE_EXHAUSTED,
    Reason.QUOTA_EXCEEDED: StatusCode.RESOURCE_EXHAUSTED,
    Reason.CREDENTIALS_INVALID: StatusCode.UNAUTHENTICATED,
    Reason.ACCESS_DENIED: StatusCode.PERMISSION_DENIED,
    Reason.STORE_UNAVAILABLE: StatusCode.UNAVAILABLE,
    Reason.INDEX_LOADING: StatusCode.UNAVAILABLE,
    Reason.REVISION_NOT_REACHED: StatusCode.UNAVAILABLE,
    Reason.SHUTTING_DOWN: StatusCode.UNAVAILABLE,
    Reason.OUTCOME_UNKNOWN: StatusCode.UNAVAILABLE,
    Reason.INTERNAL_FAULT: StatusCode.INTERNAL,
    Reason.PROFILE_TOO_LARGE: StatusCode.FAILED_PRECONDITION,
}


def error_status(error: UttersonError) -> status_pb2.Status:
    """Make the status of a refusal: code, message, one ErrorInfo, and what else fits the code."""
    code = CODES[error.reason]
    status = status_pb2.Status(code=code.value, message=error.message)
    metadata = {FAULT_ID_KEY: error.fault_id} if error.fault_id else {}
    status.details.add().Pack(details.ErrorInfo(reason=error.reason.name, domain=DOMAIN, metadata=metadata))
    for detail in _fitting_details(error, code):
        status.details.add().Pack(detail)
    return status


def no_message() -> UttersonError:
    """Make the refusal of a call that ends before its message is there."""
    return UttersonError(Reason.MALFORMED_REQUEST, "the call brings no message, or half of one; send it whole")


def request_too_large() -> UttersonError:
    """Make the refusal of a request that the core would count too many bytes of, in its words."""
    told = f"must be at most {REQUEST_BYTES_MAX} bytes long"
    return UttersonError(Reason.FIELD_INVALID, f": {told}", violations=(FieldViolation("", told),))


def encode_status(error: UttersonError) -> bytes:
    """Encode the status of a refusal, for the results of a batch or of a stream's message.

    A fault among them is logged once a message, and the call gets a request id if it brought none.
    """
    if error.fault_id and error.fault_id not in (told := _told_faults.get()):
        _told_faults.set(told | {error.fault_id})
        if not request_id_of_call.get():
            make_request_id()
        log_fault(error, "a result of a batch")
    encoded: bytes = error_status(error).SerializeToString()
    return encoded


class _Telling:
    """Counts how often a fault was told: one that is the answer to every call must not fill the log."""

    LINES_MAX: Final = 10
    FAULTS_MAX: Final = 64
    PAUSE_S: Final = 1.0

    def __init__(self) -> None:
        self._told: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def is_news(self, fault_id: str) -> bool:
        """Tell whether a fault is worth one more line: the first ten times, then once a second."""
        now_s = time.monotonic()
        lines, last_s = self._told.get(fault_id, (0, 0.0))
        if lines >= self.LINES_MAX and now_s - last_s < self.PAUSE_S:
            return False
        self._told[fault_id] = (lines + 1, now_s)
        self._told.move_to_end(fault_id)
        if len(self._told) > self.FAULTS_MAX:
            self._told.popitem(last=False)
        return True


_telling: Final = _Telling()


def log_fault(refusal: UttersonError, call: str) -> None:
    """Log to which call a fault is told, so that its request id leads to the fault; other refusals are no news.

    A fault that is told again and again, such as that of a workspace that cannot be loaded, gets a line a second.

    Args:
        refusal: what the caller is about to be told.
        call: names the call, for example `/utterson.v1.ProfileService/GetProfile`.
    """
    if refusal.fault_id and _telling.is_news(refusal.fault_id):
        request_id = request_id_of_call.get() or "none"
        logger.error("fault %s is told to %s, request id %s", refusal.fault_id, call, request_id)


def _fitting_details(error: UttersonError, code: StatusCode) -> list[Message]:
    """Choose what fits beside the ErrorInfo, at most one detail of a kind."""
    fitting: list[Message] = []
    if code is StatusCode.FAILED_PRECONDITION:
        fitting.append(_precondition_failure(error))
    elif error.violations:
        fitting.append(_bad_request(error.violations))
    elif code is StatusCode.INVALID_ARGUMENT:
        # No field is at fault but the request as a whole, such as bytes that are no message.
        fitting.append(_bad_request((FieldViolation("", error.message),)))
    if error.resource is not None:
        fitting.append(
            details.ResourceInfo(
                resource_type=error.resource.kind, resource_name=error.resource.name, description=error.message
            )
        )
    retry_after_ms = error.retry_after_ms
    # More than a setting allows (QUOTA_EXCEEDED) stays too much: a caller who is told to wait would wait in vain.
    if retry_after_ms is None and error.reason is Reason.QUEUE_FULL:
        retry_after_ms = RETRY_AFTER_MS_DEFAULT
    if retry_after_ms is not None:
        retry = details.RetryInfo()
        retry.retry_delay.FromMilliseconds(retry_after_ms)
        fitting.append(retry)
    return fitting


def _bad_request(violations: tuple[FieldViolation, ...]) -> details.BadRequest:
    bad_request = details.BadRequest()
    for violation in _fitting_violations(violations):
        bad_request.field_violations.add(field=violation.field, description=violation.description)
    return bad_request


def _precondition_failure(error: UttersonError) -> details.PreconditionFailure:
    """Name what stands in the way: the fields where the error tells them, else the resource."""
    failure = details.PreconditionFailure()
    kind = error.reason.name
    for violation in _fitting_violations(error.violations):
        failure.violations.add(type=kind, subject=violation.field, description=violation.description)
    if not error.violations:
        subject = "" if error.resource is None else f"{error.resource.kind}/{error.resource.name}"
        failure.violations.add(type=kind, subject=subject, description=error.message)
    return failure


def _fitting_violations(violations: tuple[FieldViolation, ...]) -> list[FieldViolation]:
    """Take as many as trailers can carry; where some are left out, the last entry counts them."""
    fitting: list[FieldViolation] = []
    size_bytes = 0
    for violation in violations:
        size_bytes += len(violation.field.encode()) + len(violation.description.encode())
        if size_bytes > VIOLATIONS_BYTES_MAX and fitting:
            left_out = len(violations) - len(fitting)
            return [*fitting, FieldViolation("", f"{left_out} more violations are not listed")]
        fitting.append(violation)
    return fitting
