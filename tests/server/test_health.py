"""Liveness and readiness are two things, whoever listens."""

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.server.conftest import Running
from utterson.server.limits import LIVENESS
from utterson.server.rpc.server import SERVICES

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def status(running: Running, service: str) -> int:
    stub = health_pb2_grpc.HealthStub(running.channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
    found: int = answer.status
    return found


async def until(running: Running, service: str, wanted: int) -> None:
    """The front's thread tells it a moment later."""
    async with asyncio.timeout(1):
        while await status(running, service) != wanted:
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("service", ["", *SERVICES])
async def test_a_server_that_is_not_ready_is_alive(running: Running, service: str) -> None:
    await until(running, service, SERVING)
    await running.handle.set_ready(ready=False)
    await until(running, service, NOT_SERVING)
    assert await status(running, LIVENESS) == SERVING
    await running.handle.set_ready(ready=True)
    await until(running, service, SERVING)


async def test_watchers_are_told(running: Running) -> None:
    stub = health_pb2_grpc.HealthStub(running.channel)
    await until(running, "", SERVING)
    watch = stub.Watch(health_pb2.HealthCheckRequest(service=""), timeout=10)
    assert (await watch.read()).status == SERVING
    await running.handle.set_ready(ready=False)
    assert (await watch.read()).status == NOT_SERVING
    await running.handle.set_ready(ready=True)
    assert (await watch.read()).status == SERVING
    watch.cancel()


async def test_a_server_that_stops_is_alive_and_does_not_become_ready_again(running: Running) -> None:
    gate = asyncio.Event()
    running.script.before = gate.wait
    running.identity.answer = b"done"
    stub = health_pb2_grpc.HealthStub(running.channel)
    alive = stub.Watch(health_pb2.HealthCheckRequest(service=LIVENESS), timeout=10)
    assert (await alive.read()).status == SERVING
    ready = stub.Watch(health_pb2.HealthCheckRequest(service=""), timeout=10)
    assert (await ready.read()).status == SERVING
    call = asyncio.ensure_future(running.call("IdentityService/Identify", b""))
    while not running.script.asked:
        await asyncio.sleep(0.01)
    stopping = asyncio.ensure_future(running.handle.stop(5))
    assert (await ready.read()).status == NOT_SERVING
    await running.handle.set_ready(ready=True)
    # Neither is told anything else before it ends.
    assert isinstance(await _next(alive), grpc.StatusCode)
    assert isinstance(await _next(ready), grpc.StatusCode)
    gate.set()
    assert await call == b"done"
    await asyncio.wait_for(stopping, 10)


async def _next(watch: "grpc.aio.UnaryStreamCall[object, health_pb2.HealthCheckResponse]") -> object:
    """Give the next status of a watch, or how the watch ended; where nothing comes in a while, end it."""
    try:
        async with asyncio.timeout(1):
            answer = await watch.read()
    except (TimeoutError, grpc.aio.AioRpcError, asyncio.CancelledError):
        watch.cancel()
        return grpc.StatusCode.CANCELLED
    return await watch.code() if answer is grpc.aio.EOF else answer
