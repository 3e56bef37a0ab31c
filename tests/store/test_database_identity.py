"""Which database this is: what shows a restore is seen on the next connection, and begins an era."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from tests.store.conftest import ANY_CLOCK, Chain, created
from utterson.domain.chain import WorkspaceKeys
from utterson.engine.core_engine import REQUEST_RETENTION_US
from utterson.store.migrate import migrate
from utterson.store.open_store import Store, open_store

END_CONNECTIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
FOREIGN_ID = "UPDATE database_ids SET id = uuid_send(gen_random_uuid())"


@pytest.fixture
async def connection(store: Store, database_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(database_url)
    yield opened
    await opened.close()


async def keys_of(store: Store) -> WorkspaceKeys:
    """Who the workspace is by now."""
    stored = await store.workspaces.get("soho")
    assert stored is not None
    return stored.keys


async def opened_anew(url: str) -> WorkspaceKeys:
    """Who the workspace is to a server that is started now."""
    later = await open_store(url, ANY_CLOCK, REQUEST_RETENTION_US)
    try:
        return await keys_of(later)
    finally:
        await later.close()


async def test_a_database_that_nobody_looked_at_gets_its_signs_and_no_era(database_url: str) -> None:
    await migrate(database_url)
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT database_oid FROM database_ids") is None
    opened = await open_store(database_url, ANY_CLOCK, REQUEST_RETENTION_US)
    rows = await connection.fetch("SELECT * FROM database_ids")
    signs = await connection.fetchrow("SELECT * FROM database_signs()")
    await opened.close()
    await connection.close()
    assert signs is not None
    assert [(row["system_identifier"], row["timeline"], row["database_oid"]) for row in rows] == [tuple(signs)]
    assert None not in tuple(signs)


async def test_a_server_that_is_started_anew_finds_nothing_lost(chain: Chain, database_url: str) -> None:
    assert await opened_anew(database_url) == chain.keys


@pytest.mark.parametrize("sign", ["system_identifier", "timeline", "database_oid"])
async def test_another_sign_begins_an_era_once(
    chain: Chain, connection: asyncpg.Connection, database_url: str, sign: str
) -> None:
    await chain.append(created(1))
    await connection.execute(f"UPDATE database_ids SET {sign} = {sign} - 1")
    keys = await opened_anew(database_url)
    assert keys.database_id != chain.keys.database_id
    assert [era & 0xFFFF_FFFF for era in keys.id_eras] == [2]
    assert await opened_anew(database_url) == keys


async def test_a_copy_by_createdb_is_a_database_of_its_own(chain: Chain, store: Store, database_url: str) -> None:
    """The real thing: the copy's ids part from the original's, and the original stays what it is."""
    await chain.append(created(1))
    await store.close()
    parts = urlsplit(database_url)
    name = parts.path.removeprefix("/")
    admin = await asyncpg.connect(urlunsplit(parts._replace(path="/postgres")))
    try:
        await admin.execute(f"CREATE DATABASE {name}_copy TEMPLATE {name}")
        copied = await opened_anew(urlunsplit(parts._replace(path=f"{parts.path}_copy")))
        assert (copied.workspace_key, copied.genesis_id) == (chain.key, chain.keys.genesis_id)
        assert len(copied.id_eras) == 1
        assert await opened_anew(database_url) == chain.keys
    finally:
        await admin.execute(f"DROP DATABASE {name}_copy WITH (FORCE)")
        await admin.close()


async def test_an_id_that_the_database_does_not_know_any_more(
    chain: Chain, store: Store, connection: asyncpg.Connection
) -> None:
    await connection.execute(FOREIGN_ID)
    await store.identity.look()
    assert len((await keys_of(store)).id_eras) == 1
    await store.identity.look()
    assert len((await keys_of(store)).id_eras) == 1


async def test_a_log_that_is_shorter_than_it_was(chain: Chain, store: Store) -> None:
    watch = store.identity._watch
    await store.identity.look()
    watch._wal_bytes += 2**40
    await store.identity.look()
    assert len((await keys_of(store)).id_eras) == 1
    await chain.store.log.heads([chain.keys])
    await store.identity.look()
    assert len((await keys_of(store)).id_eras) == 1


async def test_each_new_connection_is_looked_at(chain: Chain, store: Store, connection: asyncpg.Connection) -> None:
    await connection.execute(FOREIGN_ID)
    await connection.fetch(END_CONNECTIONS)
    async with asyncio.timeout(5):
        while not (eras := await connection.fetchval("SELECT id_eras FROM workspaces")):
            try:
                await store.log.heads([chain.keys])
            except Exception:
                await asyncio.sleep(0.01)
    assert len(eras) == 1


async def test_a_role_that_may_not_look_at_the_cluster_goes_by_the_rest(
    chain: Chain, store: Store, connection: asyncpg.Connection
) -> None:
    await connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    await connection.execute("CREATE ROLE reader_of_signs")
    try:
        await connection.execute("SET ROLE reader_of_signs")
        signs = await connection.fetchrow("SELECT * FROM database_signs()")
        await connection.execute("RESET ROLE")
    finally:
        await connection.execute("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC")
        await connection.execute("DROP ROLE reader_of_signs")
    assert signs is not None
    assert (signs["system_identifier"], signs["database_oid"] > 0) == (None, True)
