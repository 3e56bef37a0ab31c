"""Cuts what is imported into the pieces of calls, at places that the content chooses.

A line that is added, taken out or changed moves only the borders beside it: of a file that is given again, changed, all
other pieces are known to the server by their request ids.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from utterson.cli.importing.records import Record

# A call holds at most 256 MiB; a line is about as long as its message.
PIECE_BYTES_MAX: Final = 64 * 1024 * 1024
# Pieces of fewer profiles are cut by count alone.
_CHOSEN_FROM: Final = 100


@dataclass(slots=True)
class Piece:
    """The records of one call.

    Args:
        records: what can be sent, in order.
        faulty: what cannot be, in order.
        bytes_read: how far into the files the piece reaches, as they lie on the disk.
        left_out: how many records become nothing, and are at no fault.
    """

    records: list[Record] = field(default_factory=list)
    faulty: list[Record] = field(default_factory=list)
    bytes_read: int = 0
    left_out: int = 0

    @property
    def first(self) -> Record:
        """The first record, faulty or not."""
        both = self.records[:1] + self.faulty[:1]
        return min(both, key=lambda record: record.line)


def request_id(records: Iterable[Record]) -> str:
    """Make the request id of a call: by its content alone."""
    content = hashlib.sha256()
    for record in records:
        content.update(record.digested)
        content.update(b"\n")
    return f"import-{content.hexdigest()[:40]}"


def identifier_count(records: Iterable[Record]) -> int:
    """Count the identifiers of profiles."""
    return sum(record.identifiers for record in records)


def pieces(records: Iterable[Record], position: Callable[[], int], profiles_max: int) -> Iterator[Piece]:
    """Cut records into pieces.

    Args:
        records: in order.
        position: tells how many bytes were read so far.
        profiles_max: the most records of a piece.
    """
    piece, count, size_bytes = Piece(), 0, 0
    chosen = profiles_max >= _CHOSEN_FROM
    count_min, one_in = (profiles_max // 4, profiles_max // 2) if chosen else (profiles_max, 1)
    file = None
    for record in records:
        length = len(record.digested) or 64
        is_full = count == profiles_max or size_bytes + length > PIECE_BYTES_MAX or record.file != file
        file = record.file
        if count and is_full:
            piece.bytes_read = position()
            yield piece
            piece, count, size_bytes = Piece(), 0, 0
        count += 1
        size_bytes += length
        if record.is_faulty:
            piece.faulty.append(record)
        elif record.is_sent:
            piece.records.append(record)
        else:
            piece.left_out += 1
        if chosen and count >= count_min and record.digested and zlib.crc32(record.digested) % one_in == 0:
            piece.bytes_read = position()
            yield piece
            piece, count, size_bytes = Piece(), 0, 0
    if count:
        piece.bytes_read = position()
        yield piece
