"""Memory that stays with a virtual machine while a run lasts.

A guest may tell its host which blocks of 2 MiB are free (Linux calls it page reporting); the host takes them, and who
touches such memory next waits for the host: 12 µs for a page of 4 KiB instead of 2 on the machine of our figures. Every
new page of a database, of its cache and of its log is such memory. A row cost twice as much once the pages that the
guest had kept were used up, in the middle of a cell, and which cell it was depended on what had run before.
"""

import mmap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from utterson.settings.machine import machine_bytes

GIB = 1 << 30
PAGE_BYTES = 4096
BLOCK_BYTES = 2 << 20
# For the system, and for huge pages: a block with a page in use cannot become one, and an index lies in them.
LEFT_BYTES = 8 * GIB


@dataclass(frozen=True)
class Held:
    """What was touched, and how long a page took in the fastest and in the slowest GiB."""

    bytes: int
    fastest_us_a_page: float
    slowest_us_a_page: float

    def __str__(self) -> str:
        pages = f"{self.fastest_us_a_page:.1f} to {self.slowest_us_a_page:.1f} µs a page"
        return f"{self.bytes / GIB:.1f} GiB of memory held for the run, touched at {pages}"


@contextmanager
def held_memory(bytes_max: int) -> Iterator[Held]:
    """Touch free memory and give it back to the system, but for one page of each block: a block with a page in use is
    never told to the host, so whatever uses the others later finds them backed.

    Args:
        bytes_max: the most to touch; less where less is available.
    """
    size = min(bytes_max, _available_bytes() - LEFT_BYTES) // BLOCK_BYTES * BLOCK_BYTES
    if size <= 0:
        yield Held(0, 0.0, 0.0)
        return
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory.madvise(mmap.MADV_NOHUGEPAGE)  # one page of a huge one would be all of it
        times_us = [_touch(memory, begin, min(begin + GIB, size)) for begin in range(0, size, GIB)]
        for begin in range(0, size, BLOCK_BYTES):
            memory.madvise(mmap.MADV_DONTNEED, begin + PAGE_BYTES, BLOCK_BYTES - PAGE_BYTES)
        yield Held(size, min(times_us), max(times_us))


def _touch(memory: mmap.mmap, begin: int, end: int) -> float:
    """Write to every page of a range; tell µs a page."""
    pages = (end - begin) // PAGE_BYTES
    started = time.perf_counter()
    memory[begin:end:PAGE_BYTES] = b"\1" * pages
    return 1e6 * (time.perf_counter() - started) / pages


def _available_bytes() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return min(int(value.split()[0]) * 1024, machine_bytes())
    return 0
