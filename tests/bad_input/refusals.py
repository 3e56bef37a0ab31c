"""What a refusal must look like."""

from dataclasses import dataclass

import grpc
from google.rpc import status_pb2

from tests.server.statuses import DETAILS_KEY, details_of
from utterson.v1 import identity_service_pb2 as pb

# Stands in every value that is sent: no answer and no log may hold it.
CANARY = "canary-7319"
# Has the canary's length, and is no UTF-8.
NOT_TEXT = b"\xff\xfe" * 5 + b"\xff"

INVALID = grpc.StatusCode.INVALID_ARGUMENT
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
MISSING = grpc.StatusCode.NOT_FOUND


@dataclass(frozen=True)
class Refusal:
    """A code, a reason, and the paths of the fields at fault."""

    reason: str
    fields: tuple[str, ...] = ()
    code: grpc.StatusCode = INVALID

    def check(self, status: status_pb2.Status) -> None:
        """Compare with what was answered."""
        details = details_of(status)
        assert (status.code, details["ErrorInfo"].reason) == (self.code.value[0], self.reason), status.message
        assert details["ErrorInfo"].domain == "utterson.dev"
        assert status.message
        assert CANARY not in str(status)
        assert CANARY.encode() not in status.SerializeToString()
        told = [violation.field for violation in details["BadRequest"].field_violations] if self.fields else []
        assert told == list(self.fields)
        if self.fields:
            assert all(violation.description for violation in details["BadRequest"].field_violations)
        if self.code is MISSING and self.reason != "NO_MATCH":
            assert details["ResourceInfo"].resource_type in ("workspace", "profile")
        if self.code is PRECONDITION:
            assert details["PreconditionFailure"].violations[0].type == self.reason


@dataclass(frozen=True)
class Case:
    """One call that must be refused, in whatever way it is sent."""

    name: str
    call: pb.Call
    refusal: Refusal
    # Whether the canary's bytes are replaced by some that are no text.
    garbled: bool = False

    def encoded(self, message: bytes) -> bytes:
        """Encode: garbled where asked for."""
        return message.replace(CANARY.encode(), NOT_TEXT) if self.garbled else message


def status_of(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    """Read the status of a refused call; its two copies of code and message must agree."""
    status = status_pb2.Status.FromString(dict(error.trailing_metadata() or ())[DETAILS_KEY])
    assert (status.code, status.message) == (error.code().value[0], error.details())
    return status
