"""Migrations: numbered SQL files, forward only (expand, backfill, contract)."""

import asyncio
import hashlib
import re
from dataclasses import dataclass
from importlib import resources

import asyncpg

from utterson.domain.startup import StartupError
from utterson.store.connecting import connect_faults

# Any number that no other program on the same database uses: replicas that start together queue on it.
MIGRATION_LOCK = 0x7574_7465_7273
LOCK_POLL_MS = 100
LOCK_TIMEOUT_MS = 60_000
_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


class MigrationError(StartupError):
    """The database's migrations do not fit this build."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration; the digest guards against edited files."""

    version: int
    name: str
    sql: str

    @property
    def digest(self) -> bytes:
        """Identify the file's content, 16 bytes."""
        return hashlib.blake2b(self.sql.encode(), digest_size=16).digest()


def read_migrations() -> list[Migration]:
    """Read this build's migrations, in order of their numbers, which have no gaps."""
    files = resources.files(__package__).joinpath("migrations").iterdir()
    named = [(file, match) for file in files if (match := _FILE_NAME.fullmatch(file.name))]
    migrations = [Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")) for file, match in named]
    migrations.sort(key=lambda migration: migration.version)
    if [migration.version for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise MigrationError("the migrations' numbers have gaps or doubles")
    return migrations


async def migrate(database_url: str) -> list[int]:
    """Bring a database to this build's tables; safe to call from many processes at once.

    The lock is polled, never waited for within a statement: a waiting statement would hold a snapshot that a
    concurrent index build waits for in turn.

    Returns:
        The numbers of the migrations that this call applied.

    Raises:
        StartupError: the database cannot be reached.
        MigrationError: the database is newer than this build, or a migration was edited after it was applied.
    """
    with connect_faults():
        connection = await asyncpg.connect(database_url, timeout=30, server_settings={"lock_timeout": "5000"})
        try:
            await _lock(connection)
            return await _apply_missing(connection, read_migrations())
        finally:
            # The session's end frees the lock.
            await connection.close(timeout=5)


async def _lock(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    deadline = asyncio.get_running_loop().time() + LOCK_TIMEOUT_MS / 1000
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", MIGRATION_LOCK):
        if asyncio.get_running_loop().time() > deadline:
            raise MigrationError("another process holds the migration lock; try again later")
        await asyncio.sleep(LOCK_POLL_MS / 1000)


async def _apply_missing(connection: "asyncpg.Connection[asyncpg.Record]", migrations: list[Migration]) -> list[int]:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (version integer PRIMARY KEY, name text NOT NULL,"
        " digest bytea NOT NULL, apply_time timestamptz NOT NULL DEFAULT now())"
    )
    applied = {row["version"]: row["digest"] for row in await connection.fetch("SELECT * FROM migrations")}
    if applied and max(applied) > len(migrations):
        raise MigrationError(f"the database is at migration {max(applied)}, this build knows {len(migrations)}")
    done = []
    for migration in migrations:
        if migration.version in applied:
            if applied[migration.version] != migration.digest:
                raise MigrationError(f"migration {migration.version} was edited after it was applied")
            continue
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO migrations (version, name, digest) VALUES ($1, $2, $3)",
                migration.version,
                migration.name,
                migration.digest,
            )
        done.append(migration.version)
    return done
