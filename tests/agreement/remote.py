"""Calls over gRPC, answered as the comparison wants them: a resolution, or the name of a reason."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
from google.rpc import error_details_pb2, status_pb2

from tests.agreement.messages import Request, batched
from tests.model.records import Kind
from utterson.v1 import identity_service_pb2 as identity
from utterson.v1 import identity_service_pb2_grpc, profile_service_pb2_grpc, workspace_service_pb2_grpc
from utterson.v1.resolution_pb2 import Resolution

Reply: TypeAlias = "Resolution | str"
STATUS_KEY = "grpc-status-details-bin"


class Remote:
    """The services of one server."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.identity: Any = identity_service_pb2_grpc.IdentityServiceStub(channel)
        self.workspaces: Any = workspace_service_pb2_grpc.WorkspaceServiceStub(channel)
        self.profiles: Any = profile_service_pb2_grpc.ProfileServiceStub(channel)
        self.unary: dict[Kind, Any] = {
            Kind.IDENTIFY: self.identity.Identify,
            Kind.LOGIN: self.identity.Login,
            Kind.LOGOUT: self.identity.Logout,
            Kind.TRACK: self.identity.Track,
            Kind.MODIFY: self.identity.Modify,
            Kind.SEARCH: self.identity.Search,
        }

    async def one(self, kind: Kind, request: Request) -> Reply:
        """Make a unary call."""
        try:
            answer = await self.unary[kind](request)
        except grpc.aio.AioRpcError as error:
            return reason_of_error(error)
        resolution: Resolution = answer.resolution
        return resolution

    async def batch(self, workspace: str, requests: list[Request]) -> list[Reply]:
        """Make a batch."""
        message = identity.BatchResolveRequest(workspace=workspace, calls=[batched(request) for request in requests])
        answer = await self.identity.BatchResolve(message)
        return [reply(result) for result in answer.results]

    async def stream(self, workspace: str, requests: list[Request]) -> list[Reply]:
        """Make a stream of one message."""

        async def messages() -> AsyncIterator[identity.StreamResolveRequest]:
            calls = [batched(request) for request in requests]
            yield identity.StreamResolveRequest(sequence=7, workspace=workspace, calls=calls)

        answers = [answer async for answer in self.identity.StreamResolve(messages())]
        assert [answer.sequence for answer in answers] == [7]
        return [reply(result) for result in answers[0].results]


def reply(result: identity.CallResult) -> Reply:
    """Read the result of one call of a batch."""
    return reason_of(result.error) if result.HasField("error") else result.resolution


def reason_of(status: status_pb2.Status) -> str:
    """Give the reason of a status."""
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return f"no reason, code {status.code}"


def reason_of_error(error: grpc.aio.AioRpcError) -> str:
    """Give the reason of a refused unary call."""
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_KEY and isinstance(value, bytes):
            return reason_of(status_pb2.Status.FromString(value))
    return f"no reason, {error.code()}: {error.details()}"
