"""The socket between the front and the server behind: made anew where it is removed, and never of too long a name."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.cli.processes import environment
from tests.server.test_front import listening
from utterson.domain.startup import StartupError
from utterson.server.front import listener, socket_place
from utterson.server.front.socket_place import SocketPlace, socket_parent
from utterson.v1.workspace_service_pb2 import ListWorkspacesRequest

LIST = "/utterson.v1.WorkspaceService/ListWorkspaces"
OWN_CONNECTION = [("grpc.use_local_subchannel_pool", 1)]


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short folder for temporary files."""
    with tempfile.TemporaryDirectory(prefix="u", dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


async def served(address: str) -> grpc.StatusCode:
    """Make a call that is passed through, on a connection of its own."""
    # Else gRPC may go on with the connection of a channel that was closed just now.
    async with grpc.aio.insecure_channel(address, options=OWN_CONNECTION) as channel:
        call: Any = channel.unary_unary(LIST)
        try:
            await call(ListWorkspacesRequest().SerializeToString(), timeout=5)
        except grpc.aio.AioRpcError as error:
            return error.code()
    return grpc.StatusCode.OK


@pytest.mark.parametrize("removed", ["socket", "folder", "replaced"])
async def test_a_socket_that_is_removed_is_made_anew(
    removed: str, temporary: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listener, "LOOK_EVERY_S", 1.0)
    async with listening() as address:
        assert await served(address) is grpc.StatusCode.OK
        (folder,) = temporary.iterdir()
        match removed:
            case "socket":
                (folder / "grpc").unlink()
            case "folder":
                shutil.rmtree(folder)
            case _:
                (folder / "grpc").unlink()
                (folder / "grpc").touch()
        async with asyncio.timeout(5):
            # Until then it is UNAVAILABLE; a machine that is slow may see nothing of that.
            while await served(address) is not grpc.StatusCode.OK:
                await asyncio.sleep(0.05)
        assert folder.stat().st_mode & 0o777 == 0o700
        await asyncio.sleep(1.3)
        assert await served(address) is grpc.StatusCode.OK, "the server that had it before has removed it"
    assert caplog.text.count("was removed, and was made anew") == 1
    assert list(temporary.iterdir()) == []


async def test_a_call_under_way_ends_in_its_own_time(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "LOOK_EVERY_S", 0.1)
    async with listening() as address, grpc.aio.insecure_channel(address) as channel:
        call: Any = channel.stream_unary("/utterson.v1.WorkspaceService/ImportProfiles")
        under_way = call(timeout=10)
        await under_way.write(b"")
        (folder,) = temporary.iterdir()
        (folder / "grpc").unlink()
        async with asyncio.timeout(5):
            while await served(address) is not grpc.StatusCode.OK:
                await asyncio.sleep(0.05)
        await under_way.done_writing()
        code = await under_way.code()
    assert code is not grpc.StatusCode.UNAVAILABLE


def test_a_socket_of_another_is_not_the_one(tmp_path: Path) -> None:
    place = SocketPlace(tmp_path / "grpc")
    assert not place.is_taken
    name = place.name_of_next()
    name.touch()
    place.take(name)
    assert place.is_taken
    assert place.name_of_next() != name
    place.path.unlink()
    assert not place.is_taken


def test_a_long_name_of_the_folder_is_left_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    assert socket_parent() == tempfile.gettempdir()
    monkeypatch.setattr(tempfile, "tempdir", "/x" * 40)
    assert socket_parent() == "/tmp"
    monkeypatch.setattr(socket_place, "SHORT_FOLDER", "/nonexistent")
    with pytest.raises(StartupError, match="too long a name for a socket"):
        socket_parent()


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (
            "import tempfile; tempfile._candidate_tempdir_list = lambda: ['/nonexistent'];",
            "utterson: no folder for temporary files can be written to",
        ),
        (
            "from utterson.server.front import socket_place; socket_place.SHORT_FOLDER = '/nonexistent';",
            "utterson: the folder for temporary files has too long a name",
        ),
    ],
)
def test_a_server_without_a_place_says_so_in_one_sentence(
    program: str, told: str, database_url: str, tmp_path: Path
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    command = f"{program} from utterson.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", command, "serve", "--listen", "127.0.0.1:0", "--database-url", database_url],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment() | {"TMPDIR": os.fspath(long)},
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith(told)
