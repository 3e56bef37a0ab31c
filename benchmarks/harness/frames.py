"""The files of a workload: calls and population, as frames of encoded requests."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from struct import Struct

_CALL_HEAD = Struct("<BI")
_LENGTH = Struct("<I")
_ANSWER_HEAD = Struct("<II")


def calls(file: Path, skip: int = 0, count: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield kind (number of `utterson.v1.CallKind`, 7 for a Search) and encoded request, in order."""
    return islice(_all_calls(file), skip, None if count is None else skip + count)


def population(file: Path) -> Iterator[bytes]:
    """Yield the encoded `ImportProfilesRequest`s, in order; those of one workspace stand together."""
    with file.open("rb") as stream:
        while head := stream.read(_LENGTH.size):
            yield stream.read(_LENGTH.unpack(head)[0])


def answers(file: Path) -> Iterator[tuple[int, bool, bytes]]:
    """Yield sampled answers: index of the call, whether it is a `Resolution` (else a `Status`), the encoded message."""
    with file.open("rb") as stream:
        while head := stream.read(_ANSWER_HEAD.size):
            index, length = _ANSWER_HEAD.unpack(head)
            encoded = stream.read(length)
            yield index, stream.read(1) == b"\x01", encoded


def write_calls(file: Path, frames: Iterator[tuple[int, bytes]]) -> int:
    """Write a calls file; tell how many calls it has."""
    count = 0
    with file.open("wb") as stream:
        for kind, encoded in frames:
            stream.write(_CALL_HEAD.pack(kind, len(encoded)))
            stream.write(encoded)
            count += 1
    return count


def _all_calls(file: Path) -> Iterator[tuple[int, bytes]]:
    with file.open("rb", buffering=1 << 20) as stream:
        while head := stream.read(_CALL_HEAD.size):
            kind, length = _CALL_HEAD.unpack(head)
            yield kind, stream.read(length)
