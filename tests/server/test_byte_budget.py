"""One budget of bytes: shared fairly, kept by uploads, streams and reads, given back when a call is over."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest

from tests.listeners import listener
from tests.server.conftest import RECEIVE_BYTES_MAX
from tests.server.fakes import FakeIdentity, FakeImports, FakeProfiles, FakeWorkspaces, Script
from tests.server.statuses import Told, told
from utterson.domain.errors import Reason, UttersonError
from utterson.engine.core_engine import CoreEngine
from utterson.server.byte_budget import FLOOR_PART, SHARE_OF_LEFT, ByteBudget, Held
from utterson.server.front.listener import ServerBehind
from utterson.server.rpc import budget_layer
from utterson.server.rpc.layers import Method
from utterson.server.rpc.server import build_server
from utterson.settings.listening import FrontChoice
from utterson.v1.identity_service_pb2 import StreamResolveRequest
from utterson.v1.workspace_service_pb2 import ImportProfilesRequest

BYTES_MAX = 1024 * 1024
IMPORT = "/utterson.v1.WorkspaceService/ImportProfiles"
STREAM = "/utterson.v1.IdentityService/StreamResolve"
IDENTIFY = "/utterson.v1.IdentityService/Identify"
EVENTS = "/utterson.v1.ProfileService/ListEvents"


def test_whoever_is_greedy_leaves_room_for_whoever_comes_new() -> None:
    budget = ByteBudget(1300)
    greedy, same, other, newcomer = (budget.begin(caller) for caller in ("a", "a", "b", ""))
    for held in (greedy, same, other):
        refused = None
        while refused is None:
            refused = refusal_of_more(held)
        assert refused is Reason.QUEUE_FULL
    # Both calls of one caller have its share together.
    assert (greedy.held_bytes, same.held_bytes) == (1300 * SHARE_OF_LEFT // (SHARE_OF_LEFT + 1), 0)
    assert other.held_bytes == (1300 - greedy.held_bytes) * SHARE_OF_LEFT // (SHARE_OF_LEFT + 1)
    newcomer.add(20)
    for held in (greedy, same, other, newcomer):
        held.close()
        held.close()
    assert budget.held_bytes == 0


def refusal_of_more(held: Held) -> Reason | None:
    try:
        held.add(1)
    except UttersonError as refusal:
        return refusal.reason
    return None


def test_what_is_there_counts_even_if_it_is_too_much_but_not_after_the_end() -> None:
    budget = ByteBudget(100)
    held = budget.begin("a")
    held.add_anyway(500)
    assert budget.left_bytes == 0
    held.release(450)
    assert (held.held_bytes, budget.left_bytes) == (50, 50)
    held.close()
    held.add_anyway(500)
    assert budget.held_bytes == 0


def test_ordinary_calls_find_room_where_answers_have_taken_all() -> None:
    budget = ByteBudget(BYTES_MAX)
    budget.begin("a").add_anyway(4 * BYTES_MAX)
    other = budget.begin("b")
    other.add(BYTES_MAX // FLOOR_PART)
    assert refusal_of_more(other) is Reason.QUEUE_FULL


@asynccontextmanager
async def served(front: FrontChoice, *, upload_timeout_s: float = 30) -> AsyncIterator[grpc.aio.Channel]:
    """Serve with a small budget behind the front, or without one."""
    script = Script()
    identity = FakeIdentity(script)

    def grpc_server(listen: str) -> ServerBehind:
        return build_server(
            identity,
            FakeImports(script),
            FakeWorkspaces(script),
            FakeProfiles(script),
            bounds=CoreEngine(),
            listen=listen,
            receive_bytes_max=RECEIVE_BYTES_MAX,
            reflection=False,
            waiting_bytes_max=BYTES_MAX,
            upload_timeout_s=upload_timeout_s,
        )

    handle = listener(front, grpc_server, identity, receive_bytes_max=RECEIVE_BYTES_MAX)
    await handle.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{handle.port}") as channel:
            yield channel
    finally:
        await handle.stop(0)


def message_of(size_bytes: int) -> bytes:
    """A message of an upload."""
    return ImportProfilesRequest(workspace="soho", request_id="y" * size_bytes).SerializeToString()


async def refused(call: Any) -> Told:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return told(caught.value)


def upload(channel: grpc.aio.Channel, messages: int) -> Any:
    """Send some messages, and end the upload."""

    async def sent() -> AsyncIterator[bytes]:
        for _ in range(messages):
            yield message_of(100_000)

    opened: Any = channel.stream_unary(IMPORT)
    return opened(sent())


async def test_unfinished_uploads_hold_so_much_and_no_more(front: FrontChoice) -> None:
    async with served(front) as channel:
        held: Any = channel.stream_unary(IMPORT)()
        for _ in range(5):
            await held.write(message_of(100_000))
        await asyncio.sleep(0.2)
        status = await refused(upload(channel, 8))
        assert (status.code, status.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL")
        assert status.details["RetryInfo"].retry_delay.ToMilliseconds() > 0
        held.cancel()
        await asyncio.sleep(0.2)
        # What it held is there again.
        await upload(channel, 5)


async def test_an_upload_has_a_deadline(front: FrontChoice) -> None:
    async with served(front, upload_timeout_s=0.3) as channel:
        slow: Any = channel.stream_unary(IMPORT)()
        await slow.write(message_of(1))
        status = await refused(slow)
        assert (status.code, status.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED")
        await upload(channel, 3)


@dataclass
class Call:
    """What the layer asks of grpc's context: whose call it is, and to be told of its end."""

    caller: str
    ended: list[Callable[[object], None]] = field(default_factory=list)

    def peer(self) -> str:
        return self.caller

    def add_done_callback(self, callback: Callable[[object], None]) -> None:
        self.ended.append(callback)


