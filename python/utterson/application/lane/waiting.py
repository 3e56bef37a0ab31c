"""What waits in a lane, and what it takes of that at once."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

from utterson.application.lane.operation import Batch, Operation
from utterson.application.lane.receiver import Receiver
from utterson.domain.decisions import ParsedGroup
from utterson.domain.errors import UttersonError


@dataclass(slots=True)
class GroupItem:
    """A group of calls that waits for its turn; `calls` is how many."""

    group: ParsedGroup
    receiver: Receiver
    calls: int


@dataclass(slots=True)
class OperationItem:
    """An operation that waits for a turn to itself."""

    operation: Operation
    timeout_ms: int
    receiver: asyncio.Future[None]


Item: TypeAlias = GroupItem | OperationItem


@dataclass(slots=True)
class Turn:
    """What is taken from the queue at once; `batch` is there where its calls were decided ahead."""

    items: list[Item]
    calls: int
    batch: Batch | None = None


def take(queue: deque[Item], calls_max: int) -> Turn:
    """Take the next turn's items: one operation of its own, or groups up to so many calls, but one at least."""
    items: list[Item] = []
    calls = 0
    while queue:
        item = queue[0]
        if isinstance(item, OperationItem):
            if not items:
                items.append(queue.popleft())
            break
        if items and calls + item.calls > calls_max:
            break
        items.append(queue.popleft())
        calls += item.calls
    return Turn(items, calls)


def fail(items: "list[Item] | list[GroupItem] | list[OperationItem]", error: UttersonError) -> None:
    """Refuse all that wait for these."""
    for item in items:
        if not item.receiver.done():
            item.receiver.set_exception(error)


def ignored() -> "asyncio.Future[None]":
    """Make a future whose failure nobody needs to read."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future
