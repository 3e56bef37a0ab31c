"""Start, stop, health and the address."""

import asyncio
import contextlib

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.server.conftest import RECEIVE_BYTES_MAX, Running
from tests.server.fakes import FakeIdentity, FakeImports, FakeProfiles, FakeWorkspaces, Script
from utterson.engine.core_engine import CoreEngine
from utterson.server.descriptors import services
from utterson.server.listening import ListenError
from utterson.server.rpc.server import SERVICES, ServerHandle, build_server

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def server_at(listen: str, *, reflection: bool = False) -> ServerHandle:
    """Build a server with fakes."""
    script = Script()
    return build_server(
        FakeIdentity(script),
        FakeImports(script),
        FakeWorkspaces(script),
        FakeProfiles(script),
        bounds=CoreEngine(),
        listen=listen,
        receive_bytes_max=RECEIVE_BYTES_MAX,
        reflection=reflection,
    )


async def test_a_taken_port_is_a_clear_error(running: Running) -> None:
    second = server_at(running.address)
    with pytest.raises(ListenError, match=rf"cannot listen at {running.address}: the port is taken"):
        await second.start()


async def test_an_address_of_nobody_is_a_clear_error() -> None:
    with pytest.raises(ListenError):
        await server_at("192.0.2.1:50051").start()


@pytest.mark.parametrize("service", ["", *SERVICES])
async def test_health_is_served(running: Running, service: str) -> None:
    stub = health_pb2_grpc.HealthStub(running.channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
    assert answer.status == SERVING


async def test_health_of_an_unknown_service(running: Running) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health_pb2_grpc.HealthStub(running.channel).Check(
            health_pb2.HealthCheckRequest(service="nobody"), timeout=5
        )
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_stopping_server_tells_first_and_lets_calls_end(running: Running) -> None:
    gate = asyncio.Event()
    running.script.before = gate.wait
    running.identity.answer = b"done"
    watch = health_pb2_grpc.HealthStub(running.channel).Watch(health_pb2.HealthCheckRequest(service=""), timeout=10)
    assert (await watch.read()).status == SERVING
    call = asyncio.ensure_future(running.call("IdentityService/Identify", b""))
    while not running.script.asked:
        await asyncio.sleep(0.01)
    stopping = asyncio.ensure_future(running.handle.stop(5))
    assert (await watch.read()).status == NOT_SERVING
    watch.cancel()
    gate.set()
    assert await call == b"done"
    await asyncio.wait_for(stopping, 5)


def test_every_service_of_the_api_is_served() -> None:
    assert set(SERVICES) == {service.full_name for service in services()}


METHODS = [f"{service.name}/{method.name}" for service in services() for method in service.methods]


@pytest.mark.parametrize("method", METHODS)
async def test_every_method_of_the_api_has_a_handler(running: Running, method: str) -> None:
    call = running.stream(method, iter([b"\xff"]))
    with contextlib.suppress(grpc.aio.AioRpcError):
        _ = [answer async for answer in call]
    assert await call.code() is not grpc.StatusCode.UNIMPLEMENTED
