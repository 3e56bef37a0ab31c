"""Pools of connections to the database. A connection whose call failed or took too long is closed, never used again.

To stop a statement, Postgres also offers a cancel request. It is never sent: cancelling a commit that waits for its
synchronous replica makes it visible before the replica has it, and a request that arrives late hits the next
statement of the connection. See docs/decisions/0003-commit-protocol.md.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from utterson.domain.chain import StoreFailureError
from utterson.logs import once_a_second
from utterson.store.durability import Recovered, UnfitDatabaseError, refuse_unfit
from utterson.store.hosts import Hosts
from utterson.store.sqlstate import UNFIT_CODE, classify, deadline_passed, unfit, unsent

logger = logging.getLogger(__name__)

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"
PlainConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
# What is done with each new connection before its first call.
Look: TypeAlias = Callable[[PlainConnection], Awaitable[None]]
Result = TypeVar("Result")

# The driver calls it an internal error where a connection breaks between two messages of one call.
_CONNECTION_FAULTS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
# How long a call waits for the driver to notice that its connection was terminated.
TERMINATE_TIMEOUT_S = 1.0
# The first connections of a process may take as long as a machine that is just starting.
OPEN_TIMEOUT_S = 30.0
# Between two tries to reach a database that may be starting again.
TRY_PAUSE_S = 0.05
# What trying again does not change: a refused login, no such database, a right that is missing.
_FINAL_CLASSES = ("28", "3D", "42")


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How one pool behaves; `call_timeout_ms` bounds a call together with its wait for a connection.

    A database that makes no connection for `connect_timeout_ms` is away. Until then calls try again, so that a short
    restart costs them nothing but that time; from then on they are told at once. A pool for commits takes columns, so
    its database must be migrated.
    """

    connections_max: int
    call_timeout_ms: int
    statement_timeout_ms: int
    lock_timeout_ms: int = 2_000
    idle_in_transaction_timeout_ms: int = 2_000
    connect_timeout_ms: int = 1_000
    for_commits: bool = False
    tries_again: bool = True


# Commits and reads find every row by its key. A plan is kept while its table grows: made when statistics told of a few
# rows, it would read the whole log for each commit and each strong answer. Loads want whole tables and say so.
KEY_SETTINGS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
# Domains over arrays, of migrations 4 and 5: a column comes from the core as the bytes of a whole array.
_COLUMN_TYPES = ("bigint_column", "integer_column", "bytea_column", "text_column", "uuid_column")


async def pass_columns_through(connection: PlainConnection) -> None:
    """Have the driver send columns as they are; once for each new connection."""
    schema = await connection.fetchval("SELECT current_schema()")
    for name in _COLUMN_TYPES:
        await connection.set_builtin_type_codec(name, schema=schema, codec_name="bytea", format="binary")


