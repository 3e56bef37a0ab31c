"""How much of the machine our Postgres may take: its cache by the memory, its log by the disk."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from utterson.settings.machine import machine_bytes

_MIB = 1024 * 1024
_CACHE_MIB_MIN, _CACHE_MIB_MAX = 128, 4 * 1024
_LOG_MIB_MIN, _LOG_MIB_MAX = 1024, 8 * 1024


@dataclass(frozen=True, slots=True)
class Sizes:
    """Postgres' `shared_buffers` and `max_wal_size`, in MiB."""

    cache_mib: int
    log_mib: int


def sizes_for(memory_bytes: int, disk_bytes: int) -> Sizes:
    """Choose sizes: a quarter of the memory, a twentieth of the disk.

    The cache is to hold the keys of all identifiers: 50 to 60 bytes each. Pages that a commit finds only on disk cost
    it more than everything else. Of a cache that is never filled only the directory is taken: 24 MiB for each GiB, and
    a moment at the start. A longer log means fewer checkpoints, and after each of them every page is logged whole when
    it is first changed; it also means a longer recovery after a crash.
    """
    return Sizes(
        min(max(memory_bytes // 4 // _MIB, _CACHE_MIB_MIN), _CACHE_MIB_MAX),
        min(max(disk_bytes // 20 // _MIB, _LOG_MIB_MIN), _LOG_MIB_MAX),
    )


def sizes_here(folder: Path) -> Sizes:
    """Choose sizes for this machine, or the container that it is, and the disk that a folder lies on."""
    return sizes_for(machine_bytes(), shutil.disk_usage(folder).total)
