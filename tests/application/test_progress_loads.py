"""A long load tells how it gets on; a short one says nothing."""

import asyncio
import logging
from typing import cast

import pytest

from utterson.application.ports.engine import StateLoader
from utterson.application.progress import LoadProgress

EVERY_S = 0.02


class Counting:
    """A loader that has taken so many rows."""

    def __init__(self, rows: int) -> None:
        self.rows = rows


async def lines_of(rows: int, expected: int, caplog: pytest.LogCaptureFixture, wait_s: float) -> list[str]:
    progress = LoadProgress("soho", EVERY_S)
    with caplog.at_level(logging.INFO, "utterson.application"):
        async with progress.told():
            progress.begin(cast("StateLoader", Counting(rows)), expected)
            await asyncio.sleep(wait_s)
    return [record.getMessage() for record in caplog.records]


async def test_count_rate_and_time_left(caplog: pytest.LogCaptureFixture) -> None:
    lines = await lines_of(4_000, 1_000_000, caplog, EVERY_S * 4)
    assert lines
    assert lines[0].startswith("workspace soho: loading: 4,000 of about 1,000,000 rows, ")
    assert lines[0].endswith(" s left")


@pytest.mark.parametrize(("rows", "expected"), [(0, 10), (11, 10), (5, 0)])
async def test_no_time_left_where_nobody_can_know(rows: int, expected: int, caplog: pytest.LogCaptureFixture) -> None:
    lines = await lines_of(rows, expected, caplog, EVERY_S * 4)
    assert lines
    assert not any("left" in line for line in lines)


async def test_a_short_load_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert await lines_of(5, 10, caplog, 0) == []
    await asyncio.sleep(EVERY_S * 3)
    assert not caplog.records
