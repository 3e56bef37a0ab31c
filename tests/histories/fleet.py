"""Three servers on one Postgres, each behind a wire that can be broken."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.conftest import new_database
from tests.crashes.proxy import Proxy
from tests.crashes.server_process import PROGRAM, ServerProcess
from tests.embedded.processes import postmasters_of, query
from tests.histories.remote import RemoteReplica
from utterson.store.embedded import EmbeddedPostgres
from utterson.store.embedded.layout import Layout

REPLICAS = 3
LATE_S = 1.5
COMMIT_TIMEOUT_MS = 1_000
START_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Server:
    """One server: its process, its wire to Postgres, and how callers reach it."""

    process: ServerProcess
    proxy: Proxy
    replica: RemoteReplica

    async def start(self) -> None:
        """Start the process."""
        self.replica.life += 1
        await self.process.start()

    async def kill(self) -> None:
        """End it as a crash does."""
        self.replica.life += 1
        await self.process.kill()

    async def stop(self) -> None:
        """Let it end in order."""
        self.replica.life += 1
        await self.process.stop()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if there is one."""
        if not self.process.ended:
            os.kill(self.process.process_id, number)


@dataclass(frozen=True)
class LostHistory:
    """A Postgres as it was when it was replaced by an older copy: until when it was served, and where it lies."""

    until_s: float
    data_dir: Path


class Fleet:
    """All servers and their Postgres.

    Args:
        base: the folder of everything.
    """

    def __init__(self, base: Path) -> None:
        self.servers: list[Server] = []
        self.lost: list[LostHistory] = []
        self.database_url = ""
        self.data_dir = base / "data"
        self._base = base
        self._restores = 0
        self.cluster = EmbeddedPostgres(self.data_dir, start_timeout_s=START_TIMEOUT_S)

    @property
    def replicas(self) -> list[RemoteReplica]:
        """The servers as callers reach them."""
        return [server.replica for server in self.servers]

    def signal_postgres(self, number: signal.Signals) -> None:
        """Send a signal to Postgres."""
        for process_id in postmasters_of(self.data_dir):
            os.kill(process_id, number)

    async def postgres_is_back(self) -> None:
        """Have Postgres run, and take connections."""
        await self.cluster.ensure_running()
        await query(self.cluster, "SELECT 1")

    async def read_only(self, *, is_so: bool) -> None:
        """Have Postgres refuse every write, or take them again."""
        await query(self.cluster, f"ALTER SYSTEM SET default_transaction_read_only = {'on' if is_so else 'off'}")
        await query(self.cluster, "SELECT pg_reload_conf()")

    async def restore_a_copy(self, age_s: float) -> None:
        """Copy the database, go on for a while, and put the copy back; what was lost is kept aside."""
        self._restores += 1
        before = self._base / f"lost-{self._restores}"
        data, older = Layout.below(self.data_dir).data, self._base / "older"
        await self.stop_postgres()
        await _copied(data, older)
        await self.start_postgres()
        await asyncio.sleep(age_s)
        await self.stop_postgres()
        self.lost.append(LostHistory(asyncio.get_running_loop().time(), before))
        aside = Layout.below(before).data
        aside.parent.mkdir(parents=True)
        before.chmod(0o755)
        aside.parent.chmod(0o755)
        data.rename(aside)
        older.rename(data)
        await self.start_postgres()

    @asynccontextmanager
    async def reopened(self, lost: LostHistory) -> AsyncIterator[str]:
        """Start a Postgres on a lost history, to be read; gives the address of the database in it."""
        async with EmbeddedPostgres(lost.data_dir, start_timeout_s=START_TIMEOUT_S) as cluster:
            yield cluster.dsn.replace("/postgres?", f"{urlsplit(self.database_url).path}?")

    async def forget_lost(self) -> None:
        """Remove the lost histories: they were judged."""
        for lost in self.lost:
            await asyncio.to_thread(shutil.rmtree, lost.data_dir)
        self.lost.clear()

    async def start_postgres(self) -> None:
        """Start Postgres."""
        self.cluster = EmbeddedPostgres(self.data_dir, start_timeout_s=START_TIMEOUT_S)
        await self.cluster.__aenter__()

    async def stop_postgres(self) -> None:
        """Stop Postgres in order."""
        await self.cluster.__aexit__(None, None, None)


async def _copied(source: Path, target: Path) -> None:
    """Copy a folder with its owners and rights."""
    copying = await asyncio.create_subprocess_exec("cp", "-a", source, target)
    assert await copying.wait() == 0


@asynccontextmanager
async def opened_fleet(program: Sequence[str] = PROGRAM) -> AsyncIterator[Fleet]:
    """Start a fleet of servers by this command line, in a folder of its own; nothing is left behind."""
    base = Path(tempfile.mkdtemp(prefix="utterson-histories-"))
    base.chmod(0o755)
    fleet = Fleet(base)
    try:
        async with AsyncExitStack() as stack:
            await fleet.start_postgres()
            stack.push_async_callback(fleet.stop_postgres)
            # It goes with its cluster, which a fault that broke off may have left stopped.
            _, fleet.database_url = await new_database(fleet.cluster)
            for number in range(REPLICAS):
                proxy = Proxy(fleet.database_url, LATE_S)
                await stack.enter_async_context(proxy.listening())
                more = {"DATABASE_URL": proxy.database_url, "COMMIT_TIMEOUT_MS": str(COMMIT_TIMEOUT_MS)}
                process = ServerProcess(base / f"server-{number}", base / f"server-{number}.log", more, program=program)
                replica = await stack.enter_async_context(RemoteReplica(number, process.address))
                fleet.servers.append(Server(process, proxy, replica))
                stack.push_async_callback(process.kill)
                await fleet.servers[-1].start()
            yield fleet
    finally:
        shutil.rmtree(base, ignore_errors=True)
