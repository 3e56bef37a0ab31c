"""Experiments whose figures stand in the documents do what they say."""

import asyncpg
from benchmarks.experiments.builds import ratios_table
from benchmarks.experiments.keys import Key, Size, costs_table, measure
from benchmarks.experiments.synthetic import ATTACHED, CREATED
from benchmarks.harness.readings import CpuSplit, Reading

from utterson.store.migrate import migrate


async def test_each_key_gets_the_same_calls(database_url: str) -> None:
    await migrate(database_url)
    size = Size(identifiers=300, calls_in_commit=100, commits_first=5, commits_between=2, rounds=2)
    found = await measure(database_url, size)
    assert {key: len(rounds) for key, rounds in found.items()} == {
        (key, phase): 2 for key in Key for phase in ("first", "later", "whole")
    }
    assert all(costs.backend_cpu_us > 0 and costs.log_bytes > 0 for rounds in found.values() for costs in rounds)
    connection = await asyncpg.connect(database_url)
    # Plans are made by ten commits before the readings.
    calls = 4 * (10 + 5 + 2 + 5) * 100
    assert await connection.fetchval("SELECT count(*) FROM identifiers") == 300 + round(calls * ATTACHED)
    assert await connection.fetchval("SELECT count(*) FROM profiles") == 100 + round(calls * CREATED)
    key = await connection.fetchval(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", "identifiers_pkey"
    )
    await connection.close()
    assert key == f"PRIMARY KEY ({Key.DIGEST.value})"
    table = costs_table(found, size)
    assert list(table.columns[1].cells) == ["digest", "profile", "ratio"] * 3


def test_a_build_is_set_beside_the_first_pair_by_pair() -> None:
    def drive(rate: float) -> Reading:
        return Reading(1, 1, 1.0, rate, {"p50": 10 / rate, "p99": 20 / rate}, cpu=CpuSplit(2.0, 4.0))

    table = ratios_table({"batches": {"old": [drive(10), drive(20)], "new": [drive(20), drive(20)]}})
    rates = list(next(column for column in table.columns if column.header == "rate").cells)
    assert rates == ["1.00 [1.00 to 1.00]", "1.50 [1.00 to 2.00]"]
