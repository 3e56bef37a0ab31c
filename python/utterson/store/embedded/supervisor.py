"""Starting, watching and leaving the embedded Postgres. See `watchdog` for who runs it."""

import asyncio
import contextlib
import logging
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self, TypedDict
from urllib.parse import quote

import asyncpg

from utterson.store.embedded import watchdog
from utterson.store.embedded.account import Account, server_account
from utterson.store.embedded.binaries import find_binaries
from utterson.store.embedded.cluster import open_log, prepare_cluster, prepare_folders, write_defaults
from utterson.store.embedded.errors import EmbeddedPostgresError
from utterson.store.embedded.layout import Layout
from utterson.store.embedded.locks import FileLock, is_held, is_held_exclusively
from utterson.store.embedded.programs import ENVIRONMENT

_logger = logging.getLogger(__name__)

_POLL_S = 0.03
_WATCH_INTERVAL_S = 1.0
_CONNECT_TIMEOUT_S = 2.0
_STOP_TIMEOUT_S = 130.0
_LOG_BYTES_MAX = 16 * 1024 * 1024
_LOG_TAIL_BYTES = 8192
_USER = "postgres"


class ConnectArguments(TypedDict):
    """Arguments for `asyncpg.connect` and `asyncpg.create_pool`."""

    host: str
    port: int
    user: str
    database: str


