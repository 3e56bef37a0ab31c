"""Half of all callers go away: no half effects, the queue empties, the connections are as good as before."""

import asyncio
import random
from collections.abc import Callable

import asyncpg

from tests.crashes.calls import Caller, Sent
from tests.crashes.in_process import lanes, served
from tests.crashes.judging import judge
from tests.crashes.load import Client
from utterson.application.lane.failpoints import Failpoints
from utterson.application.lane.lane import Lane
from utterson.client import UttersonClient
from utterson.domain.failpoints import FailpointPlace

CALLS = 1_000
LEAVING = 8
# Eight for commits, eight for reads, one that asks whether the database is there.
SERVER_CONNECTIONS_MAX = 17


async def _call(client: Client, caller: Caller, chance: random.Random) -> None:
    sent: list[Sent] = [caller.make()] if chance.random() < 0.7 else caller.many(5)
    calling = asyncio.create_task(client.unary(sent[0]) if len(sent) == 1 else client.batch(sent))
    if chance.random() < 0.5:
        await asyncio.sleep(chance.uniform(0, 0.03))
        calling.cancel()
    try:
        await calling
    except asyncio.CancelledError:
        for one in sent:
            one.refusal = "cancelled"


class Pause(Failpoints):
    """Holds a commit that stands already, and whose callers were not answered."""

    def __init__(self, lane: Lane) -> None:
        super().__init__()
        self.committed, self.resumed = asyncio.Event(), asyncio.Event()
        lane._runner._committer._failpoints = self

    async def reach(self, place: FailpointPlace) -> None:
        """Wait here after a commit, until resumed."""
        if place is FailpointPlace.AFTER_COMMIT:
            self.committed.set()
            await self.resumed.wait()


async def _leave_around_a_commit(client: Client, caller: Caller, lane: Lane) -> None:
    """Some callers go away after their commit, some before they are decided: not by chance."""
    pause = Pause(lane)
    sent = [caller.make() for _ in range(2 * LEAVING)]
    callings = [asyncio.create_task(client.unary(one)) for one in sent[:LEAVING]]
    await asyncio.wait_for(pause.committed.wait(), 10)
    callings += [asyncio.create_task(client.unary(one)) for one in sent[LEAVING:]]
    await _until(lambda: lane._queued_calls >= LEAVING)
    for calling in callings:
        calling.cancel()
    await asyncio.wait(callings)
    for one in sent:
        one.refusal = "cancelled"
    await _until(lambda: all(item.receiver.done() for item in lane._queue))
    pause.resumed.set()


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


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
            (lane,) = lanes()
            await _leave_around_a_commit(calls, caller, lane)
        cancelled = sum(sent.refusal == "cancelled" for sent in caller.sent)
        assert cancelled > CALLS * 0.3, "hardly anybody went away"
        assert {sent.refusal for sent in caller.sent} <= {"", "cancelled"}
        await _until(lambda: not lane._queue)
        assert (len(lane._queue), lane._queued_calls, len(lane._resolving.fillers)) == (0, 0, 0)
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
