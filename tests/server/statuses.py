"""Reads the details of a status as a client does."""

from dataclasses import dataclass, field
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

DETAILS_KEY = "grpc-status-details-bin"
KINDS = ("ErrorInfo", "BadRequest", "ResourceInfo", "PreconditionFailure", "RetryInfo")


@dataclass
class Told:
    """A status, its details by kind and its trailers."""

    code: grpc.StatusCode
    message: str
    details: dict[str, Any] = field(default_factory=dict)
    trailers: dict[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """The stable reason."""
        reason: str = self.details["ErrorInfo"].reason
        return reason


def details_of(status: status_pb2.Status) -> dict[str, Any]:
    """Unpack the details; each kind at most once, and none that is not known here."""
    details: dict[str, Any] = {}
    for packed in status.details:
        kind = packed.TypeName().removeprefix("google.rpc.")
        assert kind in KINDS
        assert kind not in details
        message = getattr(error_details_pb2, kind)()
        assert packed.Unpack(message)
        details[kind] = message
    return details


def told(error: grpc.aio.AioRpcError) -> Told:
    """Read the status of a refused call; its two copies of code and message must agree."""
    trailers = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers[DETAILS_KEY])
    assert status.code == error.code().value[0]
    assert status.message == error.details()
    return Told(error.code(), status.message, details_of(status), trailers)
