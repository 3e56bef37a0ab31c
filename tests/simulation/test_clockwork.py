"""The virtual clock: it jumps, and whoever would wait or be busy for ever is told."""

import asyncio
from random import Random

import pytest

from tests.simulation.clockwork import StuckError, run_virtually
from tests.simulation.network import Session


def test_a_long_time_is_over_at_once() -> None:
    assert run_virtually(lambda loop: asyncio.sleep(3_600, loop.time() + 3_600), Random(0), 10_000) == 3_600


def test_what_never_happens_is_told() -> None:
    with pytest.raises(TimeoutError):
        run_virtually(lambda loop: asyncio.wait([loop.create_future()]), Random(0), 10)


def test_who_is_busy_for_ever_is_told() -> None:
    async def busy() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(StuckError, match="time stands still"):
        run_virtually(lambda loop: busy(), Random(0), 10)


def test_a_freeze_ends_though_its_end_cannot_be_told_from_now() -> None:
    async def frozen(loop: asyncio.AbstractEventLoop) -> float:
        await asyncio.sleep(1)
        session = Session("a", thawed_at_s=1 + 3e-16)
        await session.thawed()
        return loop.time()

    assert run_virtually(frozen, Random(0), 10) == pytest.approx(1)
