"""Processes to use, to look for and to kill."""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from utterson.store.embedded import EmbeddedPostgres
from utterson.store.embedded.layout import Layout

NEEDS_PROC = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for processes in /proc")

_PROGRAM = Path(__file__).with_name("user_process.py")
_DEADLINE_S = 30.0


class UserProcess:
    """Another process that uses the server."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, data_dir: Path) -> "UserProcess":
        """Start it and wait until the server answers it."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, _PROGRAM, data_dir, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), _DEADLINE_S)
        assert line == b"ready\n"
        return cls(process)

    async def kill(self) -> None:
        """End it as a crash does."""
        self._process.kill()
        await self._process.wait()

    async def leave(self) -> None:
        """Let it end in order."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert await asyncio.wait_for(self._process.wait(), _DEADLINE_S) == 0


def processes_of(data_dir: Path) -> list[int]:
    """Tell the watchdogs and postmasters of a data folder."""
    return watchdogs_of(data_dir) + postmasters_of(data_dir)


def watchdogs_of(data_dir: Path) -> list[int]:
    """Tell the watchdogs of a data folder; there should never be two."""
    layout = Layout.below(data_dir)
    return _find(lambda arguments: any(str(layout.watchdog_lock) in part for part in arguments))


def postmasters_of(data_dir: Path) -> list[int]:
    """Tell the postmasters of a data folder."""
    layout = Layout.below(data_dir)
    found = _find(lambda arguments: arguments[0].endswith("postgres") and str(layout.data) in arguments)
    # A child that was forked just now still has its parent's command line.
    return [process_id for process_id in found if _parent_of(process_id) not in found]


def _parent_of(process_id: int) -> int | None:
    try:
        status = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return None
    return int(status.rpartition(")")[2].split()[1])


def _find(matches: Callable[[list[str]], bool]) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments = (entry / "cmdline").read_text().split("\0")
            except (OSError, UnicodeDecodeError):
                continue
            if arguments != [""] and matches(arguments):
                found.append(int(entry.name))
    return found


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + _DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        await asyncio.sleep(0.05)


async def query(server: EmbeddedPostgres, statement: str) -> object:
    """Run one statement on a new connection, as soon as the server takes one."""
    deadline = time.monotonic() + _DEADLINE_S
    while True:
        try:
            connection = await asyncpg.connect(**server.connect_kwargs(), timeout=2)
            try:
                return await connection.fetchval(statement)
            finally:
                await connection.close()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.05)
