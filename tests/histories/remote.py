"""A server process as the simulation's callers know a replica: calls go over gRPC as their bytes."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final, Self

import grpc

from tests.agreement.remote import reason_of_error
from tests.crashes.load import CHANNEL_OPTIONS
from tests.simulation.clients import ReplicaGoneError
from utterson.domain.calls import CallKind
from utterson.domain.errors import Reason, UttersonError
from utterson.v1.policy_pb2 import Policy
from utterson.v1.workspace_service_pb2 import CreateWorkspaceRequest, UpdatePolicyRequest
from utterson.v1.workspace_service_pb2_grpc import WorkspaceServiceStub

CALL_TIMEOUT_S: Final = 12.0
METHODS: Final = {
    CallKind.IDENTIFY: "Identify",
    CallKind.LOGIN: "Login",
    CallKind.LOGOUT: "Logout",
    CallKind.TRACK: "Track",
    CallKind.MODIFY: "Modify",
    CallKind.SEARCH: "Search",
}


class RemoteReplica:
    """One server, for as long as its process is started again and again.

    Args:
        number: which one.
        address: where it listens.
    """

    def __init__(self, number: int, address: str) -> None:
        self.number = number
        self.address = address
        # Raised before a process is ended and again before it is started, so that no two processes share a name.
        self.life = 0
        self._channel = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._workspaces: Any = WorkspaceServiceStub(self._channel)
        self._methods: dict[CallKind, Any] = {
            kind: self._channel.unary_unary(f"/utterson.v1.IdentityService/{name}") for kind, name in METHODS.items()
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.close()

    @property
    def name(self) -> str:
        """Which one, and in which of its lives."""
        return f"{self.number}.{self.life}"

    async def call(self, kind: CallKind, request: bytes) -> bytes:
        """Make a unary call; raises as the simulation's replica."""
        try:
            answer: bytes = await self._methods[kind](request, timeout=CALL_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise refused(error) from None
        return answer

    async def create_workspace(self, workspace: str, policy: Policy) -> None:
        """Make a workspace."""
        await self._workspaces.CreateWorkspace(CreateWorkspaceRequest(workspace=workspace, policy=policy), timeout=30)

    async def update_policy(self, workspace: str, policy: bytes) -> None:
        """Change a policy, whatever it is now; raises as `call`."""
        request = UpdatePolicyRequest(workspace=workspace, policy=Policy.FromString(policy))
        try:
            await self._workspaces.UpdatePolicy(request, timeout=CALL_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise refused(error) from None


def refused(error: grpc.aio.AioRpcError) -> Exception:
    """Make what the simulation raises of a status; one without a reason of ours leaves the outcome open."""
    name = reason_of_error(error)
    return UttersonError(Reason[name], "refused") if name in Reason.__members__ else ReplicaGoneError(name)
