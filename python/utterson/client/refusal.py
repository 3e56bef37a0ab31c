"""Refusals as one exception: what the server's status and its details say."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

from utterson.v1 import error_reason_pb2

STATUS_KEY: Final = "grpc-status-details-bin"
REASON_PREFIX: Final = "ERROR_REASON_"
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that stands in the way: `subject` is the path of a field, or names a profile or workspace."""

    subject: str
    description: str


class CallRefused(Exception):  # noqa: N818 - a refusal is an answer, not always an error
    """The server refused a call, or could not be reached.

    Args:
        code: the gRPC status.
        reason: why, one of the closed list; unspecified where the refusal did not come from the service itself.
        message: a sentence that says what to do, without personal data.
        violations: what stands in the way, where the server names it.
        retry_after_s: when to try again, in seconds, where the server says so.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: error_reason_pb2.ErrorReason.ValueType,
        message: str,
        *,
        violations: tuple[Violation, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(code, reason, message)
        self.code = code
        self.reason = reason
        self.message = message
        self.violations = violations
        self.retry_after_s = retry_after_s

    def naming(self, rename: Callable[[str], str]) -> "CallRefused":
        """Make the same refusal with other names for the subjects of its violations, in the message too."""
        violations = tuple(Violation(rename(fault.subject), fault.description) for fault in self.violations)
        message = self.message
        for fault in self.violations[:1]:
            # The message names the first fault alone, at its beginning.
            if fault.subject and message.startswith(f"{fault.subject}: "):
                message = rename(fault.subject) + message[len(fault.subject) :]
        return CallRefused(self.code, self.reason, message, violations=violations, retry_after_s=self.retry_after_s)

    def __str__(self) -> str:
        """Tell the refusal in one line, and no sentence twice: the message often is the first violation's."""
        # Where the service itself did not answer there is no reason to tell.
        known = self.reason != error_reason_pb2.ERROR_REASON_UNSPECIFIED
        name = f" ({error_reason_pb2.ErrorReason.Name(self.reason).removeprefix(REASON_PREFIX)})" if known else ""
        told = self.message
        for fault in self.violations:
            sentence = f"{fault.subject or 'request'}: {fault.description}"
            lead, found, rest = self.message.partition(fault.description)
            if not found:
                told += f"; {sentence}"
            elif fault.subject.endswith(lead.removesuffix(": ")) and told == self.message:
                # It says no more than the violation, whose subject is whole.
                told = f"{sentence if fault.subject else fault.description}{rest}"
            elif sentence not in told and fault.subject:
                told += f"; {sentence}"
        return f"{self.code.name}{name}: {told}"


def refusal_of(error: grpc.aio.AioRpcError) -> CallRefused:
    """Read the refusal out of a failed call."""
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_KEY and isinstance(value, bytes):
            try:
                return refusal_of_status(status_pb2.Status.FromString(value))
            except DecodeError:
                break  # some proxy's own; the plain status says enough
    return CallRefused(error.code(), error_reason_pb2.ERROR_REASON_UNSPECIFIED, error.details() or error.code().name)


def refusal_of_status(status: status_pb2.Status) -> CallRefused:
    """Read the refusal out of a status, such as one call's in a batch."""
    reason = error_reason_pb2.ERROR_REASON_UNSPECIFIED
    violations: list[Violation] = []
    retry_after_s: float | None = None
    for detail in status.details:
        info, request, precondition, retry = (
            details.ErrorInfo(),
            details.BadRequest(),
            details.PreconditionFailure(),
            details.RetryInfo(),
        )
        if detail.Unpack(info):
            reason = _reason(info.reason)
        elif detail.Unpack(request):
            violations += [Violation(fault.field, fault.description) for fault in request.field_violations]
        elif detail.Unpack(precondition):
            violations += [Violation(fault.subject, fault.description) for fault in precondition.violations]
        elif detail.Unpack(retry):
            retry_after_s = retry.retry_delay.ToMilliseconds() / 1000
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    return CallRefused(code, reason, status.message, violations=tuple(violations), retry_after_s=retry_after_s)


def _reason(name: str) -> error_reason_pb2.ErrorReason.ValueType:
    """Find a reason by its short name; a newer server may have one that this client does not know."""
    full_name = f"{REASON_PREFIX}{name}"
    if full_name not in error_reason_pb2.ErrorReason.keys():  # noqa: SIM118 - an enum wrapper, not a dict
        return error_reason_pb2.ERROR_REASON_UNSPECIFIED
    return error_reason_pb2.ErrorReason.Value(full_name)
