"""Memory that was freed is given back, in pieces that are worth it."""

import asyncio
import gc
import weakref

import pytest

from utterson import trimming
from utterson.trimming import GROWN_BYTES, TRIM_BYTES, GarbageWatch, Trimmer, own_resident_bytes


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


class _Loop:
    """Names itself, so that only the collector finds it."""

    def __init__(self) -> None:
        self.self = self


async def test_garbage_is_collected_where_the_process_has_grown(monkeypatch: pytest.MonkeyPatch) -> None:
    trims: list[int] = []
    monkeypatch.setattr(trimming, "trim", lambda: trims.append(1))
    memory = [GROWN_BYTES]
    watch = GarbageWatch(lambda: memory[0])
    gc.disable()
    try:
        found = _Loop()
        left = weakref.ref(found)
        gc.collect(1)
        # It is old, so that no small collection finds it.
        del found
        for size in (GROWN_BYTES, GROWN_BYTES // 2, GROWN_BYTES + GROWN_BYTES // 2 - 1):
            memory[0] = size
            await watch.look()
        assert left() is not None
        assert not trims
        memory[0] = GROWN_BYTES + GROWN_BYTES // 2
        await watch.look()
        assert left() is None
        assert len(trims) == 1
        await watch.look()
        assert len(trims) == 1, "it has not grown since"
    finally:
        gc.enable()


def test_the_process_knows_its_memory() -> None:
    assert own_resident_bytes() > 0
