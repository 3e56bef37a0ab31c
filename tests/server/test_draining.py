"""A server that stops: what its callers have not sent is not waited for, and everybody is told why."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from tests.server.conftest import Running
from tests.server.statuses import DETAILS_KEY
from utterson.v1.identity_service_pb2 import StreamResolveRequest
from utterson.v1.workspace_service_pb2 import ImportProfilesRequest

GRACE_S = 20.0
# Well below the grace, with room for a busy machine.
SOON_S = 6.0
IDENTIFY = "/utterson.v1.IdentityService/Identify"


async def _then_silence(*messages: bytes) -> AsyncIterator[bytes]:
    for message in messages:
        yield message
    await asyncio.sleep(60)


async def _told(call: Any) -> grpc.aio.AioRpcError:
    """Read a call to its end, and give the refusal in which it ends."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _read(call)
    return caught.value


async def _read(call: Any) -> None:
    if hasattr(call, "read"):
        while await call.read() is not grpc.aio.EOF:
            pass
    else:
        await call


def _idle(running: Running, which: str) -> Any:
    """Begin a call whose caller then says nothing more."""
    channel: Any = running.channel
    match which:
        case "stream":
            message = StreamResolveRequest(sequence=1).SerializeToString()
            return running.stream("IdentityService/StreamResolve", _then_silence(message), timeout_s=60)
        case "compressed stream":
            opened = channel.stream_stream("/utterson.v1.IdentityService/StreamResolve")
            return opened(_then_silence(), timeout=60, compression=grpc.Compression.Gzip)
        case "import":
            message = ImportProfilesRequest(workspace="soho").SerializeToString()
            return channel.stream_unary("/utterson.v1.WorkspaceService/ImportProfiles")(
                _then_silence(message), timeout=60
            )
        case "reflection":
            path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
            return channel.stream_stream(path)(_then_silence(), timeout=60)
        case "health":
            return channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=60)
        case _:
            # A unary call whose message does not come.
            path = IDENTIFY if which == "taken" else "/utterson.v1.WorkspaceService/GetWorkspace"
            return channel.stream_unary(path)(_then_silence(), timeout=60)


@pytest.mark.parametrize(
    "which", ["stream", "compressed stream", "import", "reflection", "health", "taken", "passed through"]
)
async def test_whoever_says_nothing_does_not_hold_up_the_end(running: Running, which: str) -> None:
    told = asyncio.create_task(_told(_idle(running, which)))
    await asyncio.sleep(0.3)
    assert not told.done()
    async with asyncio.timeout(SOON_S):
        await running.handle.stop(GRACE_S)
        refusal = await told
    assert refusal.code() is grpc.StatusCode.UNAVAILABLE, refusal
    if which not in {"reflection", "health"}:
        assert b"SHUTTING_DOWN" in dict(refusal.trailing_metadata() or ())[DETAILS_KEY]


async def test_calls_that_are_under_way_are_answered(running: Running) -> None:
    waiting = asyncio.Event()
    running.script.before = waiting.wait
    running.identity.answer = b"answered"
    calls = [asyncio.create_task(running.call("IdentityService/Identify", b"")) for _ in range(20)]
    passed = asyncio.create_task(running.call("WorkspaceService/GetWorkspace", b"\x0a\x04soho"))
    while len(running.script.asked) < 21:
        await asyncio.sleep(0.01)
    stopping = asyncio.create_task(running.handle.stop(GRACE_S))
    await asyncio.sleep(1.5)
    assert not stopping.done()
    waiting.set()
    async with asyncio.timeout(SOON_S):
        assert await asyncio.gather(*calls) == [b"answered"] * 20
        assert b"soho" in await passed
        await stopping
