"""A server that refuses as told and writes down what it was asked."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2
from grpc_status import rpc_status

from utterson.v1 import identity_service_pb2 as pb
from utterson.v1 import resolution_pb2, workspace_service_pb2

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


def refusal(
    code: grpc.StatusCode, reason: str, *, retry_after_ms: int | None = None, fields: Sequence[str] = ()
) -> status_pb2.Status:
    """Make the status of a refusal as the service does."""
    status = status_pb2.Status(code=code.value[0], message="a sentence")
    status.details.add().Pack(details.ErrorInfo(reason=reason, domain="utterson.dev"))
    if fields:
        bad_request = details.BadRequest()
        for name in fields:
            bad_request.field_violations.add(field=name, description="say it better")
        status.details.add().Pack(bad_request)
    if retry_after_ms is not None:
        retry = details.RetryInfo()
        retry.retry_delay.FromMilliseconds(retry_after_ms)
        status.details.add().Pack(retry)
    return status


@dataclass
class FailingServer:
    """Refuses each call with the next status of the list, and answers when none is left."""

    refusals: list[status_pb2.Status] = field(default_factory=list)
    asked: list[pb.IdentifyRequest] = field(default_factory=list)
    batches: list[pb.BatchResolveRequest] = field(default_factory=list)
    imports: list[list[workspace_service_pb2.ImportProfilesRequest]] = field(default_factory=list)
    created: int = 0
    deadlines_s: list[float] = field(default_factory=list)
    address: str = ""

    async def _refuse_if_told(self, context: Context) -> None:
        self.deadlines_s.append(context.time_remaining() or 0.0)
        if self.refusals:
            await context.abort_with_status(rpc_status.to_status(self.refusals.pop(0)))

    async def identify(self, request: pb.IdentifyRequest, context: Context) -> pb.IdentifyResponse:
        self.asked.append(request)
        await self._refuse_if_told(context)
        return pb.IdentifyResponse(resolution=resolution_pb2.Resolution(profile_id=7))

    async def batch_resolve(self, request: pb.BatchResolveRequest, context: Context) -> pb.BatchResolveResponse:
        self.batches.append(request)
        await self._refuse_if_told(context)
        refused = refusal(grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", fields=["identifiers"])
        results = [pb.CallResult(resolution=resolution_pb2.Resolution(profile_id=7)), pb.CallResult(error=refused)]
        return pb.BatchResolveResponse(results=results)

    async def stream_resolve(
        self, request_iterator: AsyncIterator[pb.StreamResolveRequest], context: Context
    ) -> AsyncIterator[pb.StreamResolveResponse]:
        async for message in request_iterator:
            yield pb.StreamResolveResponse(sequence=message.sequence)
            await self._refuse_if_told(context)

    async def import_profiles(
        self,
        request_iterator: AsyncIterator[workspace_service_pb2.ImportProfilesRequest],
        context: Context,
    ) -> workspace_service_pb2.ImportProfilesResponse:
        messages = [message async for message in request_iterator]
        self.imports.append(messages)
        await self._refuse_if_told(context)
        return workspace_service_pb2.ImportProfilesResponse(
            profile_ids=range(1, 1 + sum(len(message.profiles) for message in messages))
        )

    async def create_workspace(
        self, request: workspace_service_pb2.CreateWorkspaceRequest, context: Context
    ) -> workspace_service_pb2.CreateWorkspaceResponse:
        self.created += 1
        await self._refuse_if_told(context)
        return workspace_service_pb2.CreateWorkspaceResponse()

    async def list_workspaces(
        self, request: workspace_service_pb2.ListWorkspacesRequest, context: Context
    ) -> workspace_service_pb2.ListWorkspacesResponse:
        await self._refuse_if_told(context)
        first = int(request.page_token or "0")
        names = [f"w{number}" for number in range(first, min(first + request.page_size, 5))]
        token = str(first + request.page_size) if first + request.page_size < 5 else ""
        return workspace_service_pb2.ListWorkspacesResponse(
            workspaces=[workspace_service_pb2.Workspace(workspace=name) for name in names], next_page_token=token
        )


def _identity_handlers(failing: FailingServer) -> dict[str, "grpc.RpcMethodHandler[Any, Any]"]:
    return {
        "Identify": grpc.unary_unary_rpc_method_handler(
            failing.identify, pb.IdentifyRequest.FromString, pb.IdentifyResponse.SerializeToString
        ),
        "BatchResolve": grpc.unary_unary_rpc_method_handler(
            failing.batch_resolve, pb.BatchResolveRequest.FromString, pb.BatchResolveResponse.SerializeToString
        ),
        "StreamResolve": grpc.stream_stream_rpc_method_handler(
            failing.stream_resolve, pb.StreamResolveRequest.FromString, pb.StreamResolveResponse.SerializeToString
        ),
    }


def _workspace_handlers(failing: FailingServer) -> dict[str, "grpc.RpcMethodHandler[Any, Any]"]:
    messages = workspace_service_pb2
    return {
        "ImportProfiles": grpc.stream_unary_rpc_method_handler(
            failing.import_profiles,
            messages.ImportProfilesRequest.FromString,
            messages.ImportProfilesResponse.SerializeToString,
        ),
        "CreateWorkspace": grpc.unary_unary_rpc_method_handler(
            failing.create_workspace,
            messages.CreateWorkspaceRequest.FromString,
            messages.CreateWorkspaceResponse.SerializeToString,
        ),
        "ListWorkspaces": grpc.unary_unary_rpc_method_handler(
            failing.list_workspaces,
            messages.ListWorkspacesRequest.FromString,
            messages.ListWorkspacesResponse.SerializeToString,
        ),
    }


@asynccontextmanager
async def serving(*refusals: status_pb2.Status) -> AsyncIterator[FailingServer]:
    """Serve with the given refusals."""
    failing = FailingServer(refusals=list(refusals))
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler("utterson.v1.IdentityService", _identity_handlers(failing)),
            grpc.method_handlers_generic_handler("utterson.v1.WorkspaceService", _workspace_handlers(failing)),
        ]
    )
    failing.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield failing
    finally:
        await server.stop(0)
