"""Streams of gRPC's own services, which would hold up the end of a server for as long as somebody watches."""

from collections.abc import AsyncIterator

import grpc
from grpc_health.v1 import health, health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from utterson.domain.errors import UttersonError
from utterson.server.draining import Drain
from utterson.server.rpc.layers import Context


class DrainingHealth:
    """Health whose watchers are sent away some time after they were told that nobody is served any more.

    Args:
        health_servicer: answers.
        drain: knows whether the server stops.
    """

    def __init__(self, health_servicer: health.aio.HealthServicer, drain: Drain) -> None:
        self._health = health_servicer
        self._drain = drain
        self.Check, self.List = health_servicer.Check, health_servicer.List  # gRPC's names

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:  # noqa: N802
        """Tell every change, until the server stops."""
        try:
            await self._drain.limited(self._health.Watch(request, context))
        except UttersonError as error:
            await context.abort(grpc.StatusCode.UNAVAILABLE, error.message)


class DrainingReflection:
    """Reflection that waits for no further question once the server stops.

    Args:
        reflection_servicer: answers.
        drain: knows whether the server stops.
    """

    def __init__(self, reflection_servicer: reflection.aio.ReflectionServicer, drain: Drain) -> None:
        self._reflection = reflection_servicer
        self._drain = drain

    async def ServerReflectionInfo(  # noqa: N802 - gRPC's name
        self, requests: AsyncIterator[reflection_pb2.ServerReflectionRequest], context: Context
    ) -> AsyncIterator[reflection_pb2.ServerReflectionResponse]:
        """Answer questions about the API."""
        try:
            async for answer in self._reflection.ServerReflectionInfo(self._drain.read(requests), context):
                yield answer
        except UttersonError as error:
            await context.abort(grpc.StatusCode.UNAVAILABLE, error.message)
