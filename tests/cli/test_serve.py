"""`utterson serve`, as a process of its own."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.cli.processes import processes_of
from tests.crashes.server_process import ServerProcess

PASSWORD = "carews-own-secret"


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks at processes in /proc")
async def test_an_address_from_a_file_stands_in_no_list_of_processes(
    database_url: str, tmp_path: Path, open_dir: Path
) -> None:
    file = tmp_path / "address"
    file.write_text(database_url.replace("//postgres@", f"//postgres:{PASSWORD}@"))
    file.chmod(0o600)
    server = ServerProcess(open_dir / "unused", open_dir / "log", options=["--database-url-file", str(file)])
    await server.start()
    try:
        told = [(Path("/proc") / str(server.process_id) / name).read_bytes() for name in ("cmdline", "environ")]
    finally:
        await server.stop()
    assert not (open_dir / "unused").exists()
    assert [PASSWORD.encode() in what for what in told] == [False, False]
    assert PASSWORD not in (open_dir / "log").read_text()


async def test_sighup_reads_the_settings_again_and_ends_nothing(open_dir: Path) -> None:
    config, log = open_dir / "config.toml", open_dir / "log-of-hang-ups"
    config.write_text('log_level = "info"\n')
    server = ServerProcess(open_dir / "data", log, options=["--config", str(config)])
    await server.start()
    try:
        config.write_text("log_level = 7\n")
        await _hung_up(server, log, "everything stays as it is")
        config.write_text('log_level = "error"\nqueue_calls_max = 7\n')
        await _hung_up(server, log, "settings are read again: log_level error")
        assert "count from the next start: queue_calls_max" in log.read_text()
        assert not server.ended
    finally:
        await server.stop()
    assert "stopped" not in log.read_text(), "what is no error is not logged any more"


async def _hung_up(server: ServerProcess, log: Path, told: str) -> None:
    os.kill(server.process_id, signal.SIGHUP)
    async with asyncio.timeout(5):
        while told not in log.read_text():
            await asyncio.sleep(0.02)


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
