"""Builds the grpc.aio server: services, layers, health, reflection, limits."""

import asyncio
from typing import Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection as grpc_reflection
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from utterson.application.calls.identity import IdentityService
from utterson.application.calls.imports import ImportService
from utterson.application.reads.profiles import ProfilesService
from utterson.application.workspaces.workspaces import WorkspacesService
from utterson.server.byte_budget import ByteBudget
from utterson.server.limits import UPLOAD_TIMEOUT_S, WAITING_BYTES_MAX
from utterson.server.listening import ListenError, ensure_free
from utterson.server.rpc import identity_servicer, profile_servicer, workspace_servicer
from utterson.server.rpc.layering import LayeredHandlers, standard_layers
from utterson.server.rpc.reflection import ReflectionPool
from utterson.server.validation import FieldRules

SERVICES: Final = (identity_servicer.SERVICE, workspace_servicer.SERVICE, profile_servicer.SERVICE)
UNLIMITED: Final = -1


class ServerHandle:
    """A server that is built but does not listen yet.

    Args:
        server: the grpc server, with all services.
        servicer: its health servicer.
        listen: where to listen, `host:port` or `unix:path`; port 0 takes a free one.
    """

    def __init__(self, server: grpc.aio.Server, servicer: health.aio.HealthServicer, listen: str) -> None:
        self._server = server
        self._health = servicer
        self._listen = listen
        self._port = 0
        self._broken = asyncio.Event()

    @property
    def broken(self) -> asyncio.Event:
        """Never set: it lives in the event loop."""
        return self._broken

    @property
    def port(self) -> int:
        """The port listened at, once started."""
        return self._port

    async def start(self) -> None:
        """Listen, and tell health checks that every service is up.

        Raises:
            ListenError: the address is taken or not one of this machine.
        """
        ensure_free(self._listen)
        try:
            self._port = self._server.add_insecure_port(self._listen)
        except RuntimeError as error:
            raise ListenError(self._listen) from error
        await self._server.start()
        for service in ("", *SERVICES):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace_s: float) -> None:
        """Tell health checks first, take no new calls, and let the running ones end.

        Args:
            grace_s: how long running calls may take before they are cancelled, in seconds.
        """
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_s)


def build_server(
    identity: IdentityService,
    imports: ImportService,
    workspaces: WorkspacesService,
    profiles: ProfilesService,
    *,
    listen: str,
    receive_bytes_max: int,
    reflection: bool,
    waiting_bytes_max: int = WAITING_BYTES_MAX,
    upload_timeout_s: float = UPLOAD_TIMEOUT_S,
) -> ServerHandle:
    """Build the server; call it inside the event loop that will serve.

    Args:
        identity: the hot path.
        imports: the take-over of graphs.
        workspaces: the use cases of workspaces.
        profiles: the use cases of profiles.
        listen: where to listen, `host:port` or `unix:path`.
        receive_bytes_max: the largest message taken, in bytes; larger ones are RESOURCE_EXHAUSTED.
        reflection: whether tools such as grpcurl may ask for the API's descriptors.
        waiting_bytes_max: what requests, uploads and answers may take together, in bytes.
        upload_timeout_s: how long an upload may take until its last message is there.
    """
    handlers = LayeredHandlers(
        {
            identity_servicer.SERVICE: identity_servicer.identity_handlers(identity),
            workspace_servicer.SERVICE: workspace_servicer.workspace_handlers(workspaces, imports),
            profile_servicer.SERVICE: profile_servicer.profile_handlers(profiles),
        },
        standard_layers(FieldRules(), ByteBudget(waiting_bytes_max), upload_timeout_s),
    )
    health_servicer = health.aio.HealthServicer()
    server = grpc.aio.server(options=_options(receive_bytes_max))
    server.add_generic_rpc_handlers((handlers,))
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    if reflection:
        _add_reflection(server)
    return ServerHandle(server, health_servicer, listen)


def _options(receive_bytes_max: int) -> list[tuple[str, int]]:
    return [
        # A second process must not share the port silently.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", receive_bytes_max),
        ("grpc.max_send_message_length", UNLIMITED),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        # Clients may ping every 30 s without being sent away.
        ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
    ]


def _add_reflection(server: grpc.aio.Server) -> None:
    names = (
        *SERVICES,
        health_pb2.DESCRIPTOR.services_by_name["Health"].full_name,
        reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"].full_name,
    )
    servicer = grpc_reflection.aio.ReflectionServicer(names, pool=ReflectionPool())
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, server)
