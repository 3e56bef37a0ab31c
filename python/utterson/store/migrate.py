"""Bringing a database to what this build wants of it: forward only (expand, backfill, contract)."""

import asyncio

import asyncpg

from utterson.store.connecting import connect_faults
from utterson.store.durability import refuse_unfit
from utterson.store.hosts import Hosts
from utterson.store.schema import MigrationError, Schema, read_schema

# Any number that no other program on the same database uses: replicas that start together queue on it.
MIGRATION_LOCK = 0x7574_7465_7273
LOCK_POLL_MS = 100
LOCK_TIMEOUT_MS = 60_000


async def migrate(database_url: str) -> list[int]:
    """Bring a database to this build's tables and functions; safe to call from many processes at once.

    The lock is polled, never waited for within a statement: a waiting statement would hold a snapshot that a
    concurrent index build waits for in turn.

    Returns:
        The numbers of the migrations that this call applied.

    Raises:
        StartupError: the database cannot be reached.
        UnfitDatabaseError: it may lose acknowledged writes, or its encoding is not ours; nothing was written into it.
        MigrationError: the database is newer than this build, or a migration was edited after it was applied.
    """
    schema = read_schema()
    with connect_faults():
        connection = await Hosts(database_url).connect(timeout=30, server_settings={"lock_timeout": "5000"})
        try:
            # Before anything is written into it.
            await refuse_unfit(connection)
            await _lock(connection)
            return await _apply_missing(connection, schema)
        finally:
            # The session's end frees the lock.
            await connection.close(timeout=5)


async def _lock(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    deadline = asyncio.get_running_loop().time() + LOCK_TIMEOUT_MS / 1000
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", MIGRATION_LOCK):
        if asyncio.get_running_loop().time() > deadline:
            raise MigrationError("another process holds the migration lock; try again later")
        await asyncio.sleep(LOCK_POLL_MS / 1000)


async def _apply_missing(connection: "asyncpg.Connection[asyncpg.Record]", schema: Schema) -> list[int]:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (version integer PRIMARY KEY, name text NOT NULL,"
        " digest bytea NOT NULL, apply_time timestamptz NOT NULL DEFAULT now())"
    )
    applied = {row["version"]: row["digest"] for row in await connection.fetch("SELECT * FROM migrations")}
    newest = len(schema.migrations)
    if applied and max(applied) > newest:
        raise MigrationError(f"the database is at migration {max(applied)}, this build knows {newest}")
    done = []
    for migration in schema.migrations:
        if migration.version in applied:
            if applied[migration.version] != migration.digest:
                raise MigrationError(f"migration {migration.version} was edited after it was applied")
            continue
        async with connection.transaction():
            # Of a migration that only names functions nothing but comments is left, and the driver fails on those.
            await connection.execute(f"SELECT; {migration.sql}")
            if migration.version == newest:
                # The bodies are those that the last migration wants: before it, tables may lack what they use.
                for function in schema.functions:
                    await connection.execute(function.sql)
            await connection.execute(
                "INSERT INTO migrations (version, name, digest) VALUES ($1, $2, $3)",
                migration.version,
                migration.name,
                migration.digest,
            )
        done.append(migration.version)
    return done
