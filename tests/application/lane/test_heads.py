"""Heads of logs: read together by all who ask at once, and never older than the asking."""

import asyncio

import pytest

from tests.application.conftest import Replica
from utterson.application.lane.heads import QUERIES_MAX, HeadReader
from utterson.domain.chain import FailureKind, Head, StoreFailureError, WorkspaceKeys


def workspace(key: int) -> WorkspaceKeys:
    """A workspace of that number."""
    return WorkspaceKeys("soho", key, bytes(16), bytes(16), 0, bytes(16), bytes(16))


async def test_heads_are_read_together(replica: Replica) -> None:
    queries = 0
    heads = replica.store.log.heads

    class Counted:
        async def heads(self, keys: list[WorkspaceKeys]) -> dict[WorkspaceKeys, Head]:
            nonlocal queries
            queries += 1
            return await heads(keys)

    reader = HeadReader(Counted())  # type: ignore[arg-type]
    keys = (await replica.lane()).keys
    answers = await asyncio.gather(*(reader.read(keys) for _ in range(50)), reader.read(workspace(404)))
    assert answers[0] is not None
    assert answers[-1] is None
    assert queries <= 2


class Held:
    """Heads that count queries: each query tells its own number, once it is let go."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.failing = False
        self.opened = asyncio.Event()

    async def heads(self, keys: list[WorkspaceKeys]) -> dict[WorkspaceKeys, Head]:
        self.asked.append(sorted(one.workspace_key for one in keys))
        seq = len(self.asked)
        await self.opened.wait()
        if self.failing:
            raise StoreFailureError(FailureKind.UNKNOWN, "08006")
        return {one: Head(seq, bytes(16)) for one in keys}


@pytest.fixture
def held() -> Held:
    return Held()


async def reading(reader: HeadReader, key: int, held: Held, queries: int = 1) -> "asyncio.Task[Head | None]":
    """Ask for a head, and wait until so many queries have left."""
    task = asyncio.create_task(reader.read(workspace(key)))
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(held.asked) == queries
    return task


async def test_who_asks_while_queries_are_on_their_way_gets_the_next(held: Held) -> None:
    reader = HeadReader(held)  # type: ignore[arg-type]
    first = [await reading(reader, 1, held, queries) for queries in range(1, QUERIES_MAX + 1)]
    later = [await reading(reader, key, held, QUERIES_MAX) for key in (1, 2, 2)]
    held.opened.set()
    async with asyncio.timeout(2):
        assert [await one for one in first] == [Head(number, bytes(16)) for number in range(1, QUERIES_MAX + 1)]
        assert set(await asyncio.gather(*later)) == {Head(QUERIES_MAX + 1, bytes(16))}
    assert held.asked == [[1]] * QUERIES_MAX + [[1, 2]]


async def test_who_asks_as_the_last_query_ends_is_answered(held: Held) -> None:
    reader = HeadReader(held)  # type: ignore[arg-type]
    held.opened.set()
    async with asyncio.timeout(5):
        for _ in range(100):
            # Each asks in the very round in which those before are answered.
            assert None not in await asyncio.gather(*(reader.read(workspace(1)) for _ in range(QUERIES_MAX + 1)))


async def test_a_failure_is_told_to_all_who_asked_and_is_over_then(held: Held) -> None:
    reader = HeadReader(held)  # type: ignore[arg-type]
    tasks = [asyncio.create_task(reader.read(workspace(key))) for key in (1, 2)]
    held.failing = True
    held.opened.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in told] == [StoreFailureError] * 2
    held.failing = False
    async with asyncio.timeout(2):
        assert await reader.read(workspace(1)) is not None


async def test_who_goes_away_takes_nobody_along(held: Held) -> None:
    reader = HeadReader(held)  # type: ignore[arg-type]
    first, second = [await reading(reader, 1, held, min(number, QUERIES_MAX)) for number in (1, 2)]
    first.cancel()
    await asyncio.wait({first})
    held.opened.set()
    async with asyncio.timeout(2):
        assert await second == Head(2, bytes(16))
