"""Whoever calls while others attack: how long it takes, what was acknowledged, and whether that stands."""

import asyncio
import time
from dataclasses import dataclass, field

import grpc

from tests.front_attacks.peers import ATTACKED, WORKSPACE
from utterson.v1 import (
    identifier_pb2,
    identity_service_pb2,
    identity_service_pb2_grpc,
    workspace_service_pb2,
    workspace_service_pb2_grpc,
)

CALLERS = 8
# A newcomer connects, calls once and goes.
NEWCOMER_PAUSE_S = 0.2
CALL_TIMEOUT_S = 10.0


async def make_workspaces(address: str) -> None:
    """Create the workspaces of attackers and of others."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = workspace_service_pb2_grpc.WorkspaceServiceStub(channel)
        for workspace in (ATTACKED, WORKSPACE):
            request = workspace_service_pb2.CreateWorkspaceRequest(workspace=workspace, preset="identity_graph_rules")
            await stub.CreateWorkspace(request, timeout=CALL_TIMEOUT_S)


@dataclass
class Bystander:
    """Calls on connections of its own, and notes everything."""

    address: str
    name: str
    latencies_s: list[float] = field(default_factory=list)
    newcomers_s: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    acknowledged: dict[str, int] = field(default_factory=dict)

    async def call_for(self, seconds: float) -> None:
        """Call, one call after the other each, for so long."""
        end = time.monotonic() + seconds
        async with grpc.aio.insecure_channel(self.address) as channel:
            stub = identity_service_pb2_grpc.IdentityServiceStub(channel)
            await asyncio.gather(*(self._calls(stub, number, end) for number in range(CALLERS)), self._newcomers(end))

    async def lost(self) -> list[str]:
        """Look everything up that was acknowledged; gives what is not there as it was told."""
        lost = []
        async with grpc.aio.insecure_channel(self.address) as channel:
            stub = identity_service_pb2_grpc.IdentityServiceStub(channel)
            for user, profile in self.acknowledged.items():
                request = identity_service_pb2.SearchRequest(workspace=WORKSPACE, identifiers=[_user(user)])
                found = await stub.Search(request, timeout=CALL_TIMEOUT_S)
                if found.resolution.profile_id != profile:
                    lost.append(user)
        return lost

    async def _calls(self, stub: "identity_service_pb2_grpc.IdentityServiceAsyncStub", number: int, end: float) -> None:
        count = 0
        while time.monotonic() < end:
            count += 1
            self.latencies_s.append(await self._call(stub, f"{self.name}-{number}-{count}"))

    async def _newcomers(self, end: float) -> None:
        count = 0
        while time.monotonic() < end:
            count += 1
            options = [("grpc.use_local_subchannel_pool", 1)]
            async with grpc.aio.insecure_channel(self.address, options=options) as channel:
                stub = identity_service_pb2_grpc.IdentityServiceStub(channel)
                self.newcomers_s.append(await self._call(stub, f"{self.name}-newcomer-{count}"))
            await asyncio.sleep(NEWCOMER_PAUSE_S)

    async def _call(self, stub: "identity_service_pb2_grpc.IdentityServiceAsyncStub", user: str) -> float:
        began = time.monotonic()
        request = identity_service_pb2.IdentifyRequest(workspace=WORKSPACE, identifiers=[_user(user)])
        try:
            answer = await stub.Identify(request, timeout=CALL_TIMEOUT_S)
            self.acknowledged[user] = answer.resolution.profile_id
        except grpc.aio.AioRpcError as error:
            self.failures.append(f"{error.code().name}: {error.details()}")
        return time.monotonic() - began


def _user(value: str) -> identifier_pb2.Identifier:
    return identifier_pb2.Identifier(type="user_id", value=value)


def percentile(values: list[float], part: float) -> float:
    """Give the value below which a part of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
