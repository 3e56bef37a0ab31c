"""kill -9 while two servers of this build change the key of a database of 0.1, under load."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import asyncpg
import pytest

from tests.crashes.load import load_on
from tests.crashes.rig import Rig, Victim, opened_rig
from tests.embedded.processes import NEEDS_PROC
from tests.store.older import BEFORE_REKEYING, NEW_KEY, OLD_KEY, fill, key_of, migrate_up_to
from utterson.store.migrate import migrate

pytestmark = NEEDS_PROC

ROWS = 200_000
BUILDERS = "SELECT count(*) FROM pg_stat_progress_create_index"
INDEXES = "SELECT count(*) FROM pg_index WHERE indrelid = 'identifiers'::regclass"


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """A rig on a database of 0.1 with rows, brought to this build's tables: the key is changed by servers later."""
    async with opened_rig() as opened:
        await migrate_up_to(opened.cluster.dsn, BEFORE_REKEYING)
        await fill(opened.cluster.dsn, ROWS)
        await migrate(opened.cluster.dsn)
        yield opened


@pytest.mark.parametrize("victim", [Victim.SERVER, Victim.SERVER_AND_POSTMASTER])
async def test_a_kill_while_the_key_is_changed(rig: Rig, victim: Victim) -> None:
    other = rig.another_server()
    # Whoever builds waits for this transaction: the kill falls into the middle.
    blocker = await asyncpg.connect(rig.cluster.dsn)
    await blocker.execute("BEGIN; LOCK TABLE identifiers IN ROW EXCLUSIVE MODE")
    await rig.server.start()
    await other.start()
    caller = await rig.caller(seed=2)
    try:
        async with load_on(rig.server.address, caller):
            await _until(rig, BUILDERS, 1)
            await asyncio.sleep(0.5)
            await rig.kill(victim)
            if victim is Victim.SERVER:
                assert await key_of(rig.cluster.dsn) == OLD_KEY
            await rig.server.start()
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await blocker.execute("ROLLBACK")
            # The key by profile alone: nothing is left of the one before, nor of what was broken off.
            await _until(rig, INDEXES, 1)
            await asyncio.sleep(0.3)
        assert await key_of(rig.cluster.dsn) == NEW_KEY
        figures = await rig.judged(caller)
        print(figures)
        assert figures.acknowledged > 200, "the load was no load"
    finally:
        await blocker.close()
        await other.stop()


async def _until(rig: Rig, query: str, expected: int) -> None:
    async with asyncio.timeout(60):
        while await _asked(rig, query) != expected:
            await asyncio.sleep(0.02)


async def _asked(rig: Rig, query: str) -> int | None:
    try:
        connection = await asyncpg.connect(rig.cluster.dsn)
    except (OSError, asyncpg.PostgresError):
        return None
    try:
        found: int = await connection.fetchval(query)
        return found
    finally:
        await connection.close()
