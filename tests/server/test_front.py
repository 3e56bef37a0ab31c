"""The front with the event loop behind it: neighbours of a failing call, and answers while the loop stands still."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from tests.server.conftest import RECEIVE_BYTES_MAX
from tests.server.fakes import FakeIdentity, FakeImports, FakeProfiles, FakeWorkspaces, Script
from utterson.application.lane.receiver import Receiver
from utterson.domain.calls import CallKind
from utterson.engine.core_engine import CoreEngine
from utterson.engine.front import Front
from utterson.main import front_limits
from utterson.server.front.listener import FrontListener, ServerBehind
from utterson.server.listening import ListenError
from utterson.server.rpc.server import SERVICES, build_server
from utterson.settings.process import Settings
from utterson.v1.identity_service_pb2 import StreamResolveRequest, StreamResolveResponse

IDENTIFY = "/utterson.v1.IdentityService/Identify"
STALL_S = 1.5


class EchoIdentity(FakeIdentity):
    """Answers at once with what it was asked, or raises what the request names."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.kept: list[Receiver] = []

    def begin(self, kind: CallKind, request: bytes, receiver: Receiver) -> bytes | None:
        """Answer, raise, or answer later."""
        del kind
        if request in RAISED:
            raise RAISED[request]
        if request == b"later":
            asyncio.get_running_loop().call_soon(receiver.set_result, b"later")
            return None
        if request == b"later refused":
            asyncio.get_running_loop().call_soon(receiver.set_exception, MemoryError())
            return None
        if request == b"never":
            self.kept.append(receiver)
            return None
        return request


RAISED: dict[bytes, BaseException] = {
    b"exception": ValueError("a value"),
    b"exit": SystemExit(3),
    b"interrupt": KeyboardInterrupt(),
    b"cancelled": asyncio.CancelledError(),
}


@contextlib.asynccontextmanager
async def listening(
    identity: EchoIdentity | None = None, *, listen: str = "127.0.0.1:0", grace_s: float = 0, **limits: int
) -> AsyncIterator[str]:
    """Serve the echo behind a front with limits of the test's choice; gives its address."""
    script = Script()
    identity = identity or EchoIdentity(script)

    def grpc_server(place: str) -> ServerBehind:
        return build_server(
            identity,
            FakeImports(script),
            FakeWorkspaces(script),
            FakeProfiles(script),
            bounds=CoreEngine(),
            listen=place,
            receive_bytes_max=RECEIVE_BYTES_MAX,
            reflection=False,
        )

    chosen = replace(front_limits(Settings()), **limits)
    listener = FrontListener(Front, grpc_server, identity, listen=listen, services=SERVICES, limits=chosen, others=())
    await listener.start()
    try:
        yield f"127.0.0.1:{listener.port}"
    finally:
        await listener.stop(grace_s)


async def test_what_goes_wrong_with_one_call_ends_that_one_alone() -> None:
    requests = [*RAISED, b"later refused"] * 5 + [b"later"] * 20 + [b"%d" % number for number in range(200)]
    async with listening() as address, grpc.aio.insecure_channel(address) as channel:
        call: Any = channel.unary_unary(IDENTIFY)
        answers = await asyncio.gather(*(call(one, timeout=10) for one in requests), return_exceptions=True)
    for request, answer in zip(requests, answers, strict=True):
        if request in RAISED or request == b"later refused":
            assert isinstance(answer, grpc.aio.AioRpcError)
            assert answer.code() is grpc.StatusCode.INTERNAL
            assert "fault_id" in str(rpc_status.from_call(answer))
        else:
            assert answer == request


def _stalled(work: Callable[[], Any], pool: ThreadPoolExecutor) -> Any:
    """Do something in another thread while the event loop stands still."""
    future = pool.submit(work)
    time.sleep(STALL_S)
    assert future.done(), "the front waited for the loop"
    return future.result()


