"""Copies of a database's rows, and going back to one: what a restore does, but fast and under running servers."""

from __future__ import annotations

import asyncio

import asyncpg

TABLES = (
    "database_ids", "workspaces", "policies", "log", "log_payload", "profiles", "identifiers", "traits", "events",
    "history", "requests",
)  # fmt: skip
END_CONNECTIONS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class Copy:
    """A copy of all rows, kept beside them.

    Args:
        connection: not one of a server's: it outlives the restore.
    """

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def take(self) -> None:
        """Copy the rows as they are now; an earlier copy is forgotten."""
        await self._connection.execute("DROP SCHEMA IF EXISTS copy CASCADE; CREATE SCHEMA copy")
        for table in TABLES:
            await self._connection.execute(f"CREATE TABLE copy.{table} AS TABLE public.{table}")

    async def restore(self, *, end_connections: bool) -> None:
        """Bring the rows back to those of the copy, all at once; each server may lose its connections by that."""
        async with self._connection.transaction():
            await self._connection.execute(f"TRUNCATE {', '.join(TABLES)}")
            for table in TABLES:
                await self._connection.execute(
                    f"INSERT INTO public.{table} OVERRIDING SYSTEM VALUE SELECT * FROM copy.{table}"
                )
        if end_connections:
            await self._connection.fetch(END_CONNECTIONS)
            # Until the servers' loop, which is this one, has heard of it.
            await asyncio.sleep(0.01)
