"""Changing the key of a table of an older database: told in the log, tried again, given up for rows in its way."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from tests.application.conftest import Replica
from tests.store.older import NEW_KEY, OLD_KEY, fill, key_of
from utterson.application.rekeying import rekey
from utterson.domain.chain import FailureKind, StoreFailureError
from utterson.domain.rekeying import RekeyProgress

ROWS = 5_000


class Failing:
    """Fails as often as it is told, then does nothing."""

    def __init__(self, failures: int, kind: FailureKind) -> None:
        self.progress = RekeyProgress("building", 1, 4)
        self.calls = 0
        self._failures = failures
        self._kind = kind

    async def is_due(self) -> bool:
        return True

    async def run(self) -> None:
        self.calls += 1
        await asyncio.sleep(0.05)
        if self.calls <= self._failures:
            raise StoreFailureError(self._kind, "08006")


async def with_old_key(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(f"ALTER TABLE identifiers DROP CONSTRAINT identifiers_pkey, ADD {OLD_KEY}")
    await connection.close()
    await fill(url, ROWS)


async def run_with(replica: Replica, rekeying: object) -> None:
    store = replace(replica.store, rekeying=rekeying)  # type: ignore[arg-type]
    await rekey(replace(replica.context, store=store), tell_every_s=0.01, again_after_s=0.01)


async def test_it_is_done_under_calls_and_told(replica: Replica, url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await with_old_key(url)
    rekeying = asyncio.create_task(rekey(replica.context, tell_every_s=0.001))
    number = 0
    while not rekeying.done():
        await replica.call(f"once:id:{number}")
        number += 1
    await rekeying
    assert await key_of(url) == NEW_KEY
    assert "is changed while calls are served (migration 8)" in caplog.text
    assert "the key of identifiers is changed, in" in caplog.text


async def test_nothing_is_told_where_nothing_is_due(replica: Replica, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await rekey(replica.context)
    assert "key" not in caplog.text


async def test_what_fails_is_tried_again_and_tells_how_far_it_is(
    replica: Replica, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    failing = Failing(2, FailureKind.UNKNOWN)
    await run_with(replica, failing)
    assert failing.calls == 3
    assert caplog.text.count("will be tried again") == 2
    assert "building, 25%" in caplog.text


async def test_rows_in_its_way_end_it_until_the_next_start(replica: Replica, caplog: pytest.LogCaptureFixture) -> None:
    failing = Failing(9, FailureKind.DIVERGENCE)
    await run_with(replica, failing)
    assert failing.calls == 1
    assert "keep their old key" in caplog.text
