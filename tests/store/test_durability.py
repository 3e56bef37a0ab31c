"""A database that may lose acknowledged writes is refused."""

import asyncio
import secrets
from urllib.parse import quote

import asyncpg
import pytest

from tests.store.conftest import NOBODY
from utterson.domain.chain import FailureKind, StoreFailureError
from utterson.engine.core_engine import REQUEST_RETENTION_US
from utterson.settings.database import DatabaseSettings
from utterson.store.durability import UnfitDatabaseError
from utterson.store.embedded import EmbeddedPostgres
from utterson.store.migrate import migrate
from utterson.store.open_store import open_store
from utterson.store.statements import Statement


async def test_commits_that_do_not_wait_for_the_disk_are_refused(database_url: str) -> None:
    await migrate(database_url)
    connection = await asyncpg.connect(database_url)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    await connection.close()
    with pytest.raises(UnfitDatabaseError, match="synchronous_commit is off"):
        await open_store(database_url, DatabaseSettings(), REQUEST_RETENTION_US)


async def test_a_database_of_another_encoding_is_refused_before_anything_is_written(
    postgres_cluster: EmbeddedPostgres,
) -> None:
    arguments = postgres_cluster.connect_kwargs()
    name = f"test_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(**arguments)
    await admin.execute(
        f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0 STRATEGY wal_log"
    )
    url = f"postgresql://{arguments['user']}@/{name}?host={quote(arguments['host'], safe='')}&port={arguments['port']}"
    with pytest.raises(UnfitDatabaseError, match="encoding is not UTF8"):
        await migrate(url)
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0
    await connection.close()
    await admin.execute(f"DROP DATABASE {name}")
    await admin.close()


async def test_settings_are_looked_at_again_by_every_new_connection(database_url: str) -> None:
    await migrate(database_url)
    store = await open_store(database_url, DatabaseSettings(), REQUEST_RETENTION_US)
    await store.fitness.check(1)
    await _execute(database_url, "ALTER DATABASE {} SET synchronous_commit = off")
    # The connections of before began with the setting of before.
    assert await store.workspaces.get("soho") is None
    await _execute(
        database_url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    await asyncio.sleep(0.1)
    for ask in (store.workspaces.get("soho"), store.log.heads([NOBODY]), store.fitness.check(1)):
        with pytest.raises(StoreFailureError) as caught:
            await ask
        assert (caught.value.kind, caught.value.code) == (FailureKind.REFUSED, "unfit")
    await _execute(database_url, "ALTER DATABASE {} RESET synchronous_commit")
    assert await store.workspaces.get("soho") is None
    await store.close()


async def test_a_setting_that_changes_under_living_connections_has_all_of_them_made_anew(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(database_url)
    store = await open_store(database_url, DatabaseSettings(), REQUEST_RETENTION_US)
    before = await _backends(database_url)
    unfit = Statement.DURABILITY.text.replace("current_setting('fsync')", "'off'::text")
    monkeypatch.setitem(Statement.DURABILITY.__dict__, "text", unfit)
    with pytest.raises(StoreFailureError):
        await store.fitness.check(1)
    with pytest.raises(StoreFailureError) as caught:
        await store.workspaces.get("soho")
    assert caught.value.code == "unfit"
    monkeypatch.undo()
    # Each pool makes its own anew when it is next used.
    assert await store.workspaces.get("soho") is None
    assert await store.log.heads([NOBODY]) == {}
    await store.fitness.check(1)
    assert await _backends(database_url) & before == set()
    await store.close()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(statement.format(name))
    await connection.close()


async def _backends(url: str) -> set[int]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()
    return {row["pid"] for row in rows}
