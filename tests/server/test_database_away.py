"""A whole server whose database goes away: health, refusals and the log, whoever listens."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.crashes.server_process import ServerProcess
from tests.database_doors import Doors, doors_of
from tests.listeners import FRONTS
from utterson import main
from utterson.client import CallRefused, RetryLimits, UttersonClient
from utterson.server.limits import LIVENESS
from utterson.settings.listening import FrontChoice
from utterson.settings.process import Settings
from utterson.v1 import error_reason_pb2

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
WORKSPACES = 20
ONCE = RetryLimits(attempts_max=1)


@dataclass
class Serving:
    """A server, who asks for its health, and the doors of its database."""

    address: str
    health: health_pb2_grpc.HealthStub
    doors: Doors

    async def status(self, service: str = "") -> int:
        """Ask once."""
        answer = await self.health.Check(health_pb2.HealthCheckRequest(service=service), timeout=1)
        found: int = answer.status
        return found

    async def within_two_seconds(self, wanted: int) -> None:
        """Wait until readiness is so."""
        async with asyncio.timeout(2):
            while await self.status() != wanted:
                await asyncio.sleep(0.02)


@pytest.fixture(params=FRONTS, ids=lambda front: f"front-{front}")
async def serving(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Serving]:
    settings = Settings.model_validate(
        {"listen": "127.0.0.1:0", "database_url": database_url, "front": FrontChoice(request.param)}
    )
    async with doors_of(database_url) as doors, main.running(settings) as server:
        address = f"127.0.0.1:{server.port}"
        async with grpc.aio.insecure_channel(address) as channel:
            yield Serving(address, health_pb2_grpc.HealthStub(channel), doors)
        await doors.open()


async def test_health_follows_the_database_and_calls_are_told(serving: Serving) -> None:
    async with UttersonClient(serving.address, retries=ONCE) as client:
        await client.create_workspace("soho", preset="identity_graph_rules")
        await client.identify("soho", [("user_id", "x")])
        await serving.within_two_seconds(SERVING)
        await serving.doors.close()
        await serving.within_two_seconds(NOT_SERVING)
        assert await serving.status(LIVENESS) == SERVING
        for _ in range(5):
            began_s = time.monotonic()
            with pytest.raises(CallRefused) as caught:
                await client.identify("soho", [("user_id", "y")])
            assert time.monotonic() - began_s < 1.5
            assert caught.value.reason == error_reason_pb2.ERROR_REASON_STORE_UNAVAILABLE
        await serving.doors.open()
        await serving.within_two_seconds(SERVING)
        await client.identify("soho", [("user_id", "y")])


async def test_the_log_has_a_line_a_kind_and_second(database_url: str, open_dir: Path) -> None:
    log = open_dir / "away.log"
    server = ServerProcess(open_dir / "unused", log, options=["--database-url", database_url])
    await server.start()
    try:
        async with doors_of(database_url) as doors, UttersonClient(server.address, retries=ONCE) as client:
            names = [f"soho-{number}" for number in range(WORKSPACES)]
            for name in names:
                await client.create_workspace(name, preset="identity_graph_rules")
                await client.identify(name, [("user_id", "x")])
            await doors.close()
            until_s = time.monotonic() + 2.5
            refused = 0
            while time.monotonic() < until_s:
                calls = (client.identify(name, [("user_id", f"{refused}")]) for name in names)
                refused += sum(
                    isinstance(end, CallRefused) for end in await asyncio.gather(*calls, return_exceptions=True)
                )
    finally:
        await server.stop()
    told = [line for line in log.read_text().splitlines() if "the database failed: unreachable" in line]
    assert refused > 5 * WORKSPACES
    assert 1 <= len(told) <= 4
    assert all(": workspace soho-" in line for line in told)
    assert any(" more like this since the last such line)" in line for line in told)
    # Whatever else the log has, it does not grow with the calls.
    assert len(log.read_text().splitlines()) < refused / 2
