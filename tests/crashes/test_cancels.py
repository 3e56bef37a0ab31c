"""Half of all callers go away: no half effects, the queue empties, the connections are as good as before."""

import asyncio
import random

import asyncpg

from tests.crashes.calls import Caller, Sent
from tests.crashes.in_process import lanes, served
from tests.crashes.judging import judge
from tests.crashes.load import Client
from utterson.client import UttersonClient

CALLS = 1_000
SERVER_CONNECTIONS_MAX = 16


async def _call(client: Client, caller: Caller, chance: random.Random) -> None:
    sent: list[Sent] = [caller.make()] if chance.random() < 0.7 else caller.many(5)
    calling = asyncio.create_task(client.unary(sent[0]) if len(sent) == 1 else client.batch(sent))
    if chance.random() < 0.5:
        # Where answers are slow, only a patient caller is still there when its call is decided.
        await asyncio.sleep(chance.uniform(0, chance.choice((0.02, 0.03, 0.03, 0.1))))
        calling.cancel()
    try:
        await calling
    except asyncio.CancelledError:
        for one in sent:
            one.refusal = "cancelled"


async def test_callers_that_go_away(database_url: str) -> None:
    caller, chance = Caller(4, "soho"), random.Random(4)
    async with served(database_url) as address:
        async with UttersonClient(address) as client:
            await client.create_workspace("soho", preset="identity_graph_rules")
        async with Client(address, caller) as calls:
            slots = asyncio.Semaphore(100)

            async def limited() -> None:
                async with slots:
                    await _call(calls, caller, chance)

            await asyncio.gather(*(limited() for _ in range(CALLS)))
        cancelled = sum(sent.refusal == "cancelled" for sent in caller.sent)
        assert cancelled > CALLS * 0.3, "hardly anybody went away"
        assert {sent.refusal for sent in caller.sent} <= {"", "cancelled"}
        (lane,) = lanes()
        for _ in range(100):
            if not lane._queue:
                break
            await asyncio.sleep(0.05)
        assert (len(lane._queue), lane._queued_calls, len(lane._fillers)) == (0, 0, 0)
        figures = await judge(database_url, address, caller)
        assert figures.committed_unheard > 0, "no caller went away after its call was decided"
        assert figures.unknown > figures.committed_unheard, "no call was dropped before it was decided"
        connection = await asyncpg.connect(database_url)
        states = await connection.fetch(
            "SELECT state FROM pg_stat_activity WHERE application_name = 'utterson' AND datname = current_database()"
        )
        await connection.close()
        assert {row["state"] for row in states} == {"idle"}
        assert len(states) <= SERVER_CONNECTIONS_MAX


async def test_streams_that_go_away(database_url: str) -> None:
    caller = Caller(5, "soho")
    async with served(database_url) as address:
        async with UttersonClient(address) as client:
            await client.create_workspace("soho", preset="identity_graph_rules")
        stop = asyncio.Event()
        for number in range(20):
            async with Client(address, caller) as streaming:
                task = asyncio.create_task(streaming.run_streams(stop))
                await asyncio.sleep(0.01 * number)
                task.cancel()
                await asyncio.wait({task})
        async with Client(address, caller) as calls:
            await asyncio.wait_for(calls.unary(caller.make()), 5)
        assert caller.sent[-1].acknowledged
        assert await _settled(lanes()[0])
        await judge(database_url, address, caller)


async def _settled(lane: object) -> bool:
    await asyncio.sleep(0.1)
    return not getattr(lane, "_queue", None)