async def test_answers_that_are_not_taken_are_held_until_their_calls_are_over() -> None:
    budget = ByteBudget(BYTES_MAX)
    layer = budget_layer.BudgetLayer(budget, 1)

    async def answer(request: bytes, context: object) -> bytes:
        del request, context
        return bytes(BYTES_MAX // 2)

    read = layer.around_unary(Method(EVENTS, request_streaming=False, parse=None), answer)
    write = layer.around_unary(Method(IDENTIFY, request_streaming=False, parse=None), answer)
    calls = [Call("ipv4:10.0.0.1:5"), Call("ipv4:10.0.0.1:5"), Call("unix:")]
    first, same, other = calls
    await read(b"12", first)  # type: ignore[arg-type]
    assert budget.held_bytes == BYTES_MAX // 2 + 2
    with pytest.raises(UttersonError) as caught:
        await read(b"12", same)  # type: ignore[arg-type]
    assert caught.value.reason is Reason.QUEUE_FULL
    # A write cannot be refused any more when its answer is there.
    await write(b"12", other)  # type: ignore[arg-type]
    assert budget.left_bytes == 0
    for call in calls:
        for callback in call.ended:
            callback(call)
    assert budget.held_bytes == 0


async def test_a_stream_is_read_no_further_while_its_answers_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget_layer, "STREAM_BYTES", 250)
    held = ByteBudget(BYTES_MAX).begin("a")
    flow = budget_layer._Flow(held)
    read: list[bytes] = []

    async def messages() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield bytes(100)

    async def reading() -> None:
        async for message in flow.read(messages()):
            read.append(message)  # noqa: PERF401 - looked at while it grows

    async def counted() -> int:
        await asyncio.sleep(0.01)
        return len(read)

    task = asyncio.create_task(reading())
    assert await counted() == 3
    flow.answered(120)
    assert await counted() == 3
    flow.taken(120)
    assert await counted() == 4
    while not task.done():
        flow.answered(0)
        flow.taken(0)
        await asyncio.sleep(0)
    for _ in range(10):
        flow.answered(0)
    assert (len(read), held.held_bytes) == (10, 0)


async def test_a_stream_goes_on_for_as_long_as_its_answers_are_taken() -> None:
    message = StreamResolveRequest(sequence=1, workspace="w" * 300_000).SerializeToString()
    async with served(FrontChoice.OFF) as channel:
        call: Any = channel.stream_stream(STREAM)()
        for _ in range(10):
            await call.write(message)
            assert await call.read()
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
