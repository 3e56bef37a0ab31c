"""One embedded Postgres for both sides, a database for each: the same settings, the same disk."""

from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import asyncpg

from benchmarks.harness.processes import parent_of
from utterson.store.embedded import EmbeddedPostgres

ROWS_WRITTEN = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_user_tables"


class Cluster:
    """A running Postgres with databases that are copied, filled and dropped."""

    def __init__(self, folder: Path) -> None:
        self._postgres = EmbeddedPostgres(folder)
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self.process_id = 0

    async def __aenter__(self) -> Self:
        await self._postgres.__aenter__()
        self._connection = await asyncpg.connect(**self._postgres.connect_kwargs())
        backend = await self._connection.fetchval("SELECT pg_backend_pid()")
        self.process_id = parent_of(backend)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            await self._connection.close()
        await self._postgres.__aexit__(kind, error, trace)

    def url(self, database: str) -> str:
        """Tell the address of a database."""
        arguments = self._postgres.connect_kwargs()
        place = f"host={quote(arguments['host'], safe='')}&port={arguments['port']}"
        return f"postgresql://{arguments['user']}@/{database}?{place}"

    async def create(self, database: str, template: str | None = None) -> str:
        """Make a database, empty or as a copy that nobody is connected to; tell its address."""
        origin = "" if template is None else f" TEMPLATE {template} STRATEGY = file_copy"
        await self.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        await self.execute(f"CREATE DATABASE {database}{origin}")
        return self.url(database)

    async def drop(self, *databases: str) -> None:
        """Drop databases, whoever is connected."""
        for database in databases:
            await self.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    async def settle(self) -> None:
        """Write everything out, so that a cell does not pay for the one before it.

        Not before each drive: after a checkpoint the first change of every page is logged with the whole page, which
        a database at work pays once in minutes, and a short drive would pay with every insert.
        """
        await self.execute("CHECKPOINT")

    async def execute(self, statement: str) -> None:
        """Run a statement in the cluster's first database."""
        assert self._connection is not None
        await self._connection.execute(statement)

    async def wal_bytes(self) -> int:
        """Tell how many bytes Postgres has logged so far."""
        assert self._connection is not None
        return int(await self._connection.fetchval("SELECT (pg_current_wal_lsn() - '0/0')::bigint"))

    async def next_xid(self) -> int:
        """Tell the number of the next transaction: what is written later has no smaller one."""
        assert self._connection is not None
        return int(await self._connection.fetchval("SELECT pg_current_xact_id()::text::bigint")) + 1

    async def rows_written(self, database: str) -> int:
        """Tell how many rows were inserted, updated and deleted in a database that nobody writes to any more."""
        connection = await asyncpg.connect(self.url(database))
        try:
            return int(await connection.fetchval(ROWS_WRITTEN))
        finally:
            await connection.close()

    async def settings(self) -> dict[str, str]:
        """Tell the settings that durable figures depend on."""
        assert self._connection is not None
        names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")
        return {name: await self._connection.fetchval(f"SHOW {name}") for name in names}

    async def vacuum(self, database: str) -> None:
        """Bring a database to rest: statistics known, nothing left for autovacuum to do in the middle of a drive."""
        connection = await asyncpg.connect(self.url(database))
        await connection.execute("VACUUM (FREEZE, ANALYZE)")
        await connection.close()
