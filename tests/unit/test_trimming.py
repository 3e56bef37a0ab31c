"""Memory that was freed is given back, in pieces that are worth it."""

import asyncio

import pytest

from utterson import trimming
from utterson.trimming import TRIM_BYTES, Trimmer


async def test_much_that_was_freed_is_given_back_once(monkeypatch: pytest.MonkeyPatch) -> None:
    trims: list[int] = []
    monkeypatch.setattr(trimming, "trim", lambda: trims.append(1))
    monkeypatch.setattr(trimming, "DELAY_S", 0.01)
    trimmer = Trimmer()
    trimmer.freed(TRIM_BYTES - 1)
    await asyncio.sleep(0.1)
    assert not trims
    for _ in range(3):
        trimmer.freed(TRIM_BYTES // 2)
    await asyncio.sleep(0.1)
    assert len(trims) == 1
    trimmer.freed(TRIM_BYTES)
    await asyncio.sleep(0.1)
    assert len(trims) == 2


def test_trimming_works_here() -> None:
    trimming.trim()
