"""Builds the grpc.aio server: services, layers, health, reflection, limits."""

import asyncio
from typing import Final

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

from utterson.application.calls.identity import IdentityService
from utterson.application.calls.imports import ImportService
from utterson.application.reads.profiles import ProfilesService
from utterson.application.refusals import RETRY_AFTER_MS
from utterson.application.workspaces.workspaces import WorkspacesService
from utterson.server.byte_budget import ByteBudget
from utterson.server.draining import Drain
from utterson.server.limits import LIVENESS, UPLOAD_TIMEOUT_S, WAITING_BYTES_MAX
from utterson.server.listening import ListenError, ensure_free
from utterson.server.rpc import identity_servicer, profile_servicer, workspace_servicer
from utterson.server.rpc.draining import DrainingHealth, DrainingReflection
from utterson.server.rpc.layering import LayeredHandlers, standard_layers
from utterson.server.rpc.reflection import ReflectionPool
from utterson.server.validation import FieldRules, RequestBounds

SERVICES: Final = (identity_servicer.SERVICE, workspace_servicer.SERVICE, profile_servicer.SERVICE)
# What is served beside them, if tools may ask for the API's descriptors.
REFLECTION: Final[ServiceDescriptor] = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
UNLIMITED: Final = -1
NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING
# How long a server that stops tells callers so before it closes; shorter than the time after which they come back.
FAREWELL_S: Final = RETRY_AFTER_MS / 1000 - 0.05
# Calls of a connection that gRPC's server takes at once; it resets what goes beyond, without a reason.
STREAMS_MAX: Final = 10_000
# Calls that gRPC's core may hold before we take them: as many as its option can say.
PENDING_MAX: Final = 2**31 - 1


class ServerHandle:
    """A server that is built but does not listen yet.

    Args:
        server: the grpc server, with all services.
        servicer: its health servicer.
        listen: where to listen, `host:port` or `unix:path`; port 0 takes a free one.
        drain: what its calls ask whether the server stops.
    """

    def __init__(self, server: grpc.aio.Server, servicer: health.aio.HealthServicer, listen: str, drain: Drain) -> None:
        self._server = server
        self._health = servicer
        self._drain = drain
        self._listen = listen
        self._port = 0
        self._stopping = False
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
        await self._health.set(LIVENESS, health_pb2.HealthCheckResponse.SERVING)
        await self.set_ready(ready=True)

    async def set_ready(self, *, ready: bool) -> None:
        """Say whether calls can be served now. Liveness is told by answering at all: a loop that stands does not."""
        status = health_pb2.HealthCheckResponse.SERVING if ready and not self._stopping else NOT_SERVING
        for service in ("", *SERVICES):
            await self._health.set(service, status)

    def drain(self) -> None:
        """Begin to stop: refuse new calls, and wait no longer for what callers have not sent."""
        self._drain.begin()

    async def retire(self, grace_s: float) -> None:
        """Take no new calls and let the running ones end in their own time, uploads included; the process goes on.

        Args:
            grace_s: how long they may take before they are cancelled, in seconds.
        """
        await self._server.stop(grace_s)

    async def stop(self, grace_s: float) -> None:
        """Tell health checks first, take no new calls, and let the running ones end.

        Args:
            grace_s: how long running calls may take before they are cancelled, in seconds.
        """
        # Liveness stays: a process that ends in order is not to be killed for it.
        self._stopping = True
        await self.set_ready(ready=False)
        self.drain()
        # Calls that gRPC's core has taken and not handed over would be cancelled, without a reason. Meanwhile each is
        # told that the server stops, and those who come back later than this find the address closed.
        farewell_s = min(grace_s, FAREWELL_S)
        await asyncio.sleep(farewell_s)
        await self._server.stop(grace_s - farewell_s)


def build_server(
    identity: IdentityService,
    imports: ImportService,
    workspaces: WorkspacesService,
    profiles: ProfilesService,
    *,
    bounds: RequestBounds,
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
        bounds: what counts a request before a message is made of it.
        listen: where to listen, `host:port` or `unix:path`.
        receive_bytes_max: the largest message taken, in bytes; larger ones are RESOURCE_EXHAUSTED.
        reflection: whether tools such as grpcurl may ask for the API's descriptors.
        waiting_bytes_max: what requests, uploads and answers may take together, in bytes.
        upload_timeout_s: how long an upload may take until its last message is there.
    """
    drain = Drain()
    handlers = LayeredHandlers(
        {
            identity_servicer.SERVICE: identity_servicer.identity_handlers(identity),
            workspace_servicer.SERVICE: workspace_servicer.workspace_handlers(workspaces, imports),
            profile_servicer.SERVICE: profile_servicer.profile_handlers(profiles),
        },
        standard_layers(FieldRules(bounds), drain, ByteBudget(waiting_bytes_max), upload_timeout_s),
    )
    health_servicer = health.aio.HealthServicer()
    server = grpc.aio.server(options=_options(receive_bytes_max))
    server.add_generic_rpc_handlers((handlers,))
    health_pb2_grpc.add_HealthServicer_to_server(DrainingHealth(health_servicer, drain), server)
    if reflection:
        _add_reflection(server, drain)
    return ServerHandle(server, health_servicer, listen, drain)


def _options(receive_bytes_max: int) -> list[tuple[str, int]]:
    return [
        # A second process must not share the port silently.
        ("grpc.so_reuseport", 0),
        # gRPC's core cancels what it cannot hand over at once, without a reason; what is too much is refused by us.
        ("grpc.server.max_pending_requests", PENDING_MAX),
        ("grpc.server.max_pending_requests_hard_limit", PENDING_MAX),
        ("grpc.max_concurrent_streams", STREAMS_MAX),
        ("grpc.max_receive_message_length", receive_bytes_max),
        ("grpc.max_send_message_length", UNLIMITED),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        # Clients may ping every 30 s without being sent away.
        ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
    ]


def _add_reflection(server: grpc.aio.Server, drain: Drain) -> None:
    names = (
        *SERVICES,
        health_pb2.DESCRIPTOR.services_by_name["Health"].full_name,
        REFLECTION.full_name,
    )
    servicer = reflection.aio.ReflectionServicer(names, pool=ReflectionPool())
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(DrainingReflection(servicer, drain), server)
