"""More calls than there is room for: every refusal is ours, says why and when to come back."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from tests.server.conftest import Running
from tests.server.fakes import Script
from tests.server.raw_call import raw_call
from tests.server.statuses import told
from tests.server.test_front import EchoIdentity, listening
from utterson.application.lane.receiver import Receiver
from utterson.client import UttersonClient
from utterson.domain.calls import CallKind
from utterson.v1.identity_service_pb2 import BatchResolveRequest, Call, IdentifyRequest, IdentifyResponse

AT_ONCE = 5000
TURN_S = 0.01
LONG_S = 1.5


class SlowIdentity(EchoIdentity):
    """Answers everything a little later; counts how much waits at once."""

    def __init__(self) -> None:
        super().__init__(Script())
        self.waiting = 0
        self.waiting_max = 0

    def begin(self, kind: CallKind, request: bytes, receiver: Receiver) -> bytes | None:
        """Answer later."""
        del kind, request
        self.waiting += 1
        self.waiting_max = max(self.waiting_max, self.waiting)
        asyncio.get_running_loop().call_later(TURN_S, self._answer, receiver)
        return None

    def _answer(self, receiver: Receiver) -> None:
        self.waiting -= 1
        if not receiver.done():
            receiver.set_result(IdentifyResponse().SerializeToString())

    async def resolve_batch(self, request: bytes) -> bytes:
        """Answer much later."""
        del request
        await asyncio.sleep(LONG_S)
        return b""


@contextlib.asynccontextmanager
async def slow(workspace_calls_max: int) -> AsyncIterator[tuple[str, SlowIdentity]]:
    """Serve behind a front with little room."""
    identity = SlowIdentity()
    async with listening(identity, workspace_calls_max=workspace_calls_max) as address:
        yield address, identity


async def test_a_burst_by_one_connection_meets_no_bare_refusal(running: Running) -> None:
    """gRPC's core itself refuses nothing, whoever listens."""
    running.identity.answer = b"answered"
    calls = (running.call("IdentityService/Identify", b"", timeout_s=60) for _ in range(AT_ONCE))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert Counter(str(answer) for answer in answers) == {str(b"answered"): AT_ONCE}


async def test_every_refusal_says_why_and_when_to_come_back() -> None:
    request = IdentifyRequest(workspace="soho").SerializeToString()
    async with slow(50) as (address, identity), grpc.aio.insecure_channel(address) as channel:
        call: Any = channel.unary_unary("/utterson.v1.IdentityService/Identify")
        answers = await asyncio.gather(*(call(request, timeout=60) for _ in range(1000)), return_exceptions=True)
    refused = [told(answer) for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert refused
    assert identity.waiting_max <= 50
    assert {(one.code, one.reason) for one in refused} == {(grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL")}
    retries = [one.details["RetryInfo"].retry_delay.ToMilliseconds() for one in refused]
    # 50 calls take a hundredth of a second, on a machine that has nothing else to do.
    assert all(20 <= retry <= 1000 for retry in retries), Counter(retries)


async def test_our_client_waits_and_gets_through() -> None:
    async with slow(50) as (address, identity), UttersonClient(address, timeout_s=60) as client:
        await asyncio.gather(*(client.identify("soho", [("email", f"{number}")]) for number in range(1000)))
    assert identity.waiting_max <= 50


async def test_a_batch_for_which_there_is_no_room_is_one_status() -> None:
    calls = [Call(identify=IdentifyRequest()) for _ in range(1000)]
    request = BatchResolveRequest(workspace="soho", calls=calls).SerializeToString()
    async with slow(1500) as (address, _), grpc.aio.insecure_channel(address) as channel:
        batch: Any = channel.unary_unary("/utterson.v1.IdentityService/BatchResolve")
        answers = await asyncio.gather(*(batch(request, timeout=60) for _ in range(5)), return_exceptions=True)
    refused = [told(answer) for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert len(refused) == 4
    assert {one.reason for one in refused} == {"QUEUE_FULL"}


@pytest.mark.parametrize("body", [b"", b"\0\0\0"], ids=["none", "half"])
@pytest.mark.parametrize("path", ["IdentityService/Identify", "WorkspaceService/GetWorkspace"])
async def test_a_call_without_a_message_is_told_so(running: Running, path: str, body: bytes) -> None:
    answer = await raw_call(running.address, body, {":path": f"/utterson.v1.{path}"})
    assert answer.code == "grpc 3", answer
    assert running.script.asked == []
