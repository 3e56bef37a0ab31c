"""In what the front differs from gRPC's own server: the list of docs/front.md, each entry asked of both.

What stands in neither list is the same both ways, which the other suites of this folder check.
"""

import gzip
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.front_attacks.frames import END_HEADERS, HEADERS, block, data, frame, greeting, message
from tests.server.conftest import Running
from tests.server.raw_call import DEFAULT, Told, raw_bytes, raw_call
from utterson.settings.listening import FrontChoice

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "front.md"
EMPTY: Final = message(b"")
IDENTIFY: Final = DEFAULT[":path"]


@dataclass(frozen=True)
class Asked:
    """A request that the two answer differently, by the name that it has in the document."""

    name: str
    front: str
    grpc: str
    body: bytes = EMPTY
    headers: dict[str, str | None] = field(default_factory=dict)


DIFFERENT: Final = (
    Asked("a request that is no POST", "http 405", "reset 2", b"", {":method": "GET"}),
    Asked("a tunnel", "http 405", "grpc 13", b"", {":method": "CONNECT", ":scheme": None, ":path": None}),
    Asked("another content type", "http 415", "grpc 0", headers={"content-type": "application/json"}),
    Asked("no content type", "http 415", "grpc 0", headers={"content-type": None}),
    Asked("no `te: trailers`", "grpc 0", "reset 2", headers={"te": None}),
    Asked("no `:authority`", "grpc 0", "reset 2", headers={":authority": None}),
    Asked("several names in `:authority`", "reset 1", "grpc 0", headers={":authority": "10.0.0.1:1,10.0.0.2:1"}),
    Asked("a compression that there is not", "grpc 12", "grpc 13", headers={"grpc-encoding": "snappy"}),
    Asked("a compressed flag that there is not", "grpc 13", "grpc 0", b"\x07" + EMPTY[1:]),
    Asked("a deadline that is none", "grpc 0", "grpc 13", headers={"grpc-timeout": "soon"}),
)
SAME: Final = (
    Asked("plain", "grpc 0", "grpc 0"),
    Asked("no message", "grpc 3", "grpc 3", b""),
    Asked("half a message", "grpc 3", "grpc 3", EMPTY[:3]),
    Asked("gzip", "grpc 0", "grpc 0", message(gzip.compress(b""), compressed=True), {"grpc-encoding": "gzip"}),
    Asked("deflate", "grpc 0", "grpc 0", message(zlib.compress(b""), compressed=True), {"grpc-encoding": "deflate"}),
    Asked("announced gzip", "grpc 0", "grpc 0", headers={"grpc-encoding": "gzip"}),
    Asked("no gzip at all", "grpc 13", "grpc 13", message(b"no", compressed=True), {"grpc-encoding": "gzip"}),
    Asked("a flag without an encoding", "grpc 13", "grpc 13", message(b"", compressed=True)),
    Asked("two messages", "grpc 0", "grpc 0", EMPTY + EMPTY),
    Asked("a message too large", "grpc 8", "grpc 8", b"\0\x7f\xff\xff\xff"),
    Asked("an unknown method", "grpc 12", "grpc 12", headers={":path": f"{IDENTIFY}s"}),
    Asked("an unknown service", "grpc 12", "grpc 12", headers={":path": "/nobodys.Service/Identify"}),
    Asked("a query", "grpc 12", "grpc 12", headers={":path": f"{IDENTIFY}?query"}),
    Asked("a format of its own", "grpc 0", "grpc 0", headers={"content-type": "application/grpc+json"}),
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.server.raw_call.TIMEOUT_S", 1.5)


@pytest.mark.parametrize("asked", [*DIFFERENT, *SAME], ids=lambda asked: asked.name.replace(" ", "-"))
async def test_what_each_answers(running: Running, front: FrontChoice, asked: Asked) -> None:
    told = await raw_call(running.address, asked.body, asked.headers)
    assert told.code == (asked.front if front is FrontChoice.ON else asked.grpc), told


async def test_headers_beyond_the_bound(running: Running, front: FrontChoice) -> None:
    told = await _with_headers(running, 20)
    assert told.code == "grpc 0"
    told = await _with_headers(running, 120)
    assert told.code == ("http 431" if front is FrontChoice.ON else "grpc 0")


async def test_request_ids_of_refusals_that_no_use_case_made(running: Running, front: FrontChoice) -> None:
    told = await raw_call(running.address, b"\0\x7f\xff\xff\xff")
    assert ("x-request-id" in told.headers) == (front is FrontChoice.ON)


async def test_what_else_an_answer_brings(running: Running, front: FrontChoice) -> None:
    told = await raw_call(running.address, EMPTY)
    more = {"grpc-accept-encoding", "grpc-message"} if front is FrontChoice.OFF else set()
    assert set(told.headers) == {":status", "content-type", "grpc-status"} | more


def test_the_document_lists_each() -> None:
    listed = DOCUMENT.read_text()
    rows = [line for line in listed.splitlines() if line.startswith("| ")]
    for asked in DIFFERENT:
        [row] = [row for row in rows if row.startswith(f"| {asked.name} |")]
        assert row == f"| {asked.name} | {_words(asked.front)} | {_words(asked.grpc)} |"


def _words(code: str) -> str:
    """Tell a code as the document does."""
    kind, _, number = code.partition(" ")
    return {"grpc": "status", "http": "HTTP", "reset": "RST_STREAM"}[kind] + f" {number}"


async def _with_headers(running: Running, count: int) -> Told:
    headers = block(*DEFAULT.items(), *((f"x-{number}", "y" * 100) for number in range(count)))
    assert len(headers) <= 16384, "one frame holds them"
    return await raw_bytes(running.address, greeting() + frame(HEADERS, END_HEADERS, 1, headers) + data(1, EMPTY))
