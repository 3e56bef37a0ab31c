"""A server as a process of its own, to be killed."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import grpc

from utterson.domain.failpoints import FailpointBehaviour, FailpointPlace
from utterson.v1 import workspace_service_pb2, workspace_service_pb2_grpc

START_TIMEOUT_S = 60.0
PROGRAM = (sys.executable, "-c", "from utterson.cli import main; main()")


def free_port() -> int:
    """Find a port that nobody uses."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class ServerProcess:
    """Started, killed and started again at one address, so that clients find it again.

    Args:
        data_dir: the data folder; servers that share it share a database.
        log_file: what it logs is appended here.
        settings: further ones, by the names of their variables without the prefix.
        options: further options of `utterson serve`.
        program: the command line of `utterson`.
    """

    def __init__(
        self,
        data_dir: Path,
        log_file: Path,
        settings: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self._settings = dict(settings or {})
        self.address = f"127.0.0.1:{free_port()}"
        self._data_dir = data_dir
        self._log_file = log_file
        self._options = options
        self._program = program
        self._process: asyncio.subprocess.Process | None = None

    async def start(
        self,
        place: FailpointPlace = FailpointPlace.NONE,
        behaviour: FailpointBehaviour = FailpointBehaviour.KILL,
        passes: int = 0,
    ) -> None:
        """Start it and wait until it answers."""
        settings = {
            "LISTEN": self.address,
            "DATA_DIR": str(self._data_dir),
            "FAILPOINT": place.value,
            "FAILPOINT_BEHAVIOUR": behaviour.value,
            "FAILPOINT_PASSES": str(passes),
            "COMMIT_TIMEOUT_MS": "3000",
            **self._settings,
        }
        environment = os.environ | {f"UTTERSON_{name}": value for name, value in settings.items()}
        with self._log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._program, "serve", *self._options, env=environment, stdout=log, stderr=log
            )
        await self._answers()

    @property
    def process_id(self) -> int:
        """The number of the process."""
        assert self._process is not None
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._process is None or self._process.returncode is not None

    async def killed_itself(self) -> bool:
        """Wait until it ends; tell whether SIGKILL ended it."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), START_TIMEOUT_S) == -signal.SIGKILL

    async def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """Let it end in order."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), 15)
            await self.kill()

    async def _answers(self) -> None:
        request = workspace_service_pb2.ListWorkspacesRequest(page_size=1)
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT_S
        while True:
            async with grpc.aio.insecure_channel(self.address) as channel:
                try:
                    await workspace_service_pb2_grpc.WorkspaceServiceStub(channel).ListWorkspaces(request, timeout=2)
                except grpc.aio.AioRpcError:
                    assert self._process is not None
                    assert self._process.returncode is None, self._log_file.read_text()[-2000:]
                    assert asyncio.get_running_loop().time() < deadline, "the server does not answer"
                else:
                    return
            await asyncio.sleep(0.05)
