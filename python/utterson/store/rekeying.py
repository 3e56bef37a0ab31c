"""Another key for `identifiers`, while servers commit: docs/decisions/0019-rows-where-they-are-looked-for.md.

The index is built beside the key that is there, outside any transaction, and then takes its place in a short one.
Whoever is killed before that leaves an index, finished or not valid: the next one goes on with it, or begins anew.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeAlias

import asyncpg

from utterson.domain.rekeying import RekeyProgress
from utterson.store.hosts import Hosts
from utterson.store.sqlstate import classify
from utterson.store.statements import Statement

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

# Of the servers on one database one builds. Any number that nobody else uses, as that of migrations.
REKEY_LOCK: Final = 0x7574_7465_7274
LOCK_POLL_S: Final = 1.0
PROGRESS_EVERY_S: Final = 1.0
# Who waits for a lock that loads and commits hold keeps new ones waiting: rather give up soon and try again.
SWAP_LOCK_TIMEOUT_MS: Final = 250
SWAP_PAUSE_S: Final = 2.0
_WAITING: Final = RekeyProgress("waiting for another server that builds it")
_SWAPPING: Final = RekeyProgress("waiting for a moment without loads and commits")
# The cluster's own bounds are for commits and reads. One process builds: the others are for those who are served.
_SESSION: Final = {
    "application_name": "utterson rekeying",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_session_timeout": "0",
    "maintenance_work_mem": "256MB",
    "max_parallel_maintenance_workers": "0",
}
_FAULTS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class RekeyingStore:
    """Brings a table of an older database to its new key; `progress` tells how far that is."""

    def __init__(self, database_url: str) -> None:
        self._hosts = Hosts(database_url)
        self.progress = RekeyProgress("beginning")

    async def is_due(self) -> bool:
        """Tell whether the table has the old key still.

        Raises:
            StoreFailureError: the database cannot be asked.
        """
        async with self._connection() as connection:
            return await _is_due(connection)

    async def run(self) -> None:
        """Build the index, or wait for the server that does, and put it in the place of the key.

        Safe to break off anywhere, and to call from many servers at once.

        Raises:
            StoreFailureError: it has to be tried again; DIVERGENCE where rows are in the new key's way.
        """
        async with self._connection() as connection:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", REKEY_LOCK):
                self.progress = await _progress(connection) or _WAITING
                await asyncio.sleep(LOCK_POLL_S)
            # The session's end frees the lock.
            if not await _is_due(connection):
                return
            if await connection.fetchval(Statement.REKEY_INDEX_IS_VALID.text) is False:
                await connection.execute(Statement.REKEY_DISCARD.text)
            if await connection.fetchval(Statement.REKEY_INDEX_IS_VALID.text) is None:
                await self._build(connection)
            self.progress = _SWAPPING
            while not await _swapped(connection):
                await asyncio.sleep(SWAP_PAUSE_S)

    async def _build(self, connection: Connection) -> None:
        watching = asyncio.create_task(self._watch())
        try:
            await connection.execute(Statement.REKEY_BUILD.text)
        finally:
            watching.cancel()

    async def _watch(self) -> None:
        """Keep the progress up to date; who cannot look now leaves it as it is."""
        with suppress(*_FAULTS):
            async with self._connection() as connection:
                while True:
                    self.progress = await _progress(connection) or self.progress
                    await asyncio.sleep(PROGRESS_EVERY_S)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """Open a connection of its own: those of the pools have bounds that an index does not keep."""
        try:
            connection = await self._hosts.connect(timeout=30, server_settings=_SESSION)
            try:
                yield connection
            finally:
                # What is under way may end or break off: whoever comes next sees which.
                connection.terminate()
        except _FAULTS as error:
            raise classify(error) from None


async def _is_due(connection: Connection) -> bool:
    return bool(await connection.fetchval(Statement.REKEY_IS_DUE.text))


async def _progress(connection: Connection) -> RekeyProgress | None:
    row = await connection.fetchrow(Statement.REKEY_PROGRESS.text)
    return None if row is None else RekeyProgress(row["phase"], row["done"], row["expected"])


async def _swapped(connection: Connection) -> bool:
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = {SWAP_LOCK_TIMEOUT_MS}")
            await connection.execute(Statement.REKEY_SWAP.text)
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
        return False
    return True
