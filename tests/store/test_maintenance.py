"""Tidying: partitions ahead and away, request ids forgotten."""

import time

import asyncpg
import pytest

from tests.store.conftest import Chain, requested
from utterson.store.maintenance import DAY_US, PARTITION_DAYS_AHEAD
from utterson.store.open_store import Store

# By both clocks long ago.
THEN_US = time.time_ns() // 1000 - 60 * DAY_US
TODAY = THEN_US // DAY_US


async def partitions(url: str) -> dict[str, int]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'log_payload'::regclass"
        )
        return {row["name"]: await connection.fetchval(f"SELECT count(*) FROM {row['name']}") for row in rows}
    finally:
        await connection.close()


async def test_partitions_are_made_ahead_once(chain: Chain, store: Store, database_url: str) -> None:
    await store.maintenance.tend_partitions(THEN_US)
    await store.maintenance.tend_partitions(THEN_US)
    await chain.append(commit_time_us=THEN_US)
    assert await partitions(database_url) == {
        "log_payload_default": 0,
        f"log_payload_day_{TODAY}": 1,
        **{f"log_payload_day_{TODAY + ahead}": 0 for ahead in range(1, PARTITION_DAYS_AHEAD + 1)},
    }
    (row,) = await store.log.tail(chain.keys, 0, 10)
    assert row.payload == b"payload 1"


async def test_old_payload_goes_and_the_chain_stays(chain: Chain, store: Store, database_url: str) -> None:
    await store.maintenance.tend_partitions(THEN_US)
    await chain.append(commit_time_us=THEN_US)
    await store.maintenance.tend_partitions(THEN_US + 30 * DAY_US)
    assert f"log_payload_day_{TODAY}" in await partitions(database_url)
    await store.maintenance.tend_partitions(THEN_US + 31 * DAY_US)
    assert f"log_payload_day_{TODAY}" not in await partitions(database_url)
    (row,) = await store.log.tail(chain.keys, 0, 10)
    assert (row.seq, row.payload) == (1, None)


async def test_payload_without_a_partition_is_kept_and_expires(chain: Chain, store: Store, database_url: str) -> None:
    await chain.append(commit_time_us=THEN_US)
    await store.maintenance.tend_partitions(THEN_US)
    assert (await partitions(database_url))["log_payload_default"] == 1
    assert await store.maintenance.expire_default_payload(THEN_US + 30 * DAY_US) == 0
    assert await store.maintenance.expire_default_payload(THEN_US + 31 * DAY_US) == 1


@pytest.mark.parametrize(("hours", "gone"), [(25, 0), (27, 1)])
async def test_request_ids_go_after_a_day_and_a_bit(chain: Chain, store: Store, hours: int, gone: int) -> None:
    await chain.append(requested(b"a" * 16), commit_time_us=THEN_US)
    assert await store.maintenance.expire_requests(THEN_US + hours * 3_600_000_000) == gone


async def test_a_clock_that_is_ahead_drops_nothing_that_is_young(chain: Chain, store: Store, database_url: str) -> None:
    now_us = time.time_ns() // 1000
    await store.maintenance.tend_partitions(now_us)
    await chain.append(requested(b"a" * 16), commit_time_us=now_us)
    in_a_century_us = now_us + 36_525 * DAY_US
    await store.maintenance.tend_partitions(in_a_century_us)
    assert (await partitions(database_url))[f"log_payload_day_{now_us // DAY_US}"] == 1
    assert await store.maintenance.expire_requests(in_a_century_us) == 0
    assert await store.maintenance.expire_default_payload(in_a_century_us) == 0
