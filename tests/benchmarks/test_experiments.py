"""Experiments whose figures stand in the documents do what they say."""

import asyncpg
from benchmarks.experiments.builds import ratios_table
from benchmarks.experiments.keys import BATCH, BATCHES_IN_ROUND, Key, measure
from benchmarks.harness.readings import CpuSplit, Reading


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


def test_a_build_is_set_beside_the_first_pair_by_pair() -> None:
    def drive(rate: float) -> Reading:
        latency = {"p50": 10 / rate, "p99": 20 / rate}
        return Reading(1, 1, 1.0, rate, latency, wal_bytes_a_call=1000 / rate, cpu=CpuSplit(2.0, 4.0))

    table = ratios_table({"batches": {"old": [drive(10), drive(20)], "new": [drive(20), drive(20)]}})
    cells = {str(column.header): list(column.cells) for column in table.columns}
    assert cells["rate"] == ["1.00 [1.00 to 1.00]", "1.50 [1.00 to 2.00]"]
    assert cells["log bytes"] == ["1.00 [1.00 to 1.00]", "0.75 [0.50 to 1.00]"]
    assert cells["B a call"] == ["75.0", "50.0"]