class EmbeddedPostgres:
    """A Postgres server for as long as the context lasts; several processes may share one data folder.

    Inside the context the server is brought up again if any of its processes ends, the watchdog's included: connections
    break, but new ones succeed after a moment. Leaving the last context stops the server in order and waits for it.

    Args:
        data_dir: the folder for everything; made if it is missing.
        binaries_dir: a folder with the programs postgres and initdb, instead of the bundled ones.
        start_timeout_s: how long a start may take, the recovery after a crash included.

    Raises:
        EmbeddedPostgresError: on entering, when the server cannot be started.
    """

    def __init__(self, data_dir: Path, *, binaries_dir: Path | None = None, start_timeout_s: float = 600.0) -> None:
        self._layout = Layout.below(data_dir)
        self._binaries_dir = binaries_dir
        self._start_timeout_s = start_timeout_s
        self._users = FileLock(self._layout.users_lock)
        self._account: Account | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._watcher: asyncio.Task[None] | None = None

    @property
    def dsn(self) -> str:
        """The address of the server's first database, for programs that take a `postgresql://` address."""
        host = quote(str(self._layout.sockets), safe="")
        return f"postgresql://{_USER}@/postgres?host={host}&port={watchdog.SOCKET_PORT}"

    @property
    def log_file(self) -> Path:
        """Where Postgres writes what it has to say."""
        return self._layout.log

    def connect_kwargs(self, database: str = "postgres") -> ConnectArguments:
        """Tell how to connect to one of the server's databases."""
        return ConnectArguments(
            host=str(self._layout.sockets), port=watchdog.SOCKET_PORT, user=_USER, database=database
        )

    async def __aenter__(self) -> Self:
        self._account = server_account()
        await asyncio.to_thread(prepare_folders, self._layout, self._account)
        try:
            await self._users.acquire(shared=True)  # waits for a watchdog that is just stopping the server
            await self.ensure_running()
        except OSError as error:
            self._users.release()
            raise EmbeddedPostgresError(f"Postgres cannot be started in {self._layout.base}: {error}") from error
        except BaseException:
            self._users.release()
            raise
        self._watcher = asyncio.create_task(self._watch(), name="embedded-postgres-watcher")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
        self._users.release()
        await self._wait_for_stop()
        if self._is_left_behind():  # a watchdog that was killed just now could not stop the server: let another do it
            await self._users.acquire(shared=True)
            await self._revive()
            self._users.release()
            await self._wait_for_stop()

    async def ensure_running(self) -> None:
        """Bring the server up if it is not, and return when it answers.

        Raises:
            EmbeddedPostgresError: it does not start, or not in time.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._start_timeout_s
        async with FileLock(self._layout.start_lock):
            while True:
                if not is_held_exclusively(self._layout.watchdog_lock):
                    await self._start_watchdog()
                if await self._answers():
                    return
                if loop.time() > deadline:
                    raise EmbeddedPostgresError(f"Postgres did not start in time; its log is {self._layout.log}")
                await asyncio.sleep(_POLL_S)

    async def _start_watchdog(self) -> None:
        """Start a watchdog and wait until it holds its lock. The caller holds the start lock."""
        if self._watcher is not None and not self._layout.data.exists():
            raise EmbeddedPostgresError(f"the data of the running server has vanished from {self._layout.data}")
        if self._watchdog is not None and self._watchdog.poll() == watchdog.EXIT_FAILED:
            self._watchdog = None
            raise EmbeddedPostgresError(
                f"Postgres does not start; its log {self._layout.log} ends: {self._last_words()}"
            )
        program = await asyncio.to_thread(self._prepare)
        account = self._account
        config = watchdog.WatchdogConfig(
            program=str(program),
            data=str(self._layout.data),
            sockets=str(self._layout.sockets),
            users_lock=str(self._layout.users_lock),
            watchdog_lock=str(self._layout.watchdog_lock),
            user_id=account.user_id if account else None,
            group_id=account.group_id if account else None,
        )
        with open_log(self._layout) as log:
            self._watchdog = subprocess.Popen(  # noqa: S603, ASYNC220 - it returns at once, and outlives the loop
                [sys.executable, "-I", "-S", watchdog.__file__, config.encode()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=ENVIRONMENT,
                start_new_session=True,
            )
        while self._watchdog.poll() is None and not is_held_exclusively(self._layout.watchdog_lock):
            await asyncio.sleep(_POLL_S)

    def _prepare(self) -> Path:
        """Make what the server needs and tell its program. Blocks."""
        binaries = find_binaries(self._binaries_dir, self._layout.base / "binaries", self._account)
        prepare_cluster(self._layout, binaries, self._account)
        write_defaults(self._layout, self._account)
        if self._layout.log.exists() and self._layout.log.stat().st_size > _LOG_BYTES_MAX:
            self._layout.log.replace(self._layout.log.with_suffix(".log.1"))
        return binaries / "postgres"

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(**self.connect_kwargs(), timeout=_CONNECT_TIMEOUT_S)
        except asyncpg.TooManyConnectionsError:
            return True
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            return False
        await connection.close(timeout=_CONNECT_TIMEOUT_S)
        return True

    async def _watch(self) -> None:
        """Start a new watchdog whenever the watchdog is gone; the watchdog looks after everything else."""
        while True:
            await asyncio.sleep(_WATCH_INTERVAL_S)
            await self._revive()

    async def _revive(self) -> None:
        try:
            if not is_held_exclusively(self._layout.watchdog_lock):
                _logger.warning("the watchdog of the embedded Postgres has ended: starting another")
                await self.ensure_running()
        except (OSError, EmbeddedPostgresError) as error:
            _logger.error("the embedded Postgres cannot be started again: %s", error)

    async def _wait_for_stop(self) -> None:
        """Wait until the watchdog has stopped the server, unless others still use it.

        In a container the whole tree is killed when this process ends, and Postgres with it.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _STOP_TIMEOUT_S
        users_lock, watchdog_lock = self._layout.users_lock, self._layout.watchdog_lock
        while is_held_exclusively(watchdog_lock) and loop.time() < deadline:
            if is_held(users_lock) and not is_held_exclusively(users_lock):
                return  # held, but not by a watchdog that is stopping: by others who use the server
            await asyncio.sleep(_POLL_S)
        if self._watchdog is not None and not is_held_exclusively(watchdog_lock):
            # The lock is free a moment before the process has ended: wait for that, so that no dead child stays behind.
            await asyncio.to_thread(self._watchdog.wait)

    def _is_left_behind(self) -> bool:
        """Tell whether nobody looks after a server that has not ended in order."""
        return (self._layout.data / "postmaster.pid").exists() and not is_held_exclusively(self._layout.watchdog_lock)

    def _last_words(self) -> str:
        with self._layout.log.open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - _LOG_TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
        return (fatal or lines or ["it is empty"])[-1].strip()
