"""Reads the file of an import: one profile a line, cut into pieces of the size of a call."""

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, cast

from utterson.client import ImportedProfile, JsonValue

# A call holds at most 100,000 profiles and 256 MiB; a line is about as long as its message.
PIECE_BYTES_MAX: Final = 64 * 1024 * 1024

_KEYS: Final = frozenset({"identifiers", "traits", "create_time", "merges"})
_IDENTIFIER_KEYS: Final = frozenset({"type", "value"})
_GZIP_MAGIC: Final = b"\x1f\x8b"


class ImportFileError(Exception):
    """The file is not what it should be; the message names the line and says what to do."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The profiles of one call.

    Args:
        profiles: in the file's order.
        lines: the file's line of each profile, from 1.
        file_bytes: how far into the file the piece reaches, as it lies on the disk.
        request_id: made of the content: the same piece sent again is known to the server.
    """

    profiles: list[ImportedProfile]
    lines: list[int]
    file_bytes: int
    request_id: str

    @property
    def identifiers(self) -> int:
        """How many identifiers the piece holds."""
        return sum(len(profile.identifiers) for profile in self.profiles)


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open a file, packed by gzip or not.

    Yields:
        The file as it lies on the disk, for its position, and what to read lines from.

    Raises:
        ImportFileError: it cannot be opened.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.peek(2).startswith(_GZIP_MAGIC)
            yield raw, cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if packed else raw
    except (OSError, EOFError) as error:
        raise ImportFileError(f"{path}: cannot be read ({type(error).__name__})") from None


def pieces(raw: BinaryIO, source: Iterable[bytes], profiles_max: int) -> Iterator[Piece]:
    """Cut a file into pieces; empty lines are skipped.

    Args:
        raw: the file as it lies on the disk, for its position.
        source: the lines to read.
        profiles_max: the most profiles of a piece.

    Raises:
        ImportFileError: a line is no profile.
    """
    profiles: list[ImportedProfile] = []
    lines: list[int] = []
    size_bytes = 0
    content = hashlib.sha256()
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        if profiles and (len(profiles) == profiles_max or size_bytes + len(line) > PIECE_BYTES_MAX):
            yield Piece(profiles, lines, raw.tell(), _request_id(content.hexdigest()))
            profiles, lines, size_bytes, content = [], [], 0, hashlib.sha256()
        profiles.append(_profile(line, number))
        lines.append(number)
        size_bytes += len(line)
        content.update(line.strip() + b"\n")
    if profiles:
        yield Piece(profiles, lines, raw.tell(), _request_id(content.hexdigest()))


def _request_id(content: str) -> str:
    return f"import-{content[:40]}"


def _profile(line: bytes, number: int) -> ImportedProfile:
    """Read one line; faults name the key, never a value."""
    try:
        fields = json.loads(line)
    except ValueError:
        raise ImportFileError(f"line {number} is not JSON: write one profile a line") from None
    if not isinstance(fields, dict):
        raise ImportFileError(f"line {number} is no JSON object")
    unknown = [key for key in fields if key not in _KEYS]
    if unknown:
        raise ImportFileError(f"line {number} has a key that a profile has not; it has {', '.join(sorted(_KEYS))}")
    traits, merges = fields.get("traits", {}), fields.get("merges", 0)
    if not isinstance(traits, dict):
        raise ImportFileError(f"line {number}: traits must be an object")
    if not isinstance(merges, int) or isinstance(merges, bool) or not 0 <= merges < 2**31:
        raise ImportFileError(f"line {number}: merges must be a whole number from 0 to 2^31 - 1")
    return ImportedProfile(
        _identifiers(fields.get("identifiers"), number),
        cast("Mapping[str, JsonValue]", traits),
        _time(fields.get("create_time"), number),
        merges,
    )


def _identifiers(source: object, number: int) -> list[tuple[str, str]]:
    if not isinstance(source, list):
        raise ImportFileError(f"line {number}: identifiers must be a list of {{type, value}}")
    identifiers: list[tuple[str, str]] = []
    for one in source:
        if not isinstance(one, dict) or one.keys() != _IDENTIFIER_KEYS:
            raise ImportFileError(f"line {number}: each of the identifiers is an object of type and value")
        name, value = one["type"], one["value"]
        if not isinstance(name, str) or not isinstance(value, str):
            raise ImportFileError(f"line {number}: type and value of an identifier are texts; put numbers in quotes")
        identifiers.append((name, value))
    return identifiers


def _time(source: object, number: int) -> datetime | None:
    if source is None:
        return None
    try:
        time = datetime.fromisoformat(source) if isinstance(source, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ImportFileError(f"line {number}: create_time is a time with its zone, such as 2024-05-01T12:00:00Z")
    return time
