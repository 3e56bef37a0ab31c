"""Names that this process has not met: one query at a time for all that wait, and no more than some thousands."""

import asyncio

import pytest

from tests.application.conftest import WORKSPACE, Replica, refusal_of
from tests.application.lane.reading import Reading
from utterson.application.lane.names import NAMES_A_QUERY, NAMES_MAX, RETRY_AFTER_MS
from utterson.domain.errors import Reason


@pytest.fixture
def reading(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> Reading:
    return Reading(replica, monkeypatch)


async def test_names_that_nobody_made_wait_for_one_query_at_a_time(replica: Replica, reading: Reading) -> None:
    reading.opened.clear()
    first = asyncio.create_task(refusal_of(replica.lanes.lane("nobody")))
    await reading.asked()
    others = [asyncio.create_task(refusal_of(replica.lanes.lane(f"nobody-{number}"))) for number in range(1000)]
    known = asyncio.create_task(replica.lanes.lane(WORKSPACE))
    await asyncio.sleep(0.01)
    assert reading.queries == 1
    reading.opened.set()
    reasons = {refusal.reason for refusal in await asyncio.gather(first, *others)}
    assert reasons == {Reason.WORKSPACE_NOT_FOUND}
    assert (await known).keys.workspace == WORKSPACE
    assert reading.queries == 2 + 1000 // NAMES_A_QUERY


async def test_beyond_some_thousand_names_others_are_told_to_wait(replica: Replica, reading: Reading) -> None:
    reading.opened.clear()
    first = asyncio.create_task(refusal_of(replica.lanes.lane("nobody")))
    await reading.asked()
    others = [asyncio.create_task(refusal_of(replica.lanes.lane(f"nobody-{number}"))) for number in range(NAMES_MAX)]
    await asyncio.sleep(0)
    refusal = await refusal_of(replica.lanes.lane("one-too-many"))
    assert (refusal.reason, refusal.retry_after_ms) == (Reason.QUEUE_FULL, RETRY_AFTER_MS)
    reading.opened.set()
    await asyncio.gather(first, *others)
    assert (await replica.lanes.lane(WORKSPACE)).keys.workspace == WORKSPACE
