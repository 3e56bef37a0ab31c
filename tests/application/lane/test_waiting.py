"""What waits in a lane: refused together, but whoever has an answer keeps it."""

import asyncio
from collections import deque

from utterson.application.lane.operation import CatchUp
from utterson.application.lane.waiting import GroupItem, Item, OperationItem, fail, ignored, take
from utterson.application.refusals import shutting_down
from utterson.domain.decisions import ParsedGroup


async def test_a_turn_has_one_operation_or_groups_up_to_its_bound_but_one() -> None:
    loop = asyncio.get_running_loop()
    sizes = [700, 300, 1, 2000]
    groups = [GroupItem(ParsedGroup("soho", [0], size, []), loop.create_future(), size) for size in sizes]
    queue: deque[Item] = deque([*groups[:3], OperationItem(CatchUp(), 1000, loop.create_future()), groups[3]])
    turns = [take(queue, 1000) for _ in range(4)]
    assert [(len(turn.items), turn.calls) for turn in turns] == [(2, 1000), (1, 1), (1, 0), (1, 2000)]
    assert not queue


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
