"""Two nodes, the etcd that they agree by, and two servers on both of them."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Final, TypeAlias

import asyncpg

from tests.crashes.server_process import ServerProcess, free_port
from tests.failover.node import Node
from tests.failover.parts import Parts, found_parts
from tests.histories.fleet import LostHistory
from tests.histories.remote import RemoteReplica

DATABASE: Final = "utterson"
# The brief address of both nodes; the second server says nothing about whom it wants, which comes to the same.
OPTIONS: Final = ("?sslmode=disable&target_session_attrs=read-write", "?sslmode=disable")
FOLLOWERS: Final = "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'"
WAIT_S: Final = 120.0
POLL_S: Final = 0.1
STOP_TIMEOUT_S: Final = 30.0

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Pair:
    """A round's servers and their Postgres (`tests.histories.rounds.Served`).

    Args:
        base: the folder of everything.
        parts: the programs.
    """

    def __init__(self, base: Path, parts: Parts) -> None:
        self.lost: list[LostHistory] = []
        self.replicas: list[RemoteReplica] = []
        self.server_logs: list[Path] = []
        self.parts = parts
        etcd = f"127.0.0.1:{free_port()}"
        self._base = base
        self._etcd_address = etcd
        self._etcd: subprocess.Popen[bytes] | None = None
        self.nodes = [Node(f"node-{number}", base / f"node-{number}", etcd, parts) for number in range(2)]

    @property
    def database_url(self) -> str:
        """Where the data is read after a round: both nodes, whichever is the primary."""
        return f"{self._address(DATABASE)}{OPTIONS[0]}"

    async def forget_lost(self) -> None:
        """Forget what was lost, once it is judged: it goes with the nodes' folders."""
        self.lost.clear()

    def _address(self, database: str) -> str:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://postgres@{hosts}/{database}"

    async def start(self) -> None:
        """Start etcd and both nodes, and make the database."""
        self._start_etcd()
        self.nodes[0].start()
        await self.primary()
        self.nodes[1].start()
        await self.whole()
        async with self._connected("postgres") as connection:
            await connection.execute(f"CREATE DATABASE {DATABASE}")

    async def stop(self) -> None:
        """Stop both nodes and etcd."""
        for node in self.nodes:
            await node.stop()
        if self._etcd is not None:
            self._etcd.kill()
            self._etcd.wait()

    async def primary(self, *, but: Node | None = None) -> Node:
        """Wait until a node is the primary, and tell which.

        Args:
            but: not this one: it may still think so.
        """
        async with asyncio.timeout(WAIT_S):
            while True:
                for node in self.nodes:
                    if node is not but and await node.ask("primary") is not None:
                        return node
                await asyncio.sleep(POLL_S)

    async def whole(self) -> None:
        """Wait until the standby follows the primary, as the mode wants it."""
        async with asyncio.timeout(WAIT_S):
            while not await self._is_whole():
                await asyncio.sleep(POLL_S)

    async def answers(self, node: Node) -> None:
        """Wait until a node's Postgres takes connections."""
        await _answers(f"postgresql://postgres@127.0.0.1:{node.port}/{DATABASE}?sslmode=disable")

    def other(self, node: Node) -> Node:
        """Tell the other node."""
        return self.nodes[1 - self.nodes.index(node)]

    async def choose(self, *, synchronous: bool, strict: bool = False) -> None:
        """Have commits wait for the standby, or not.

        Args:
            synchronous: whether they wait.
            strict: whether they wait also while there is no standby.
        """
        change = {"synchronous_mode": synchronous, "synchronous_mode_strict": strict}
        node = await self.primary()
        assert await node.ask("config", "PATCH", change) is not None
        await asyncio.sleep(1)
        await self.whole()

    async def lose(self, node: Node) -> None:
        """Keep what a node holds that was killed: its end may be nobody's history soon."""
        until_s = asyncio.get_running_loop().time()
        aside = self._base / f"lost-{len(self.lost)}"
        copying = await asyncio.create_subprocess_exec("cp", "-a", node.data_dir, aside)
        assert await copying.wait() == 0
        self.lost.append(LostHistory(until_s, aside))

    @asynccontextmanager
    async def reopened(self, lost: LostHistory) -> AsyncIterator[str]:
        """Start a Postgres on a lost history, to be read; gives the address of the database in it."""
        port = free_port()
        options = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "synchronous_standby_names": "",
            "archive_mode": "off",
        }
        command: list[str | Path] = [self.parts.postgres / "postgres", "-D", lost.data_dir]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with (self._base / "lost.log").open("ab") as log:
            process = self.parts.start(command, log)
        url = f"postgresql://postgres@127.0.0.1:{port}/{DATABASE}?sslmode=disable"
        try:
            await _answers(url)
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            await asyncio.to_thread(process.wait, STOP_TIMEOUT_S)

    async def _is_whole(self) -> bool:
        """Tell whether the standby follows, by the word of the primary, and Patroni knows it."""
        node = await self.primary()
        config, told = await node.ask("config"), await node.ask("cluster")
        if not isinstance(config, dict) or not isinstance(told, dict):
            return False
        patroni_says, postgres_says = ("sync_standby", "sync") if config["synchronous_mode"] else ("replica", "async")
        if sorted(member["role"] for member in told["members"]) != sorted(("leader", patroni_says)):
            return False
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InternalClientError):
            async with self._connected("postgres") as connection:
                followers = await connection.fetch(FOLLOWERS)
            return [row["sync_state"] for row in followers] == [postgres_says]
        return False

    @asynccontextmanager
    async def _connected(self, database: str) -> AsyncIterator[Connection]:
        connection = await asyncpg.connect(f"{self._address(database)}{OPTIONS[0]}", timeout=10)
        try:
            yield connection
        finally:
            await connection.close()

    def _start_etcd(self) -> None:
        client, peer = f"http://{self._etcd_address}", f"http://127.0.0.1:{free_port()}"
        command: list[str | Path] = [
            self.parts.etcd, "--name", "etcd", "--data-dir", self._base / "etcd-data",
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"etcd={peer}",
        ]  # fmt: skip
        with (self._base / "etcd.log").open("ab") as log:
            self._etcd = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


async def _answers(url: str) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InternalClientError):
                await (await asyncpg.connect(url, timeout=5)).close()
                return
            await asyncio.sleep(POLL_S)


@asynccontextmanager
async def opened_pair(keep: Path | None = None) -> AsyncIterator[Pair]:
    """Start a pair and its servers, in a folder of its own; nothing is left behind.

    Args:
        keep: where all logs are copied to at the end.

    Raises:
        MissingError: a part is not on this machine.
    """
    base = Path(tempfile.mkdtemp(prefix="utterson-failover-"))
    base.chmod(0o755)
    try:
        pair = Pair(base, await asyncio.to_thread(found_parts, base))
        async with AsyncExitStack() as stack:
            stack.push_async_callback(pair.stop)
            await pair.start()
            for number, options in enumerate(OPTIONS):
                log = base / f"server-{number}.log"
                url = f"{pair._address(DATABASE)}{options}"
                # The product's own patience with a commit: a Postgres that starts again is back before it ends.
                settings = {"DATABASE_URL": url, "COMMIT_TIMEOUT_MS": "5000"}
                process = ServerProcess(base / f"server-{number}", log, settings)
                stack.push_async_callback(process.kill)
                await process.start()
                pair.server_logs.append(log)
                pair.replicas.append(await stack.enter_async_context(RemoteReplica(number, process.address)))
            yield pair
    finally:
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            for log in base.glob("*.log"):
                shutil.copy(log, keep)
        shutil.rmtree(base, ignore_errors=True)
