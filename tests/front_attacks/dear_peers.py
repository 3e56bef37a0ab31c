"""Peers that send little that is much work, or hold what others need and do nothing with it."""

import asyncio
import itertools
import zlib
from typing import Final

from tests.front_attacks.frames import (
    END_HEADERS,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    SETTINGS,
    call,
    call_headers,
    data,
    frame,
    greeting,
    message,
)
from tests.front_attacks.peers import (
    IDENTIFY,
    STREAM_RESOLVE,
    STREAMS,
    Attack,
    again,
    drained,
    flood,
    held,
)

HEALTH_CHECK: Final = "/grpc.health.v1.Health/Check"
HEALTH_WATCH: Final = "/grpc.health.v1.Health/Watch"
_PACKED: Final = ("grpc-encoding", "gzip")
_MEGABYTE: Final = 1024 * 1024
# Connections that a server takes.
_CONNECTIONS: Final = 4096


def nothing(first: bytes, megabytes: int) -> bytes:
    """Write a compressed message of some bytes, and then of blocks that hold nothing."""
    stored = b"\0" + len(first).to_bytes(2, "little") + (0xFFFF - len(first)).to_bytes(2, "little") + first
    # Four blocks of ten bits each: not the last, the usual code, its end.
    empty = b"\x02\x08\x20\x80\x00" * (megabytes * _MEGABYTE // 5)
    return message(b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + stored + empty, compressed=True)


async def unpacked_to_nothing(host: str, port: int) -> None:
    """Compressed messages of megabytes that hold nothing."""
    bomb = nothing(b"", 4)
    await flood(host, port, 4, greeting(), lambda number: call(2 * number + 1, IDENTIFY, bomb, _PACKED))


async def unpacked_to_little(host: str, port: int) -> None:
    """The same behind something, which the thread that unpacks has to take."""
    bomb = nothing(bytes(60_000), 4)
    paths = (IDENTIFY, STREAM_RESOLVE)
    await flood(host, port, 4, greeting(), lambda number: call(2 * number + 1, paths[number % 2], bomb, _PACKED))


async def compressed_streams(host: str, port: int) -> None:
    """Many streams at once, each with a message of megabytes in kilobytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    content = bytes(24 * _MEGABYTE)
    bomb = message(packer.compress(content) + packer.flush(), compressed=True)
    sent = b"".join(call(2 * number + 1, STREAM_RESOLVE, bomb, _PACKED, end=False) for number in range(50))
    await held(host, port, 4, greeting() + sent, b"")


async def half_messages(host: str, port: int) -> None:
    """Hold all memory by parts of messages, which never come to their end."""
    announced = b"\0" + (31 * _MEGABYTE).to_bytes(4)
    streams = itertools.count(1, 2)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reading = asyncio.create_task(drained(reader))
        try:
            writer.write(greeting())
            # As much as is left goes to whoever asks for little.
            for part_bytes in (400_000, 60_000, 8_000, 1_000, 100):
                for _ in range(60):
                    part = announced + bytes(part_bytes)
                    writer.write(call(next(streams), STREAM_RESOLVE, part, ("grpc-timeout", "99999999H"), end=False))
                    await writer.drain()
                    await asyncio.sleep(0.002)
            await reading
        finally:
            reading.cancel()

    await again(host, port, 24, talk)


async def half_questions_about_health(host: str, port: int) -> None:
    """Ask about health in megabytes, and never to the end."""
    part = b"\0" + (4 * _MEGABYTE - 1).to_bytes(4) + bytes(3_900_000)
    await flood(host, port, 4, greeting(), lambda number: call(2 * number + 1, HEALTH_CHECK, part, end=False))


async def moved_windows(host: str, port: int) -> None:
    """Set the windows of a thousand streams anew, without end."""
    opened = b"".join(
        frame(HEADERS, END_HEADERS, 2 * number + 1, call_headers(STREAM_RESOLVE)) for number in range(STREAMS - 10)
    )
    windows = b"".join(
        frame(SETTINGS, 0, 0, INITIAL_WINDOW_SIZE.to_bytes(2) + (1000 + number % 2).to_bytes(4))
        for number in range(500)
    )
    await flood(host, port, 4, greeting() + opened, lambda _: windows)


async def busy_connections(host: str, port: int) -> None:
    """More connections than the server takes, each with a call that never ends."""
    watching = greeting() + call(1, HEALTH_WATCH, message(b""))
    streaming = greeting() + frame(HEADERS, END_HEADERS, 1, call_headers(STREAM_RESOLVE)) + data(1, b"", end=False)
    half = _CONNECTIONS // 2 + 100
    await asyncio.gather(held(host, port, half, watching, b""), held(host, port, half, streaming, b""))


DEAR_ATTACKS: Final[dict[str, Attack]] = {
    attack.__name__: attack
    for attack in (
        unpacked_to_nothing,
        unpacked_to_little,
        compressed_streams,
        half_messages,
        half_questions_about_health,
        moved_windows,
        busy_connections,
    )
}
