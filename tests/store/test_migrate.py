"""Migrations: once, in order, whoever is first; never backwards."""

import asyncio
import sys

import asyncpg
import pytest

from utterson.domain.startup import StartupError
from utterson.store.migrate import MigrationError, migrate, read_migrations

PROGRAM = "import asyncio, sys; from utterson.store.migrate import migrate; print(asyncio.run(migrate(sys.argv[1])))"


async def test_three_processes_at_once_migrate_once(database_url: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, database_url, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    outputs = [(await process.communicate())[0].decode().strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    every = [migration.version for migration in read_migrations()]
    assert sorted(outputs) == sorted(["[]", "[]", str(every)])


async def test_again_is_nothing(database_url: str) -> None:
    assert await migrate(database_url)
    assert await migrate(database_url) == []


async def test_a_newer_database_is_refused(database_url: str) -> None:
    await migrate(database_url)
    await _execute(database_url, "INSERT INTO migrations (version, name, digest) VALUES (9999, 'later', '')")
    with pytest.raises(MigrationError, match="9999"):
        await migrate(database_url)


async def test_an_edited_migration_is_refused(database_url: str) -> None:
    await migrate(database_url)
    await _execute(database_url, "UPDATE migrations SET digest = '\\x00' WHERE version = 1")
    with pytest.raises(MigrationError, match="edited"):
        await migrate(database_url)


async def test_a_migration_that_fails_leaves_nothing(database_url: str) -> None:
    await _execute(database_url, "CREATE TABLE traits (in_the_way integer)")
    with pytest.raises(StartupError):
        await migrate(database_url)
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT to_regclass('workspaces')") is None
    assert await connection.fetchval("SELECT count(*) FROM migrations") == 0
    await connection.close()


async def test_no_database_is_told_in_a_sentence_without_the_address() -> None:
    with pytest.raises(StartupError) as caught:
        await migrate("postgresql://someone:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
