"""The one place where a refusal becomes a `google.rpc.Status`.

Every status carries one ErrorInfo and the details that fit its code. Nothing here ever sees an identifier's value:
messages and violations come without personal data (architecture, promise 7).
"""

from typing import Final

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

from utterson.domain.errors import FieldViolation, Reason, UttersonError

DOMAIN: Final = "utterson.dev"
FAULT_ID_KEY: Final = "fault_id"
RETRY_AFTER_MS_DEFAULT: Final = 100
# A status travels in the trailers, which clients refuse above 8 KiB; a batch keeps the same limit, so that a call
# is told the same either way.
VIOLATIONS_BYTES_MAX: Final = 4096

CODES: Final[dict[Reason, grpc.StatusCode]] = {
    Reason.FIELD_INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.MALFORMED_REQUEST: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.NO_USABLE_IDENTIFIER: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.LOGIN_IDENTIFIER_REQUIRED: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.TWO_VALUES_OF_UNIQUE_TYPE: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.TYPE_REJECTED: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.EMPTY_CHANGE: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.POLICY_INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.PAGE_TOKEN_INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.REVISION_INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.WORKSPACE_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.PROFILE_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.NO_MATCH: grpc.StatusCode.NOT_FOUND,
    Reason.WORKSPACE_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Reason.REQUEST_ID_REUSED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.IMMUTABLE_IDENTIFIER: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.IDENTIFIERS_HELD_BY_OTHERS: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.LIMIT_EXCEEDED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.POLICY_CHANGE_FORBIDDEN: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.HISTORY_DIVERGED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.ETAG_MISMATCH: grpc.StatusCode.ABORTED,
    Reason.REVISION_EXPIRED: grpc.StatusCode.OUT_OF_RANGE,
    Reason.QUEUE_FULL: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.QUOTA_EXCEEDED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.CREDENTIALS_INVALID: grpc.StatusCode.UNAUTHENTICATED,
    Reason.ACCESS_DENIED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.STORE_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Reason.INDEX_LOADING: grpc.StatusCode.UNAVAILABLE,
    Reason.REVISION_NOT_REACHED: grpc.StatusCode.UNAVAILABLE,
    Reason.SHUTTING_DOWN: grpc.StatusCode.UNAVAILABLE,
    Reason.OUTCOME_UNKNOWN: grpc.StatusCode.UNAVAILABLE,
    Reason.INTERNAL_FAULT: grpc.StatusCode.INTERNAL,
}


def error_status(error: UttersonError) -> status_pb2.Status:
    """Make the status of a refusal: code, message, one ErrorInfo, and what else fits the code."""
    return _status(error, details.ErrorInfo(reason=error.reason.name, domain=DOMAIN))


def fault_status(fault_id: str) -> status_pb2.Status:
    """Make the status of a bug.

    Args:
        fault_id: an opaque id that stands in the server's log beside the details.
    """
    error = UttersonError(Reason.INTERNAL_FAULT, f"internal error; give the operator of the server this id: {fault_id}")
    info = details.ErrorInfo(reason=error.reason.name, domain=DOMAIN, metadata={FAULT_ID_KEY: fault_id})
    return _status(error, info)


def encode_status(error: UttersonError) -> bytes:
    """Encode the status of a refusal, for the results of a batch."""
    encoded: bytes = error_status(error).SerializeToString()
    return encoded


def _status(error: UttersonError, info: details.ErrorInfo) -> status_pb2.Status:
    code = CODES[error.reason]
    number: int = code.value[0]
    status = status_pb2.Status(code=number, message=error.message)
    status.details.add().Pack(info)
    for detail in _fitting_details(error, code):
        status.details.add().Pack(detail)
    return status


def _fitting_details(error: UttersonError, code: grpc.StatusCode) -> list[Message]:
    """Choose what fits beside the ErrorInfo, at most one detail of a kind."""
    fitting: list[Message] = []
    if code is grpc.StatusCode.FAILED_PRECONDITION:
        fitting.append(_precondition_failure(error))
    elif error.violations:
        fitting.append(_bad_request(error.violations))
    elif code is grpc.StatusCode.INVALID_ARGUMENT:
        # No field is at fault but the request as a whole, such as bytes that are no message.
        fitting.append(_bad_request((FieldViolation("", error.message),)))
    if error.resource is not None:
        fitting.append(
            details.ResourceInfo(
                resource_type=error.resource.kind, resource_name=error.resource.name, description=error.message
            )
        )
    retry_after_ms = error.retry_after_ms
    if retry_after_ms is None and code is grpc.StatusCode.RESOURCE_EXHAUSTED:
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
