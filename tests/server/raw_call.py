"""One call over a bare connection: what is sent is the test's choice, what comes back is told as it came."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from hpack import Decoder

from tests.front_attacks.frames import END_HEADERS, END_STREAM, HEADERS, PING, RST_STREAM, block, data, frame, greeting

_GO_AWAY: Final = 7
_CONTINUATION: Final = 9
_HEADER_BYTES: Final = 9
# How long an answer is waited for.
TIMEOUT_S = 10.0


@dataclass
class Told:
    """What came back: headers and trailers together, the body, how the stream was reset, whether all ended."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    reset: int | None = None
    closed: bool = False

    @property
    def code(self) -> str:
        """What a caller would go by: the status of gRPC, else that of HTTP, else how it ended."""
        if "grpc-status" in self.headers:
            return f"grpc {self.headers['grpc-status']}"
        if self.reset is not None:
            return f"reset {self.reset}"
        if self.closed:
            return "closed"
        return f"http {self.headers.get(':status', '?')}"


DEFAULT: Final = {
    ":method": "POST",
    ":scheme": "http",
    ":path": "/utterson.v1.IdentityService/Identify",
    ":authority": "test",
    "content-type": "application/grpc",
    "te": "trailers",
}


async def raw_call(
    address: str, body: bytes, headers: dict[str, str | None] | None = None, *, end: bool = True
) -> Told:
    """Make a call.

    Args:
        address: where the server listens.
        body: what is sent as it is.
        headers: those that differ from a usual call; None leaves one out.
        end: whether the request is ended.
    """
    sent = {name: value for name, value in (DEFAULT | (headers or {})).items() if value is not None}
    return await raw_bytes(
        address, greeting() + frame(HEADERS, END_HEADERS, 1, block(*sent.items())) + data(1, body, end=end)
    )


async def raw_bytes(address: str, sent: bytes) -> Told:
    """Send bytes and read what is said about stream 1 until that ends."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    told = Told()
    try:
        writer.write(sent)
        async with asyncio.timeout(TIMEOUT_S):
            await _read(reader, told)
    except (asyncio.IncompleteReadError, ConnectionError):
        told.closed = True
    except TimeoutError:
        told.headers.setdefault(":status", "nothing")
    finally:
        writer.transport.abort()
    return told


async def _read(reader: asyncio.StreamReader, told: Told) -> None:
    decoder, headers = Decoder(), b""
    while True:
        header = await reader.readexactly(_HEADER_BYTES)
        kind, flags, stream = header[3], header[4], int.from_bytes(header[5:])
        payload = await reader.readexactly(int.from_bytes(header[:3]))
        if kind in {HEADERS, _CONTINUATION}:
            headers += payload
            if flags & END_HEADERS:
                told.headers |= {str(name): str(value) for name, value in decoder.decode(headers)}
                headers = b""
        elif stream == 1 and kind == 0:
            told.body += payload
        elif stream == 1 and kind == RST_STREAM:
            told.reset = int.from_bytes(payload)
            return
        elif kind in {_GO_AWAY, PING}:
            continue
        if stream == 1 and flags & END_STREAM and kind in {0, HEADERS}:
            return
