"""How fast the disk acknowledges: every durable figure depends on it, so it is printed beside them."""

import os
import statistics
import tempfile
import time
from pathlib import Path

BLOCK_BYTES = 8192
WRITES = 50


def sync_write_us(folder: Path) -> float:
    """Tell the median time of writing 8 kB and having it acknowledged by fdatasync, in microseconds."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        descriptor = file.fileno()
        os.pwrite(descriptor, bytes(BLOCK_BYTES * WRITES), 0)  # the file's length is settled beforehand
        os.fsync(descriptor)
        times_s = []
        for number in range(WRITES):
            block = os.urandom(BLOCK_BYTES)
            begin = time.perf_counter()
            os.pwrite(descriptor, block, number * BLOCK_BYTES)
            os.fdatasync(descriptor)
            times_s.append(time.perf_counter() - begin)
    return 1e6 * statistics.median(times_s)
