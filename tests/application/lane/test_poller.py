"""The poller: busy workspaces are looked at, so that local answers are fresh."""

import asyncio

from tests.application.conftest import Replica, replica_on
from utterson.application.lane.poller import poll_heads
from utterson.application.limits import Limits


async def test_the_poller_brings_a_busy_replica_up(replica: Replica, url: str) -> None:
    async with replica_on(url, Limits(head_poll_ms=10)) as polled:
        state = await polled.state()
        polling = asyncio.create_task(poll_heads(polled.lanes, polled.context))
        await replica.call("add:x")
        async with asyncio.timeout(2):
            while state.head.seq < 1:
                await asyncio.sleep(0.01)
        assert (await polled.call("local:x"))["serial"] == 1
        polling.cancel()
