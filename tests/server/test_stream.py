"""Streams: order, one answer a message, and no reading ahead of what is asked for."""

import asyncio
from collections.abc import AsyncIterator

import grpc

from tests.server.conftest import Running
from utterson.v1.identity_service_pb2 import StreamResolveRequest, StreamResolveResponse

METHOD = "IdentityService/StreamResolve"


def message(sequence: int, size_bytes: int = 0) -> bytes:
    """Make a message of about a size."""
    return StreamResolveRequest(sequence=sequence, workspace="w" * size_bytes).SerializeToString()


async def test_order_is_kept(running: Running) -> None:
    async def numbered() -> AsyncIterator[bytes]:
        for sequence in range(200):
            yield message(sequence)

    stream = running.stream(METHOD, numbered(), timeout_s=30)
    sequences = [StreamResolveResponse.FromString(answer).sequence async for answer in stream]
    assert sequences == list(range(200))
    assert running.identity.streams_open == 0


async def test_an_answer_comes_before_the_next_message_is_sent(running: Running) -> None:
    stream = running.stream(METHOD, timeout_s=10)
    for sequence in range(3):
        await stream.write(message(sequence))
        assert StreamResolveResponse.FromString(await stream.read()).sequence == sequence
    await stream.done_writing()
    assert await stream.read() is grpc.aio.EOF


async def test_a_slow_use_case_slows_the_sender(running: Running) -> None:
    gate = asyncio.Event()
    running.script.before = gate.wait
    sent = 0

    async def many() -> AsyncIterator[bytes]:
        nonlocal sent
        for sequence in range(100):
            yield message(sequence, size_bytes=500_000)
            sent += 1

    stream = running.stream(METHOD, many(), timeout_s=60)
    await stream.read()
    await asyncio.sleep(0.5)
    assert sent < 60
    assert running.identity.received <= 2
    gate.set()
    answers = 0
    while await stream.read() is not grpc.aio.EOF:
        answers += 1
    assert answers == 99


async def test_a_cancelled_stream_ends_the_use_case(running: Running) -> None:
    stream = running.stream(METHOD, timeout_s=10)
    await stream.write(message(0))
    await stream.read()
    assert running.identity.streams_open == 1
    stream.cancel()
    for _ in range(100):
        if running.identity.streams_open == 0:
            break
        await asyncio.sleep(0.02)
    assert running.identity.streams_open == 0
