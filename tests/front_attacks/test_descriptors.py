"""What a connection takes of the descriptors of the process: the front counts with three (`descriptors.rs`)."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest

from tests.crashes.server_process import ServerProcess
from tests.embedded.processes import NEEDS_PROC
from utterson.v1 import workspace_service_pb2, workspace_service_pb2_grpc

pytestmark = NEEDS_PROC

CONNECTIONS = 40
COUNTED = 3


@pytest.fixture
async def server() -> AsyncIterator[ServerProcess]:
    with tempfile.TemporaryDirectory(prefix="utterson-descriptors-") as folder:
        Path(folder).chmod(0o755)  # Postgres may run as another account
        running = ServerProcess(Path(folder, "data"), Path(folder, "log"))
        await running.start()
        yield running
        await running.stop()


async def test_a_connection_takes_as_many_as_are_counted(server: ServerProcess) -> None:
    before = _descriptors(server)
    async with AsyncExitStack() as open_channels:
        for _ in range(CONNECTIONS):
            channel = grpc.aio.insecure_channel(server.address, options=[("grpc.use_local_subchannel_pool", 1)])
            stub = workspace_service_pb2_grpc.WorkspaceServiceStub(await open_channels.enter_async_context(channel))
            await stub.ListWorkspaces(workspace_service_pb2.ListWorkspacesRequest(page_size=1), timeout=10)
        taken = _descriptors(server) - before
        assert (COUNTED - 1) * CONNECTIONS < taken <= COUNTED * CONNECTIONS
    for _ in range(100):
        if _descriptors(server) - before < CONNECTIONS:
            return
        await asyncio.sleep(0.1)
    pytest.fail("descriptors stay open after their connections")


def _descriptors(server: ServerProcess) -> int:
    return sum(1 for _ in Path(f"/proc/{server.process_id}/fd").iterdir())
