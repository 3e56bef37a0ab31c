"""Clients of other makers: by grpc-go (tests/clients_go) and by grpc-js (tests/clients_js), against the front.

Each needs its tools and what it is made of: `go mod download` in the one folder, `npm ci` in the other. What is not
there is skipped.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from tests.listeners import listener
from tests.server.conftest import RECEIVE_BYTES_MAX
from tests.server.fakes import FakeImports, FakeProfiles, FakeWorkspaces, Script
from tests.server.test_front import EchoIdentity
from utterson.application.lane.receiver import Receiver
from utterson.domain.calls import CallKind
from utterson.domain.errors import Reason, UttersonError
from utterson.engine.core_engine import CoreEngine
from utterson.server.front.listener import Listener, ServerBehind
from utterson.server.rpc.server import build_server
from utterson.settings.listening import FrontChoice

TESTS: Final = Path(__file__).parents[1]
BUILD_TIMEOUT_S: Final = 300
RUN_TIMEOUT_S: Final = 60
# Two pings of a client take half a minute.
LONG: Final = "UTTERSON_LONG_TESTS"


class RefusingIdentity(EchoIdentity):
    """Echoes, and refuses when it is asked to."""

    def begin(self, kind: CallKind, request: bytes, receiver: Receiver) -> bytes | None:
        """Answer or refuse."""
        if request == b"refuse":
            raise UttersonError(Reason.WORKSPACE_NOT_FOUND, "there is no such workspace")
        return super().begin(kind, request, receiver)


@pytest.fixture
async def front() -> AsyncIterator[Listener]:
    script = Script()
    identity = RefusingIdentity(script)

    def grpc_server(listen: str) -> ServerBehind:
        rest = FakeImports(script), FakeWorkspaces(script), FakeProfiles(script)
        return build_server(
            identity,
            *rest,
            bounds=CoreEngine(),
            listen=listen,
            receive_bytes_max=RECEIVE_BYTES_MAX,
            reflection=False,
        )

    started = listener(FrontChoice.ON, grpc_server, identity, receive_bytes_max=RECEIVE_BYTES_MAX)
    await started.start()
    yield started
    await started.stop(0)


@pytest.fixture(scope="module")
def grpc_go(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Build the client by grpc-go."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("go is not installed")
    program = tmp_path_factory.mktemp("clients") / "client"
    # Nothing is fetched by a test.
    environment = os.environ | {"GOFLAGS": "-mod=readonly", "GOPROXY": "off"}
    command = [go, "build", "-o", os.fspath(program), "."]
    built = subprocess.run(
        command, cwd=TESTS / "clients_go", env=environment, capture_output=True, timeout=BUILD_TIMEOUT_S, check=False
    )
    if built.returncode != 0:
        pytest.skip(f"the client by grpc-go cannot be built: {built.stderr.decode()[-300:]}")
    return [os.fspath(program)]


@pytest.fixture(scope="module")
def grpc_js() -> list[str]:
    """Find the client by grpc-js."""
    node = shutil.which("node")
    if node is None or not (TESTS / "clients_js" / "node_modules").is_dir():
        pytest.skip("node or the modules of tests/clients_js are not installed")
    return [node, os.fspath(TESTS / "clients_js" / "main.js")]


@pytest.fixture(params=["grpc_go", "grpc_js"])
def client(request: pytest.FixtureRequest) -> list[str]:
    """Both clients."""
    command: list[str] = request.getfixturevalue(request.param)
    return command


async def _started(client: list[str], front: Listener, what: str) -> asyncio.subprocess.Process:
    address = f"127.0.0.1:{front.port}"
    return await asyncio.create_subprocess_exec(*client, address, what, stdout=asyncio.subprocess.PIPE)


async def _lines(client: list[str], front: Listener, what: str) -> dict[str, str]:
    process = await _started(client, front, what)
    told, _ = await asyncio.wait_for(process.communicate(), RUN_TIMEOUT_S)
    assert process.returncode == 0
    return {name: rest for name, _, rest in (line.partition(": ") for line in told.decode().splitlines())}


def _plain(told: str) -> str:
    """Write codes in one way: the makers spell them differently."""
    return told.lower().replace("_", "")


async def test_each_step(front: Listener, client: list[str]) -> None:
    told = await _lines(client, front, "steps")
    assert {name: _plain(line).split()[-1] for name, line in told.items() if name != "stream"} == {
        "unary": "ok",
        "refusal": "notfound",
        "request id": "ok",
        "deadline": "deadlineexceeded",
        "cancelled": "canceled" if "Canceled" in told["cancelled"] else "cancelled",
        "gzip": "ok",
        "too large": "resourceexhausted",
    }
    assert told["unary"].startswith("ok ")
    assert told["refusal"].startswith("WORKSPACE_NOT_FOUND ")
    assert "mine" in told["request id"]
    assert told["gzip"].startswith("true ")
    assert told["stream"].startswith("3")


async def test_a_drain_loses_no_call_that_cannot_be_tried_again(front: Listener, client: list[str]) -> None:
    process = await _started(client, front, "drain")
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), RUN_TIMEOUT_S)
    await front.stop(5)
    told, _ = await asyncio.wait_for(process.communicate(), RUN_TIMEOUT_S)
    last = told.decode().splitlines()[-1]
    assert last in {"drain: map[Unavailable:8]", 'drain: {"UNAVAILABLE":8}'}, last


@pytest.mark.skipif(LONG not in os.environ, reason=f"half a minute; set {LONG}=1")
async def test_pings_are_not_punished(front: Listener, client: list[str]) -> None:
    told = await _lines(client, front, "alive")
    assert _plain(told["alive"]).split()[-2:] == ["ok", "ok"]
