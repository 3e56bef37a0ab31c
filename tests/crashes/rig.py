"""A Postgres of its own and a server process on it, both there to be killed."""

import asyncio
import os
import random
import secrets
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path

import asyncpg

from tests.crashes.calls import Caller, Family
from tests.crashes.judging import Figures, judge
from tests.crashes.load import load_on
from tests.crashes.server_process import ServerProcess
from tests.embedded.processes import postmasters_of
from utterson.client import UttersonClient
from utterson.domain.failpoints import FailpointBehaviour, FailpointPlace
from utterson.store.embedded import EmbeddedPostgres


class Victim(Enum):
    """What a round kills."""

    SERVER = "server"
    POSTMASTER = "postmaster"
    BACKEND = "backend"
    SERVER_AND_POSTMASTER = "server and postmaster"


class Rig:
    """Runs rounds: load, a crash, and the judgement."""

    def __init__(self, cluster: EmbeddedPostgres, data_dir: Path, server: ServerProcess, log_file: Path) -> None:
        self.cluster = cluster
        self.server = server
        self._data_dir = data_dir
        self._log_file = log_file

    def another_server(self) -> ServerProcess:
        """Make a second server for the same Postgres; whoever starts it stops it."""
        return ServerProcess(self._data_dir, self._log_file)

    async def judged(self, caller: Caller) -> Figures:
        """Judge what a caller was told; the server must run."""
        await self.cluster.ensure_running()
        await _accepts(self.cluster)
        return await judge(self.cluster.dsn, self.server.address, caller)

    async def caller(self, seed: int) -> Caller:
        """Make a workspace, and a caller of it; the server must run. The seed chooses the family."""
        family = list(Family)[seed % len(Family)]
        caller = Caller(seed, f"soho-{secrets.token_hex(4)}", family)
        async with UttersonClient(self.server.address, timeout_s=30) as client:
            await client.create_workspace(caller.workspace, preset=family.value)
        return caller

    async def random_rounds(self, seed: int, victims: Sequence[Victim]) -> AsyncIterator[Figures]:
        """Kill something at any moment, under load that goes on; one workspace through all rounds."""
        chance = random.Random(seed)
        await self.server.start()
        caller = await self.caller(seed)
        for victim in victims:
            async with load_on(self.server.address, caller):
                await asyncio.sleep(chance.uniform(0.2, 0.6))
                await self.kill(victim)
                if self.server.ended:
                    await self.server.start()
                await asyncio.sleep(chance.uniform(0.2, 0.4))
            yield await self.judged(caller)
        await self.server.stop()

    async def failpoint_round(
        self, seed: int, place: FailpointPlace, behaviour: FailpointBehaviour, victim: Victim = Victim.SERVER
    ) -> Figures:
        """Let the server break off at a place; where it stalls there, kill something meanwhile."""
        marks = self.failpoint_marks()
        await self.server.start(place, behaviour, passes=random.Random(seed).randrange(5, 40))
        caller = await self.caller(seed)
        async with load_on(self.server.address, caller):
            await until(lambda: self.failpoint_marks() > marks)
            if behaviour is FailpointBehaviour.KILL:
                assert await self.server.killed_itself()
            else:
                await asyncio.sleep(0.2)
                await self.kill(victim)
                await self.server.kill()
        await self.server.start()
        figures = await self.judged(caller)
        await self.server.stop()
        return figures

    async def kill(self, victim: Victim) -> None:
        """kill -9."""
        if victim in (Victim.SERVER, Victim.SERVER_AND_POSTMASTER):
            await self.server.kill()
        if victim in (Victim.POSTMASTER, Victim.SERVER_AND_POSTMASTER):
            for process_id in postmasters_of(self._data_dir):
                os.kill(process_id, signal.SIGKILL)
        if victim is Victim.BACKEND:
            os.kill(await self._committing_backend(), signal.SIGKILL)

    def failpoint_marks(self) -> int:
        """Count how often a server told that it breaks off."""
        return self._log_file.read_text().count("failpoint ") if self._log_file.exists() else 0

    async def _committing_backend(self) -> int:
        """Find a backend in the middle of a commit."""
        connection = await asyncpg.connect(self.cluster.dsn)
        try:
            for _ in range(2_000):
                found: int | None = await connection.fetchval(
                    "SELECT pid FROM pg_stat_activity WHERE application_name = 'utterson' AND state = 'active'"
                    " AND query LIKE '%commit_batch%' LIMIT 1"
                )
                if found is not None:
                    return found
            raise AssertionError("no backend commits")
        finally:
            await connection.close()


async def _accepts(cluster: EmbeddedPostgres) -> None:
    for _ in range(600):
        try:
            connection = await asyncpg.connect(cluster.dsn)
        except (OSError, asyncpg.PostgresError):
            await asyncio.sleep(0.05)
        else:
            await connection.close()
            return
    raise AssertionError("Postgres does not come back")


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    for _ in range(1_200):
        if holds():
            return
        await asyncio.sleep(0.025)
    raise AssertionError("it never came to hold")


@asynccontextmanager
async def opened_rig() -> AsyncIterator[Rig]:
    """Open a rig in a folder of its own; nothing is left behind."""
    base = Path(tempfile.mkdtemp(prefix="utterson-crash-"))
    base.chmod(0o755)
    log_file = base / "server.log"
    server = ServerProcess(base / "data", log_file)
    try:
        async with EmbeddedPostgres(base / "data", start_timeout_s=60) as cluster:
            try:
                yield Rig(cluster, base / "data", server, log_file)
            finally:
                await server.stop()
    finally:
        shutil.rmtree(base, ignore_errors=True)
