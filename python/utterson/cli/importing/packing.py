"""Files as they lie on the disk, and what is in them: unpacked, in UTF-8, line by line."""

import codecs
import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, Final, cast

from utterson.cli.importing.records import ImportFileError, LineError

# A longer line is none of this format.
LINE_BYTES_MAX: Final = 64 * 1024 * 1024
CHUNK_BYTES: Final = 1 << 20

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# What begins so is none of these files.
_OTHERS: Final = {
    b"PK\x03\x04": "is a zip archive or a workbook: unpack it, or save its table as CSV",
    codecs.BOM_UTF32_LE: "is UTF-32: save it as UTF-8",
    codecs.BOM_UTF32_BE: "is UTF-32: save it as UTF-8",
}

DAMAGED: Final = "the packed file is damaged or cut off here: fetch it anew"
TOO_LONG: Final = f"is longer than {LINE_BYTES_MAX >> 20} MiB: write one record a line"
NOT_UTF_16: Final = "is not UTF-16, though the file begins so: save it as UTF-8"


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that is being read.

    Args:
        path: where it is.
        position: how many of its bytes were read, as they lie on the disk.
        lines: its lines, each with its end, in UTF-8; raises LineError where no more can be read.
        packed: it is packed.
    """

    path: Path
    position: Callable[[], int]
    lines: Iterator[bytes]
    packed: bool


def zstd_module() -> ModuleType:
    """Give what reads zstd: part of Python from 3.14 on, an extra before; ImportFileError where there is neither."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name)
        except ModuleNotFoundError:
            continue
    raise ImportFileError("the file is packed by zstd: install utterson[import], or unpack it first")


def _unpacked(raw: BinaryIO, magic: bytes) -> tuple[BinaryIO, tuple[type[Exception], ...]]:
    """Give what is in a file, and what reading it may raise where it is damaged."""
    if magic.startswith(_GZIP):
        return cast("BinaryIO", gzip.GzipFile(fileobj=raw)), (OSError, EOFError, zlib.error)
    if magic == _ZSTD:
        zstd = zstd_module()
        return cast("BinaryIO", zstd.ZstdFile(raw)), (OSError, EOFError, zstd.ZstdError)
    return raw, (OSError,)


@contextmanager
def opened(path: Path) -> Iterator[OpenFile]:
    """Open a file of lines, packed by gzip, by zstd or not, in UTF-8 or in UTF-16 with its mark.

    Raises:
        ImportFileError: it cannot be opened.
    """
    try:
        raw = path.open("rb")
    except OSError as error:
        raise ImportFileError(f"{path}: {error.strerror}") from None
    with raw:
        magic = raw.read(4)
        raw.seek(0)
        for begin, told in _OTHERS.items():
            if magic.startswith(begin):
                raise ImportFileError(f"{path}: {told}")
        source, damages = _unpacked(raw, magic)
        lines = _lines(source, damages)
        yield OpenFile(path, raw.tell, lines, source is not raw)


def _lines(source: BinaryIO, damages: tuple[type[Exception], ...]) -> Iterator[bytes]:
    try:
        first = source.readline(LINE_BYTES_MAX + 1)
        if first.startswith(_UTF_16):
            yield from _recoded(source)
            return
        line = first.removeprefix(codecs.BOM_UTF8)
        while line:
            if len(line) > LINE_BYTES_MAX:
                raise LineError(TOO_LONG)
            yield line
            line = source.readline(LINE_BYTES_MAX + 1)
    except damages:
        raise LineError(DAMAGED) from None


def _recoded(source: BinaryIO) -> Iterator[bytes]:
    source.seek(0)
    text = TextIOWrapper(source, encoding="utf-16", errors="strict", newline="")
    try:
        while line := text.readline(LINE_BYTES_MAX):
            yield line.encode("utf-8", "surrogatepass")
    except UnicodeError:
        raise LineError(NOT_UTF_16) from None
    finally:
        text.detach()


def require_whole(path: Path) -> None:
    """Unpack a packed file to its end: what is damaged may hold wrong values before the place where that shows.

    Raises:
        ImportFileError: it is damaged, or cannot be opened; the line is named.
    """
    with opened(path) as file:
        if not file.packed:
            return
        line = 0
        try:
            for line, _ in enumerate(file.lines, 1):  # noqa: B007 - told below
                pass
        except LineError as error:
            raise ImportFileError(f"{path}, line {line + 1}: {error.finding.told()}. Nothing is taken over") from None
