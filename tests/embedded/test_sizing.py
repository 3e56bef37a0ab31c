"""What our Postgres takes of a machine."""

from pathlib import Path

import asyncpg
import pytest

from utterson.settings.machine import container_limits
from utterson.store.embedded import EmbeddedPostgres
from utterson.store.embedded.sizing import Sizes, sizes_for, sizes_here

GIB = 1024**3


@pytest.mark.parametrize(
    ("memory_gib", "disk_gib", "cache_mib", "log_mib"),
    [(0.25, 5, 128, 1024), (4, 40, 1024, 2048), (12, 100, 3072, 5120), (512, 9000, 4096, 8192)],
)
def test_a_quarter_of_the_memory_and_a_twentieth_of_the_disk(
    memory_gib: float, disk_gib: int, cache_mib: int, log_mib: int
) -> None:
    assert sizes_for(int(memory_gib * GIB), disk_gib * GIB) == Sizes(cache_mib, log_mib)


def test_a_container_has_the_memory_of_its_control_group() -> None:
    mounts = (
        "30 23 0:26 / /control rw,nosuid - cgroup2 cgroup rw\n"
        "31 23 0:27 / /old/memory rw - cgroup cgroup rw,memory\n"
        "32 23 8:1 / / rw - ext4 /dev/root rw"
    )
    assert container_limits(mounts) == [Path("/control/memory.max"), Path("/old/memory/memory.limit_in_bytes")]


async def test_the_server_runs_with_the_sizes_of_this_machine(
    postgres_cluster: EmbeddedPostgres, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(**postgres_cluster.connect_kwargs())
    found = await connection.fetchval("SELECT pg_size_bytes(current_setting('shared_buffers'))")
    await connection.close()
    assert found == sizes_here(tmp_path).cache_mib * 1024**2
