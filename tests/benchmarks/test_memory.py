"""Held memory is nearly all free again, and yet no block of it is."""

import re
from pathlib import Path

from benchmarks.harness.memory import BLOCK_BYTES, PAGE_BYTES, held_memory

SIZE = 64 * BLOCK_BYTES


def anonymous_kib() -> int:
    """Tell how much memory of its own this process has."""
    found = re.search(r"^RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    assert found
    return int(found[1])


def test_one_page_of_each_block_stays() -> None:
    before = anonymous_kib()
    with held_memory(SIZE + PAGE_BYTES) as held:
        taken = anonymous_kib() - before
    assert held.bytes == SIZE
    assert 0 < held.fastest_us_a_page <= held.slowest_us_a_page
    # 64 pages, and what Python took for other things meanwhile.
    assert 64 * PAGE_BYTES // 1024 <= taken < SIZE // 1024 // 8


def test_nothing_is_held_where_nothing_is_asked_for() -> None:
    with held_memory(0) as held:
        assert held.bytes == 0
