"""Migrations: once, in order, whoever is first; never backwards."""

import asyncio
import sys

import asyncpg
import pytest

from utterson.domain.startup import StartupError
from utterson.store.migrate import migrate
from utterson.store.schema import MigrationError, read_migrations

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


async def test_rows_of_an_older_build_are_moved(database_url: str) -> None:
    """Migration 5: digests keep their bytes, and survivors keep what an import brought, here 2, 5 and 1."""
    connection = await asyncpg.connect(database_url)
    for migration in read_migrations()[:4]:
        await connection.execute(migration.sql)
    digests = [bytes(range(16)), bytes(range(240, 256))]
    # 3 was joined into 2 and then, with 2, into 1, as 4 was.
    profiles = [(1, 2 + (5 + 2 + 1) + (0 + 1), 0), (2, 5 + (1 + 1), 1), (3, 1, 2), (4, 0, 1), (5, 7, 0)]
    await connection.executemany("INSERT INTO profiles VALUES (1, $1, 0, 0, $2, $3)", profiles)
    for digest in digests:
        await connection.execute("INSERT INTO identifiers VALUES (1, $1, 0, 1, '', '', '', 0, 0)", digest)
        await connection.execute("INSERT INTO requests VALUES (1, $1, '', 0, 0, 0, '')", digest)
    await connection.execute(read_migrations()[4].sql)
    found = await connection.fetch("SELECT imported_merges FROM profiles ORDER BY serial")
    assert [row["imported_merges"] for row in found] == [2, 5, 1, 0, 7]
    for table in ("identifiers", "requests"):
        found = await connection.fetch(f"SELECT uuid_send(digest) AS digest FROM {table} ORDER BY digest")
        assert [row["digest"] for row in found] == digests
    await connection.close()
