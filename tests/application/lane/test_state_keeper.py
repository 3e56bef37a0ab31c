"""The state of a lane: loaded once, brought up to the log, dropped where the log went another way."""

import asyncio

from tests.application.conftest import Replica
from tests.application.faulty import execute


async def test_first_calls_share_one_load(replica: Replica) -> None:
    loads = 0
    loader = replica.context.engine.loader

    def counted(*arguments: object) -> object:
        nonlocal loads
        loads += 1
        return loader(*arguments)  # type: ignore[arg-type]

    replica.context.engine.loader = counted  # type: ignore[method-assign, assignment]
    await asyncio.gather(*(replica.call("read:x") for _ in range(50)))
    assert loads == 1


async def test_a_history_that_lost_its_end_is_noticed_by_writers_and_readers(replica: Replica, url: str) -> None:
    for number in range(3):
        await replica.call(f"add:{number}")
    cut = (
        "DELETE FROM log WHERE seq > 1",
        "DELETE FROM profiles WHERE serial > 1",
        "DELETE FROM identifiers WHERE profile > 1",
    )
    await execute(url, *cut)
    assert (await replica.call("read:2"))["serial"] == 0
    assert (await replica.call("add:9"))["serial"] == 2
    await execute(url, *cut)
    assert (await replica.call("add:8"))["serial"] == 2


async def test_payload_that_was_dropped_before_it_was_read(replica: Replica, other: Replica, url: str) -> None:
    await other.state()
    await replica.call("add:x")
    await execute(url, "DELETE FROM log_payload")
    assert (await other.call("read:x"))["serial"] == 1
