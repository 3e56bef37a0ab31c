"""A server in a process of its own, whose memory and stalls can be looked at."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc

from tests.crashes.server_process import START_TIMEOUT_S, free_port
from utterson.settings.listening import FrontChoice
from utterson.v1 import workspace_service_pb2 as pb
from utterson.v1.workspace_service_pb2_grpc import WorkspaceServiceStub

OPTIONS: Final = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@dataclass
class Watched:
    """The server, and a channel to it."""

    address: str
    process_id: int
    channel: grpc.aio.Channel
    told: Path
    _read: int = field(default=0)

    async def send(self, method: str, request: bytes, timeout_s: float = 60) -> bytes:
        """Make one unary call of `utterson.v1` with the request's bytes."""
        call: Any = self.channel.unary_unary(f"/utterson.v1.{method}")
        answer: bytes = await call(request, timeout=timeout_s)
        return answer

    async def upload(self, method: str, messages: list[bytes], timeout_s: float = 60) -> bytes:
        """Make one call that streams its requests."""
        call: Any = self.channel.stream_unary(f"/utterson.v1.{method}")
        answer: bytes = await call(iter(messages), timeout=timeout_s)
        return answer

    def new_stalls(self) -> list[str]:
        """Tell the stalls since the last look."""
        lines = self.told.read_text().splitlines()
        new, self._read = lines[self._read :], len(lines)
        return new

    def forget_peak(self) -> int:
        """Begin to look for the most memory anew; tells what there is now, in bytes."""
        Path(f"/proc/{self.process_id}/clear_refs").write_text("5")
        return self._memory("VmRSS")

    def peak_bytes(self) -> int:
        """Tell the most memory since `forget_peak`."""
        return self._memory("VmHWM")

    def resident_bytes(self) -> int:
        """Tell the memory of now."""
        return self._memory("VmRSS")

    def _memory(self, name: str) -> int:
        lines = Path(f"/proc/{self.process_id}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


@asynccontextmanager
async def watched(database_url: str, folder: Path, front: FrontChoice) -> AsyncIterator[Watched]:
    """Run a watched server on a database for as long as the context lasts."""
    address, told, log = f"127.0.0.1:{free_port()}", folder / "stalls", folder / "log"
    settings = {"LISTEN": address, "DATABASE_URL": database_url, "FRONT": front.value}
    environment = os.environ | {f"UTTERSON_{name}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "tests.budgets.watched_process", str(told)]
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=output, stderr=output)
    try:
        async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
            await _answers(channel, process, log)
            yield Watched(address, process.pid, channel, told)
    finally:
        process.terminate()
        await process.wait()


async def _answers(channel: grpc.aio.Channel, process: asyncio.subprocess.Process, log: Path) -> None:
    deadline_s = asyncio.get_running_loop().time() + START_TIMEOUT_S
    while True:
        try:
            await WorkspaceServiceStub(channel).ListWorkspaces(pb.ListWorkspacesRequest(), timeout=2)
        except grpc.aio.AioRpcError:
            assert process.returncode is None, log.read_text()[-2000:]
            assert asyncio.get_running_loop().time() < deadline_s, "the server does not answer"
            await asyncio.sleep(0.1)
        else:
            return
