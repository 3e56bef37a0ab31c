"""Finds what stands twice in a file of any size, in little memory: digests go to disk by their first byte."""

import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Final, Self

DIGEST_BYTES: Final = 16
_PLACE_BYTES: Final = 8
_ROW_BYTES: Final = DIGEST_BYTES + _PLACE_BYTES
_PARTS: Final = 256
# So much of a part is held back before it is written.
_PART_BYTES: Final = 64 * 1024


class ClashFinder:
    """Takes digests, each with the place that it was seen at; tells those seen at several."""

    def __init__(self) -> None:
        self._parts = [bytearray() for _ in range(_PARTS)]
        self._files: list[IO[bytes] | None] = [None] * _PARTS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files:
            if file is not None:
                file.close()

    def add(self, digest: bytes, place: int) -> None:
        """Take a digest that was seen at a place; places only grow."""
        number = digest[0]
        part = self._parts[number]
        part += digest
        part += place.to_bytes(_PLACE_BYTES, "big")
        if len(part) >= _PART_BYTES:
            file = self._files[number]
            if file is None:
                # Unlinked already where the system can do that: nobody else reads it, and a kill leaves nothing.
                file = self._files[number] = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the exit
            file.write(part)
            part.clear()

    def clashes(self) -> Iterator[tuple[int, int]]:
        """Tell each later place of a digest, and the first one; in no order that means anything."""
        for part, file in zip(self._parts, self._files, strict=True):
            first: dict[bytes, int] = {}
            if file is not None:
                file.seek(0)
                while chunk := file.read(_ROW_BYTES * 4096):
                    yield from _clashes(chunk, first)
            yield from _clashes(bytes(part), first)


def _clashes(rows: bytes, first: dict[bytes, int]) -> Iterator[tuple[int, int]]:
    for begin in range(0, len(rows), _ROW_BYTES):
        digest = rows[begin : begin + DIGEST_BYTES]
        place = int.from_bytes(rows[begin + DIGEST_BYTES : begin + _ROW_BYTES], "big")
        seen = first.setdefault(digest, place)
        if seen != place:
            yield place, seen
