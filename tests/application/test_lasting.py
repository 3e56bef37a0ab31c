"""What lasts goes on after a bug, and its end holds nobody up."""

import asyncio
import logging

import pytest

from utterson.application import lasting as module
from utterson.application.lasting import lasting


async def test_what_breaks_off_is_told_without_its_text_and_begins_anew(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_AFTER_S", 0.01)
    begun = asyncio.Queue[int]()
    times = 0

    async def work() -> None:
        nonlocal times
        times += 1
        await begun.put(times)
        if times < 3:
            raise ValueError("ed.hyde@example.com")
        await asyncio.Event().wait()

    with caplog.at_level(logging.ERROR):
        async with lasting({"work": work}):
            async with asyncio.timeout(2):
                assert [await begun.get() for _ in range(3)] == [1, 2, 3]
    assert caplog.text.count("work broke off by a fault and begins anew: ValueError at ") == 2
    assert "hyde" not in caplog.text


async def test_what_returns_is_over_and_the_rest_ends_with_the_context() -> None:
    ended = asyncio.Event()

    async def once() -> None:
        return

    async def for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with lasting({"once": once, "for ever": for_ever}):
        await asyncio.sleep(0)
    assert ended.is_set()
