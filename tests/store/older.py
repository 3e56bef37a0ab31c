"""Databases as older builds left them."""

import asyncpg

from utterson.store.schema import read_migrations

# The last migration of 0.1 and of the builds up to the key by profile.
BEFORE_REKEYING = 7
KEY = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'identifiers'::regclass AND contype = 'p'"
OLD_KEY = "PRIMARY KEY (workspace_key, digest, slot)"
NEW_KEY = "PRIMARY KEY (workspace_key, profile, digest)"
# Rows of a workspace that nobody calls.
FILL = (
    "INSERT INTO identifiers SELECT 999, md5(n::text)::uuid, 0, n, 'email', '', '', n, 1"
    " FROM generate_series(1, $1::integer) AS n"
)


async def migrate_up_to(database_url: str, version: int) -> None:
    """Bring an empty database to where an older build left it."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "CREATE TABLE migrations (version integer PRIMARY KEY, name text NOT NULL,"
        " digest bytea NOT NULL, apply_time timestamptz NOT NULL DEFAULT now())"
    )
    for one in read_migrations()[:version]:
        await connection.execute(f"SELECT; {one.sql}")
        await connection.execute("INSERT INTO migrations VALUES ($1, $2, $3)", one.version, one.name, one.digest)
    await connection.close()


async def fill(database_url: str, identifiers: int) -> None:
    """Put rows into a table of identifiers."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(FILL, identifiers)
    await connection.close()


async def key_of(database_url: str) -> str:
    """Tell the key of identifiers."""
    connection = await asyncpg.connect(database_url)
    try:
        return str(await connection.fetchval(KEY))
    finally:
        await connection.close()
