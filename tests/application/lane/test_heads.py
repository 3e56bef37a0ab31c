"""Heads of logs: read together by all who ask at once."""

import asyncio

from tests.application.conftest import Replica
from utterson.application.lane.heads import HeadReader
from utterson.domain.chain import Head


async def test_heads_are_read_together(replica: Replica) -> None:
    queries = 0
    heads = replica.store.log.heads

    class Counted:
        async def heads(self, keys: list[int]) -> dict[int, Head]:
            nonlocal queries
            queries += 1
            return await heads(keys)

    reader = HeadReader(Counted())  # type: ignore[arg-type]
    key = (await replica.lane()).keys.workspace_key
    answers = await asyncio.gather(*(reader.read(key) for _ in range(50)), reader.read(404))
    assert answers[0] is not None
    assert answers[-1] is None
    assert queries <= 2
