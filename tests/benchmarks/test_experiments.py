"""Experiments whose figures stand in the documents do what they say."""

import asyncpg
from benchmarks.experiments.keys import BATCH, BATCHES_IN_ROUND, Key, measure


async def test_each_key_gets_the_same_number_of_rows(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    readings = await measure(connection, identifiers=300, rounds=1, seed=7)
    counts = {key: await connection.fetchval(f"SELECT count(*) FROM {key.table}") for key in Key}
    keys = await connection.fetch(
        "SELECT conrelid::regclass::text AS name, pg_get_constraintdef(oid) AS made FROM pg_constraint"
        " WHERE contype = 'p' AND conrelid::regclass::text LIKE 'identifiers_by_%'"
    )
    await connection.close()
    assert set(counts.values()) == {300 + BATCH * BATCHES_IN_ROUND}
    assert all(us_a_row > 0 for each in readings.values() for us_a_row in each)
    assert {row["name"]: row["made"] for row in keys} == {
        key.table: f"PRIMARY KEY ({key.value})" for key in Key if key.value
    }
