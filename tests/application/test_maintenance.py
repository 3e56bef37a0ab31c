"""Tidying: prepared before the first commit, done to the end, tried again where it failed."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from tests.application.conftest import Replica
from utterson.application import maintenance
from utterson.domain.chain import FailureKind, StoreFailureError

DAY_US = 24 * 60 * 60 * 1_000_000


async def partitions(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(
            await connection.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = 'log_payload'::regclass")
        )
    finally:
        await connection.close()


def away(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Take the database away from the partitions; tells when they were asked for."""
    asked: list[int] = []

    async def fail(now_us: int) -> None:
        asked.append(now_us)
        raise StoreFailureError(FailureKind.UNKNOWN, "08006")

    monkeypatch.setattr(replica.store.maintenance, "tend_partitions", fail)
    return asked


async def test_partitions_are_made_before_the_first_commit(replica: Replica, url: str) -> None:
    before = await partitions(url)
    await maintenance.prepare(replica.context)
    assert await partitions(url) > before


async def test_preparing_fails_without_keeping_the_server_from_its_start(
    replica: Replica, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = away(replica, monkeypatch)
    await maintenance.prepare(replica.context)
    assert len(asked) == 1
    assert "will be made later" in caplog.text


async def test_old_request_ids_are_forgotten_and_new_ones_kept(replica: Replica, url: str) -> None:
    await replica.call("once:id:x")
    connection = await asyncpg.connect(url)
    count = "SELECT count(*) FROM requests"
    await maintenance.tidy_once(replica.context)
    assert await connection.fetchval(count) == 1
    in_two_days = replica.context.clock_us() + 2 * DAY_US
    await maintenance.tidy_once(replace(replica.context, clock_us=lambda: in_two_days))
    assert await connection.fetchval(count) == 1, "by the database's clock it is young"
    await connection.execute("UPDATE requests SET commit_time_us = commit_time_us - $1", 2 * DAY_US)
    await maintenance.tidy_once(replica.context)
    assert await connection.fetchval(count) == 0
    await connection.close()


async def test_tidying_goes_on_until_nothing_is_due(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "BATCH_PAUSE_S", 0)
    left = {"expire_requests": [2, 1, 0], "expire_default_payload": [5, 0]}
    for step, counts in left.items():

        async def expire(now_us: int, counts: list[int] = counts) -> int:
            return counts.pop(0)

        monkeypatch.setattr(replica.store.maintenance, step, expire)
    await maintenance.tidy_once(replica.context)
    assert left == {"expire_requests": [], "expire_default_payload": []}


async def test_a_failure_is_tried_again_next_time(
    replica: Replica, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = away(replica, monkeypatch)
    monkeypatch.setattr(maintenance, "TEND_EVERY_S", 0.005)
    tidying = asyncio.create_task(maintenance.tidy(replica.context))
    async with asyncio.timeout(2):
        while len(asked) < 3:
            await asyncio.sleep(0.005)
    assert not tidying.done()
    tidying.cancel()
    await asyncio.wait({tidying})
    assert tidying.cancelled()
    assert "tried again" in caplog.text
