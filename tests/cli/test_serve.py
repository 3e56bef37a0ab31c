"""`utterson serve`, as a process of its own."""

import os
import sys
from pathlib import Path

import pytest

from tests.cli.processes import processes_of
from tests.crashes.server_process import ServerProcess


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads are left as they are")
async def test_threads_that_wake_wait_their_turn(open_dir: Path) -> None:
    server = ServerProcess(open_dir / "data", open_dir / "log")
    await server.start()
    try:
        threads = [int(entry.name) for entry in Path(f"/proc/{server.process_id}/task").iterdir()]
        postgres = processes_of(open_dir / "data")
        policies = {os.sched_getscheduler(number) for number in threads + postgres}
    finally:
        await server.stop()
    assert len(threads) > 1
    assert len(postgres) == 2
    assert policies == {os.SCHED_BATCH}
