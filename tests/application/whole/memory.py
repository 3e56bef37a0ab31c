"""Breaks bits of the core's rows where they lie in this process's memory: the core has no door for that."""

import ctypes
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Bytes of a row, as `rust_core/engine/src/state/index/packed.rs` lays it out: the one that the table's tags repeat, so
# that no look-up finds the row any more, and one of the times.
TAG_AT = 7
TIMES_AT = 16
ROW_BYTES = 32

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="finds its own memory in /proc")


def flip_bit(digest: bytes, at: int) -> None:
    """Turn the lowest bit of a byte of an identifier's row over."""
    (row,) = set(_rows(digest))
    byte = ctypes.c_ubyte.from_address(row + at)
    byte.value ^= 1


def _rows(digest: bytes) -> Iterator[int]:
    """Find the rows of a digest: its lower half, a byte of type and flags, the upper half without its first byte."""
    wanted = re.compile(re.escape(digest[:7:-1]) + b"." + re.escape(digest[7:0:-1]), re.DOTALL)
    for start, end in _writable():
        try:
            memory = ctypes.string_at(start, end - start)
        except OSError:
            continue
        for found in wanted.finditer(memory):
            if (start + found.start()) % ROW_BYTES == 0:
                yield start + found.start()


def _writable() -> Iterator[tuple[int, int]]:
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, rights, *_ = line.split()
        if rights.startswith("rw"):
            start, end = (int(part, 16) for part in addresses.split("-"))
            yield start, end
