"""Tidying: partitions ahead and away, request ids forgotten."""

import asyncpg
import pytest

from tests.store.conftest import NOW_US, Chain, requested
from utterson.store.maintenance import DAY_US, PARTITION_DAYS_AHEAD
from utterson.store.open_store import Store

TODAY = NOW_US // DAY_US


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
    await store.maintenance.tend_partitions(NOW_US)
    await store.maintenance.tend_partitions(NOW_US)
    await chain.append()
    assert await partitions(database_url) == {
        "log_payload_default": 0,
        f"log_payload_day_{TODAY}": 1,
        **{f"log_payload_day_{TODAY + ahead}": 0 for ahead in range(1, PARTITION_DAYS_AHEAD + 1)},
    }
    (row,) = await store.log.tail(chain.key, 0, 10)
    assert row.payload == b"payload 1"


async def test_old_payload_goes_and_the_chain_stays(chain: Chain, store: Store, database_url: str) -> None:
    await store.maintenance.tend_partitions(NOW_US)
    await chain.append()
    await store.maintenance.tend_partitions(NOW_US + 30 * DAY_US)
    assert f"log_payload_day_{TODAY}" in await partitions(database_url)
    await store.maintenance.tend_partitions(NOW_US + 31 * DAY_US)
    assert f"log_payload_day_{TODAY}" not in await partitions(database_url)
    (row,) = await store.log.tail(chain.key, 0, 10)
    assert (row.seq, row.payload) == (1, None)


async def test_payload_without_a_partition_is_kept_and_expires(chain: Chain, store: Store, database_url: str) -> None:
    await chain.append()
    await store.maintenance.tend_partitions(NOW_US)
    assert (await partitions(database_url))["log_payload_default"] == 1
    assert await store.maintenance.expire_default_payload(NOW_US + 30 * DAY_US) == 0
    assert await store.maintenance.expire_default_payload(NOW_US + 31 * DAY_US) == 1


@pytest.mark.parametrize(("hours", "gone"), [(25, 0), (27, 1)])
async def test_request_ids_go_after_a_day_and_a_bit(chain: Chain, store: Store, hours: int, gone: int) -> None:
    await chain.append(requested(b"a" * 16))
    assert await store.maintenance.expire_requests(NOW_US + hours * 3_600_000_000) == gone