async def test_a_loop_that_stands_still_is_answered_for_by_the_front() -> None:
    with ThreadPoolExecutor(1) as pool:
        async with listening(queue_calls_max=8) as address:
            with grpc.insecure_channel(address) as channel:
                send: Any = channel.unary_unary(IDENTIFY)

                def flood() -> list[grpc.RpcError]:
                    calls = [send.future(b"%d" % number, timeout=1) for number in range(50)]
                    time.sleep(0.5)
                    return [call.exception() for call in calls if call.done()]

                refused = _stalled(flood, pool)
                # One connection may have three eighths of the queue: 3 calls wait, the others are refused at once.
                assert len(refused) == 47
                assert {error.code() for error in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
                status = rpc_status.from_call(refused[0])
                assert status is not None
                kinds = [detail.TypeName() for detail in status.details]
                assert kinds == ["google.rpc.ErrorInfo", "google.rpc.RetryInfo"]
                information = error_details_pb2.ErrorInfo()
                assert status.details[0].Unpack(information)
                assert information.reason == "QUEUE_FULL"
            async with grpc.aio.insecure_channel(address) as later:
                call: Any = later.unary_unary(IDENTIFY)
                assert await call(b"and on", timeout=5) == b"and on"


async def test_health_tells_of_a_loop_that_stands_still() -> None:
    with ThreadPoolExecutor(1) as pool:
        async with listening(silence_ms_max=700) as address:
            with grpc.insecure_channel(address) as channel:
                stub = health_pb2_grpc.HealthStub(channel)

                def look() -> list[int]:
                    seen = []
                    for _ in range(6):
                        seen.append(stub.Check(health_pb2.HealthCheckRequest(), timeout=1).status)
                        time.sleep(0.2)
                    return seen

                seen = _stalled(look, pool)
                serving, not_serving = (
                    health_pb2.HealthCheckResponse.SERVING,
                    health_pb2.HealthCheckResponse.NOT_SERVING,
                )
                assert seen[0] == serving
                assert seen[-1] == not_serving
                await asyncio.sleep(1)
                again = await asyncio.to_thread(stub.Check, health_pb2.HealthCheckRequest(), timeout=1)
                assert again.status == serving


async def test_of_a_call_past_its_deadline_the_loop_is_told() -> None:
    identity = EchoIdentity(Script())
    async with listening(identity) as address, grpc.aio.insecure_channel(address) as channel:
        call: Any = channel.unary_unary(IDENTIFY)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"never", timeout=0.2)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        async with asyncio.timeout(5):
            while not identity.kept[0].done():
                await asyncio.sleep(0.01)


async def test_without_a_deadline_the_outcome_is_unknown_after_a_while() -> None:
    async with listening(unary_timeout_ms=200) as address, grpc.aio.insecure_channel(address) as channel:
        call: Any = channel.unary_unary(IDENTIFY)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"never")
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "OUTCOME_UNKNOWN" in str(rpc_status.from_call(caught.value))


async def test_a_stopping_server_answers_what_it_read_of_a_stream_and_ends_it() -> None:
    sent = asyncio.Event()

    async def messages() -> AsyncIterator[bytes]:
        for sequence in range(3):
            yield StreamResolveRequest(sequence=sequence).SerializeToString()
        sent.set()
        await asyncio.sleep(60)

    async with contextlib.AsyncExitStack() as stack:
        listening_stack = await stack.enter_async_context(contextlib.AsyncExitStack())
        address = await listening_stack.enter_async_context(listening(grace_s=30))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
        open_stream: Any = channel.stream_stream("/utterson.v1.IdentityService/StreamResolve")
        stream = open_stream(messages(), timeout=20)
        answers = [StreamResolveResponse.FromString(await stream.read()).sequence for _ in range(3)]
        await sent.wait()
        async with asyncio.timeout(5):
            await listening_stack.aclose()
        assert answers == [0, 1, 2]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream.read()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "SHUTTING_DOWN" in str(rpc_status.from_call(caught.value))


async def test_the_id_of_a_refused_call_stays_with_that_call() -> None:
    async with listening() as address, grpc.aio.insecure_channel(address) as channel:
        identify: Any = channel.unary_unary(IDENTIFY)
        batch: Any = channel.unary_unary("/utterson.v1.IdentityService/BatchResolve")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await identify(b"exception", timeout=5)
        assert "x-request-id" in dict(caught.value.trailing_metadata() or ())
        answered = batch(b"", timeout=5)
        await answered
        assert "x-request-id" not in dict(await answered.trailing_metadata())


async def test_a_server_that_cannot_listen_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    async with listening() as address:
        with pytest.raises(ListenError):
            async with listening(listen=address):
                pass
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
