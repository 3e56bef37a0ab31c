"""The key of identifiers in a database of 0.1 is changed while servers commit, whoever is killed meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.store.conftest import ANY_CLOCK, Chain, attached, created, new_chain
from tests.store.older import BEFORE_REKEYING, NEW_KEY, OLD_KEY, fill, key_of, migrate_up_to
from utterson.domain.chain import FailureKind, StoreFailureError
from utterson.engine.core_engine import REQUEST_RETENTION_US
from utterson.store.migrate import migrate
from utterson.store.open_store import Store, open_store
from utterson.store.rekeying import RekeyingStore

ROWS = 20_000
BUILDERS = "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database()"
END_BUILDERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index WHERE datname = current_database()"
INDEXES = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('identifiers_by_profile')"


@pytest.fixture
async def older_url(database_url: str) -> str:
    """A database of 0.1 with rows, as this build finds it once its migrations are applied."""
    await migrate_up_to(database_url, BEFORE_REKEYING)
    await fill(database_url, ROWS)
    assert await migrate(database_url) == [8, 9, 10]
    return database_url


@pytest.fixture
async def store(older_url: str) -> AsyncIterator[Store]:
    opened = await open_store(older_url, ANY_CLOCK, REQUEST_RETENTION_US)
    yield opened
    await opened.close()


@asynccontextmanager
async def held_up(url: str, statement: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Keep a transaction open that whoever builds or swaps has to wait for."""
    connection = await asyncpg.connect(url)
    await connection.execute(f"BEGIN; {statement}")
    try:
        yield connection
    finally:
        await connection.close()


async def until(url: str, query: str, expected: object) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(20):
            while await connection.fetchval(query) != expected:
                await asyncio.sleep(0.01)
    finally:
        await connection.close()


async def work(chain: Chain, rounds: int) -> None:
    """Commit what touches identifiers in every way: one comes, is seen, moves to another profile, goes."""
    for number in range(chain.head.seq * 2 + 1, chain.head.seq * 2 + 2 * rounds + 1, 2):
        digest, one, other = number.to_bytes(16), number, number + 1
        await chain.append(created(one, other) | attached((digest, 0, one)))
        await chain.append({17: [one], 18: [digest], 19: [0], 20: [9]})
        gone: dict[int, list[object]] = {6: [one], 7: [digest], 8: [0]}
        await chain.append(gone | attached((digest, 0, other)))
        await chain.append({6: [other], 7: [digest], 8: [0]})


async def test_an_empty_table_has_the_new_key_at_once(database_url: str) -> None:
    await migrate_up_to(database_url, BEFORE_REKEYING)
    await migrate(database_url)
    assert await key_of(database_url) == NEW_KEY
    assert not await RekeyingStore(database_url).is_due()


async def test_servers_commit_before_meanwhile_and_after(older_url: str, store: Store) -> None:
    assert await key_of(older_url) == OLD_KEY
    chain = await new_chain(store, "soho")
    await work(chain, 3)
    async with held_up(older_url, "LOCK TABLE identifiers IN ROW EXCLUSIVE MODE"):
        running = asyncio.create_task(store.rekeying.run())
        await until(older_url, BUILDERS, 1)
        await work(chain, 3)
        assert not running.done()
    while not running.done():
        await work(chain, 1)
    await running
    assert await key_of(older_url) == NEW_KEY
    await work(chain, 3)
    assert not await store.rekeying.is_due()


async def test_of_several_servers_one_builds_and_the_others_see_it(older_url: str) -> None:
    stores = [RekeyingStore(older_url) for _ in range(3)]
    async with held_up(older_url, "LOCK TABLE identifiers IN ROW EXCLUSIVE MODE"):
        running = [asyncio.create_task(one.run()) for one in stores]
        await until(older_url, BUILDERS, 1)
        async with asyncio.timeout(20):
            while not all("waiting for writers" in one.progress.step for one in stores):
                await asyncio.sleep(0.05)
    await asyncio.gather(*running)
    assert await key_of(older_url) == NEW_KEY


async def test_what_a_killed_backend_left_is_built_anew(older_url: str, store: Store) -> None:
    async with held_up(older_url, "LOCK TABLE identifiers IN ROW EXCLUSIVE MODE") as connection:
        running = asyncio.create_task(store.rekeying.run())
        await until(older_url, BUILDERS, 1)
        await connection.execute(END_BUILDERS)
        with pytest.raises(StoreFailureError):
            await running
    await until(older_url, INDEXES, False)
    assert await key_of(older_url) == OLD_KEY
    await store.rekeying.run()
    assert await key_of(older_url) == NEW_KEY


async def test_a_server_that_stops_in_the_middle_leaves_the_rest_to_another(older_url: str) -> None:
    gone, other = RekeyingStore(older_url), RekeyingStore(older_url)
    async with held_up(older_url, "LOCK TABLE identifiers IN ROW EXCLUSIVE MODE"):
        running = asyncio.create_task(gone.run())
        await until(older_url, BUILDERS, 1)
        running.cancel()
        following = asyncio.create_task(other.run())
        await until(older_url, BUILDERS, 1)
    await following
    assert await key_of(older_url) == NEW_KEY


async def test_who_reads_the_table_for_long_holds_up_no_commit(older_url: str, store: Store) -> None:
    """A load reads for minutes; the lock that the change asks for keeps commits waiting behind it."""
    chain = await new_chain(store, "soho")
    connection = await asyncpg.connect(older_url)
    await connection.execute(
        "CREATE UNIQUE INDEX identifiers_by_profile ON identifiers (workspace_key, profile, digest)"
    )
    await connection.close()
    async with held_up(older_url, "LOCK TABLE identifiers IN ACCESS SHARE MODE"):
        running = asyncio.create_task(store.rekeying.run())
        begin_s = asyncio.get_running_loop().time()
        for _ in range(5):
            await work(chain, 1)
            await asyncio.sleep(0.1)
        assert asyncio.get_running_loop().time() - begin_s < 3
        assert not running.done()
    await running
    assert await key_of(older_url) == NEW_KEY


async def test_rows_that_the_new_key_does_not_allow_are_told(older_url: str, store: Store) -> None:
    connection = await asyncpg.connect(older_url)
    await connection.execute("INSERT INTO identifiers SELECT 999, md5('7')::uuid, 7, 7, 'email', '', '', 1, 1")
    await connection.close()
    with pytest.raises(StoreFailureError) as caught:
        await store.rekeying.run()
    assert caught.value.kind is FailureKind.DIVERGENCE
    assert await key_of(older_url) == OLD_KEY
    # Commits go by the old key still.
    await work(await new_chain(store, "soho"), 2)
