"""What waits in a lane: refused together, but whoever has an answer keeps it."""

import asyncio

from utterson.application.lane.operation import CatchUp
from utterson.application.lane.waiting import OperationItem, fail, ignored
from utterson.application.refusals import shutting_down


async def test_only_whoever_waits_is_refused() -> None:
    loop = asyncio.get_running_loop()
    answered, waiting = (OperationItem(CatchUp(), 1000, loop.create_future()) for _ in range(2))
    answered.receiver.set_result(None)
    refusal = shutting_down()
    fail([answered, waiting], refusal)
    assert answered.receiver.result() is None
    assert waiting.receiver.exception() is refusal


async def test_a_failure_that_nobody_reads_is_no_news() -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    future = ignored()
    future.set_exception(shutting_down())
    await asyncio.sleep(0)
    del future
    assert not told