class _Doors:
    """Makes a pool's new connections: whoever is reached may be another server than before, or not fit any more."""

    def __init__(self, database_url: str, settings: PoolSettings, look: Look | None) -> None:
        self._hosts = Hosts(database_url)
        self._look = look
        self._recovered = Recovered()
        self._for_commits = settings.for_commits

    async def connect(self, *_address: object, **arguments: Any) -> "asyncpg.Connection[asyncpg.Record]":
        """Connect as the driver does, and look at who is reached.

        The driver would do the second, too; but giving up there it waits for the server to hang up, perhaps for ever.
        """
        connection = await self._hosts.connect(**arguments)
        try:
            await self._recovered.prove(connection, await refuse_unfit(connection))
            if self._for_commits:
                await pass_columns_through(connection)
            if self._look is not None:
                await self._look(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection


async def _keep_session(_connection: object) -> None:
    """Skip the driver's reset on release: a round trip that would also wipe nothing we set (no session state)."""


class ConnectionPool:
    """A pool whose calls end by their deadline, whatever the network does."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", settings: PoolSettings) -> None:
        self._pool = pool
        # Connections between two calls. Going through the driver's pool each time takes longer than a short query.
        self._kept: list[Connection] = []
        self._seeking = 0
        self._closing = False
        # Counts what was expired: connections of before are not kept.
        self._generation = 0
        self._call_timeout_s = settings.call_timeout_ms / 1000
        self._patience_s = settings.connect_timeout_ms / 1000 if settings.tries_again else 0.0
        # Since when no connection could be made, in loop time; None while they can be.
        self._away_since_s: float | None = None

    @classmethod
    async def open(cls, database_url: str, settings: PoolSettings, look: Look | None = None) -> "ConnectionPool":
        """Open a pool; the timeouts travel as server settings, which no reset wipes.

        Args:
            database_url: where the database is.
            settings: how the pool behaves.
            look: what is done with each new connection; where it raises, the connection is not used.
        """
        server_settings = {
            "application_name": "utterson",
            "statement_timeout": str(settings.statement_timeout_ms),
            "lock_timeout": str(settings.lock_timeout_ms),
            "idle_in_transaction_session_timeout": str(settings.idle_in_transaction_timeout_ms),
            "client_connection_check_interval": "1000",
            "tcp_keepalives_idle": "10",
            "tcp_keepalives_interval": "3",
            "tcp_keepalives_count": "3",
            "default_transaction_isolation": "read committed",
            "jit": "off",
            **KEY_SETTINGS,
        }
        pool = await asyncpg.create_pool(
            database_url,
            min_size=1,
            max_size=settings.connections_max,
            timeout=OPEN_TIMEOUT_S,
            max_inactive_connection_lifetime=300,
            connect=_Doors(database_url, settings, look).connect,
            server_settings=server_settings,
            reset=_keep_session,
        )
        pool.set_connect_args(database_url, timeout=settings.connect_timeout_ms / 1000, server_settings=server_settings)
        return cls(pool, settings)

    async def run(self, action: Callable[[Connection], Awaitable[Result]], timeout_s: float | None = None) -> Result:
        """Run an action on a connection of its own.

        Args:
            action: what to do; it must not keep the connection.
            timeout_s: bound on the whole, default the pool's.

        Raises:
            StoreFailureError: classified; UNKNOWN where the time ran out, UNREACHABLE where there was no connection,
                and so nothing was sent.
        """
        return await self._run(action, timeout_s, self._bounded)

    async def run_here(self, action: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Run a short read in the task of its caller, two rounds of the loop quicker than `run`.

        Where the caller is cancelled the driver sends a cancel request, to a connection that is closed at once.

        Raises:
            StoreFailureError: as `run`.
        """
        return await self._run(action, None, _bounded_here)

    async def _run(
        self,
        action: Callable[[Connection], Awaitable[Result]],
        timeout_s: float | None,
        bounded: Callable[[Connection, Callable[[Connection], Awaitable[Result]], float], Awaitable[Result]],
    ) -> Result:
        deadline = asyncio.get_running_loop().time() + (self._call_timeout_s if timeout_s is None else timeout_s)
        connection = self._take() or await self._acquire(deadline)
        generation = self._generation
        healthy = False
        try:
            result = await bounded(connection, action, deadline)
            healthy, self._away_since_s = True, None
            return result
        finally:
            if healthy and generation == self._generation and not self._seeking and not self._closing:
                self._kept.append(connection)
            else:
                if not healthy:
                    _cut(connection)
                with suppress(*_CONNECTION_FAULTS):
                    await self._pool.release(connection)

    def _take(self) -> "Connection | None":
        """Take a kept connection; one that broke meanwhile has left the driver's pool by itself."""
        while self._kept:
            connection = self._kept.pop()
            with suppress(asyncpg.InterfaceError):
                if not connection.is_closed():
                    return connection
        return None

    async def _acquire(self, deadline: float) -> Connection:
        loop = asyncio.get_running_loop()
        self._seeking += 1
        try:
            while True:
                began_s = loop.time()
                try:
                    connection = await self._pool.acquire(timeout=max(deadline - began_s, 0.001))
                except UnfitDatabaseError as error:
                    logger.error("no connection to the database is used: %s", error, extra=once_a_second(UNFIT_CODE))
                    raise unfit() from None
                except _CONNECTION_FAULTS as error:
                    failure = unsent(error)
                    if not self._may_try_again(failure, began_s, deadline):
                        raise failure from None
                    await asyncio.sleep(TRY_PAUSE_S)
                else:
                    self._away_since_s = None
                    return connection
        finally:
            self._seeking -= 1

    def _may_try_again(self, failure: StoreFailureError, began_s: float, deadline: float) -> bool:
        """Take note that no connection could be made, and tell whether the database may be only starting again."""
        now_s = asyncio.get_running_loop().time()
        if self._closing or now_s >= deadline or failure.code.startswith(_FINAL_CLASSES):
            return False
        if self._away_since_s is None:
            self._away_since_s = began_s
        return now_s + TRY_PAUSE_S < min(deadline, self._away_since_s + self._patience_s)

    async def _bounded(
        self, connection: Connection, action: Callable[[Connection], Awaitable[Result]], deadline: float
    ) -> Result:
        """Wait for the action until the deadline, then cut its connection under it; never cancel it."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        # Never awaited itself: a cancelled caller would cancel it, and the driver would send a cancel request.
        task = asyncio.ensure_future(_told(action(connection), ended))
        timer = loop.call_later(deadline - loop.time(), _end, ended)
        try:
            await ended
        finally:
            timer.cancel()
            # Whatever ends this call, nobody else will read how the action ended.
            task.add_done_callback(_read)
            if not task.done():
                _cut(connection)
                await _wait_for_end(task)
        if not task.done() or task.cancelled():
            raise deadline_passed()
        error = task.exception()
        if error is None:
            return task.result()
        if isinstance(error, (*_CONNECTION_FAULTS, UnicodeError, OverflowError)):
            raise classify(error) from None
        raise error

    async def expire(self) -> None:
        """Have every connection made anew, those in use once their call is over."""
        self._generation += 1
        await self._pool.expire_connections()
        await self._release_kept()

    async def forsake(self) -> None:
        """Have every connection made anew as `expire` does, without a word to whoever is at its other end."""
        self._generation += 1
        await self._pool.expire_connections()
        while (connection := self._take()) is not None:
            _cut(connection)
            with suppress(*_CONNECTION_FAULTS):
                await self._pool.release(connection)

    async def _release_kept(self) -> None:
        while (connection := self._take()) is not None:
            with suppress(*_CONNECTION_FAULTS):
                await self._pool.release(connection)

    async def close(self, timeout_s: float = 5.0) -> None:
        """Close all connections; those still busy after the timeout are terminated."""
        self._closing = True
        await self._release_kept()
        try:
            await asyncio.wait_for(self._pool.close(), timeout_s)
        except TimeoutError:
            self._pool.terminate()


async def _bounded_here(
    connection: Connection, action: Callable[[Connection], Awaitable[Result]], deadline: float
) -> Result:
    """Do the action; at the deadline its connection is cut under it, and the driver ends it."""
    loop = asyncio.get_running_loop()
    timer = loop.call_later(deadline - loop.time(), _cut, connection)
    try:
        return await action(connection)
    except (*_CONNECTION_FAULTS, UnicodeError, OverflowError) as error:
        raise (deadline_passed() if loop.time() >= deadline else classify(error)) from None
    finally:
        timer.cancel()


async def _told(action: Awaitable[Result], ended: "asyncio.Future[None]") -> Result:
    """Tell the end from within the task.

    A callback of the task would come a round of the event loop later: under load that is longer than some queries take.
    """
    try:
        return await action
    finally:
        _end(ended)


def _end(ended: "asyncio.Future[None]") -> None:
    if not ended.done():
        ended.set_result(None)


def _cut(connection: Connection) -> None:
    """Close the connection under whatever uses it; one that broke before has left its proxy already."""
    with suppress(asyncpg.InterfaceError):
        connection.terminate()


async def _wait_for_end(task: "asyncio.Future[Result]") -> None:
    """Give the driver a moment to notice the cut."""
    await asyncio.wait({task}, timeout=TERMINATE_TIMEOUT_S)
    if not task.done():
        task.cancel()


def _read(task: "asyncio.Future[Result]") -> None:
    """Read how a task ended, so that the loop does not print it."""
    if not task.cancelled():
        task.exception()
