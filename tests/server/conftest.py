"""A real server on a free port, with use cases of the test's choice behind it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from tests.listeners import FRONTS, listener
from tests.server.fakes import FakeIdentity, FakeImports, FakeProfiles, FakeWorkspaces, Script
from utterson.engine.core_engine import CoreEngine
from utterson.server.front.listener import Listener, ServerBehind
from utterson.server.rpc.server import build_server
from utterson.settings.listening import FrontChoice

RECEIVE_BYTES_MAX = 1024 * 1024


@dataclass
class Running:
    """A running server, its fakes and a channel to it."""

    handle: Listener
    channel: grpc.aio.Channel
    script: Script
    identity: FakeIdentity
    profiles: FakeProfiles

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.handle.port}"

    def unary(self, method: str, request: bytes, *, timeout_s: float = 10, **options: Any) -> Any:
        """Send bytes as they are to a unary RPC of `utterson.v1`; awaited, the call gives the bytes answered."""
        send: Any = self.channel.unary_unary(f"/utterson.v1.{method}")
        return send(request, timeout=timeout_s, **options)

    async def call(self, method: str, request: bytes, **options: Any) -> bytes:
        """Send bytes as they are, and give back the bytes answered."""
        answer: bytes = await self.unary(method, request, **options)
        return answer

    def stream(self, method: str, requests: Any = None, *, timeout_s: float = 10) -> Any:
        """Open a stream of bytes both ways, to any RPC of `utterson.v1`."""
        opened: Any = self.channel.stream_stream(f"/utterson.v1.{method}")
        return opened(requests, timeout=timeout_s)


@pytest.fixture(params=FRONTS, ids=lambda front: f"front-{front}")
def front(request: pytest.FixtureRequest) -> FrontChoice:
    """Both ways to listen."""
    return FrontChoice(request.param)


@pytest.fixture
async def running(front: FrontChoice) -> AsyncIterator[Running]:
    """Start a server, each way in turn; stop it after the test."""
    script = Script()
    identity, profiles = FakeIdentity(script), FakeProfiles(script)

    def grpc_server(listen: str) -> ServerBehind:
        return build_server(
            identity,
            FakeImports(script),
            FakeWorkspaces(script),
            profiles,
            bounds=CoreEngine(),
            listen=listen,
            receive_bytes_max=RECEIVE_BYTES_MAX,
            reflection=True,
        )

    handle = listener(front, grpc_server, identity, receive_bytes_max=RECEIVE_BYTES_MAX)
    await handle.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{handle.port}") as channel:
        yield Running(handle, channel, script, identity, profiles)
    await handle.stop(0)
