"""How long a call waits for a connection: a short restart costs it that time, a database that is away a second."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.database_doors import Doors, doors_of
from utterson.domain.chain import FailureKind, StoreFailureError
from utterson.store.pool import ConnectionPool, PoolSettings

PATIENCE_MS = 600


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Doors]:
    async with doors_of(database_url) as made:
        yield made


@pytest.fixture
async def pool(database: Doors) -> AsyncIterator[ConnectionPool]:
    opened = await ConnectionPool.open(database.url, PoolSettings(2, 5000, 5000, connect_timeout_ms=PATIENCE_MS))
    yield opened
    await opened.close()


async def ask(pool: ConnectionPool) -> object:
    return await pool.run(lambda connection: connection.fetchval("SELECT 1"))


async def seconds_until_refused(pool: ConnectionPool) -> float:
    began_s = time.monotonic()
    with pytest.raises(StoreFailureError) as caught:
        await ask(pool)
    assert caught.value.kind is FailureKind.UNREACHABLE
    return time.monotonic() - began_s


async def test_a_short_restart_costs_its_time_only(pool: ConnectionPool, database: Doors) -> None:
    await database.close()
    asking = asyncio.create_task(ask(pool))
    await asyncio.sleep(0.3)
    assert not asking.done()
    await database.open()
    assert await asking == 1


async def test_a_database_that_is_away_is_told_once_after_a_time_and_then_at_once(
    pool: ConnectionPool, database: Doors
) -> None:
    await database.close()
    assert 0.3 < await seconds_until_refused(pool) < 0.9
    assert await seconds_until_refused(pool) < 0.2
    await database.open()
    assert await ask(pool) == 1
    await database.close()
    assert 0.3 < await seconds_until_refused(pool) < 0.9


async def test_a_refused_login_is_told_at_once(pool: ConnectionPool, database: Doors) -> None:
    await database.admin.execute(f"CREATE ROLE {database.name} LOGIN")
    try:
        await database.admin.execute(f"REVOKE CONNECT ON DATABASE {database.name} FROM PUBLIC")
        url = database.url.replace("postgres@", f"{database.name}@", 1)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ConnectionPool.open(url, PoolSettings(1, 5000, 5000))
        await database.admin.execute(f"GRANT CONNECT ON DATABASE {database.name} TO {database.name}")
        theirs = await ConnectionPool.open(url, PoolSettings(1, 5000, 5000, connect_timeout_ms=5000))
        await database.admin.execute(f"REVOKE CONNECT ON DATABASE {database.name} FROM {database.name}")
        await database.admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", database.name
        )
        await asyncio.sleep(0.05)
        assert await seconds_until_refused(theirs) < 0.5
        await theirs.close()
    finally:
        await database.admin.execute(f"REVOKE ALL ON DATABASE {database.name} FROM {database.name}")
        await database.admin.execute(f"DROP ROLE {database.name}")


async def test_a_busy_pool_is_waited_for_longer(database: Doors) -> None:
    pool = await ConnectionPool.open(database.url, PoolSettings(1, 5000, 5000, connect_timeout_ms=200))
    busy = asyncio.create_task(pool.run(lambda connection: connection.fetchval("SELECT pg_sleep(0.6)")))
    await asyncio.sleep(0.05)
    assert await ask(pool) == 1
    await busy
    await pool.close()


async def test_a_caller_that_goes_away_leaves_no_exception_unread(pool: ConnectionPool) -> None:
    told: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: told.append(context))
    try:
        for wait_s in (0.0, 0.001, 0.005, 0.02):
            asking = asyncio.create_task(pool.run(lambda connection: connection.fetchval("SELECT 1/0")))
            await asyncio.sleep(wait_s)
            asking.cancel()
            await asyncio.wait({asking})
            if not asking.cancelled():
                assert isinstance(asking.exception(), StoreFailureError)
            del asking
        await asyncio.sleep(0.1)
    finally:
        loop.set_exception_handler(before)
    assert told == []
