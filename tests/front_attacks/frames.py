"""HTTP/2 byte by byte, for peers that hold to nothing."""

from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA: Final = 0
HEADERS: Final = 1
RST_STREAM: Final = 3
SETTINGS: Final = 4
PING: Final = 6
WINDOW_UPDATE: Final = 8
CONTINUATION: Final = 9

END_STREAM: Final = 1
END_HEADERS: Final = 4
ACK: Final = 1

INITIAL_WINDOW_SIZE: Final = 4
WINDOW_BYTES_MAX: Final = 2**31 - 1
# The longest text whose length fits into one byte of HPACK.
_SHORT: Final = 126


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Write one frame."""
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


def block(*headers: tuple[str, str]) -> bytes:
    """Write a header block without the tables of HPACK; texts are short."""
    written = bytearray()
    for header in headers:
        written.append(0)
        for text in header:
            assert len(text) <= _SHORT, "no long texts"
            written.append(len(text))
            written += text.encode()
    return bytes(written)


def call_headers(path: str, *more: tuple[str, str]) -> bytes:
    """Write the headers of a gRPC call."""
    return block(
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "attack"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        *more,
    )


def greeting(window_bytes: int | None = None) -> bytes:
    """Write how a connection begins, with the window of its streams if it is not the usual one."""
    setting = b"" if window_bytes is None else INITIAL_WINDOW_SIZE.to_bytes(2) + window_bytes.to_bytes(4)
    return PREFACE + frame(SETTINGS, 0, 0, setting)


def message(content: bytes, *, compressed: bool = False) -> bytes:
    """Write a gRPC message with its header."""
    return bytes((compressed,)) + len(content).to_bytes(4) + content


def data(stream: int, content: bytes, *, end: bool = True) -> bytes:
    """Write content as frames of at most 16 KiB."""
    pieces = [content[start : start + 16384] for start in range(0, len(content), 16384)] or [b""]
    last = len(pieces) - 1
    return b"".join(
        frame(DATA, END_STREAM if end and place == last else 0, stream, piece) for place, piece in enumerate(pieces)
    )


def call(stream: int, path: str, content: bytes, *more: tuple[str, str], end: bool = True) -> bytes:
    """Write a whole unary call."""
    return frame(HEADERS, END_HEADERS, stream, call_headers(path, *more)) + data(stream, content, end=end)
