"""A database that may lose acknowledged writes is refused."""

import asyncpg
import pytest

from utterson.engine.core_engine import REQUEST_RETENTION_US
from utterson.settings.database import DatabaseSettings
from utterson.store.durability import UnfitDatabaseError
from utterson.store.migrate import migrate
from utterson.store.open_store import open_store


async def test_commits_that_do_not_wait_for_the_disk_are_refused(database_url: str) -> None:
    await migrate(database_url)
    connection = await asyncpg.connect(database_url)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    await connection.close()
    with pytest.raises(UnfitDatabaseError, match="synchronous_commit is off"):
        await open_store(database_url, DatabaseSettings(), REQUEST_RETENTION_US)
