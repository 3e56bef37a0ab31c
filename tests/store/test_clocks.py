"""Times of entries are held against the database's clock: a jump is refused, and does not stay in the log."""

import time
from collections.abc import AsyncIterator

import pytest

from tests.store.conftest import Chain, created, new_chain
from utterson.domain.chain import CommitOutcome, FailureKind, StoreFailureError
from utterson.engine.core_engine import REQUEST_RETENTION_US
from utterson.settings.database import DatabaseSettings
from utterson.store.open_store import Store, open_store

SECOND_US = 1_000_000
CENTURY_US = 36_525 * 86_400 * SECOND_US
JUMPS = [CENTURY_US, -CENTURY_US, 70 * SECOND_US, -70 * SECOND_US]


def now_us() -> int:
    """The time of day of both, on one machine."""
    return time.time_ns() // 1000


@pytest.fixture
async def strict(store: Store, database_url: str) -> AsyncIterator[Store]:
    """A store that takes times within a minute of the database's."""
    opened = await open_store(database_url, DatabaseSettings(clock_skew_ms_max=60_000), REQUEST_RETENTION_US)
    yield opened
    await opened.close()


@pytest.mark.parametrize("jump_us", JUMPS)
async def test_a_time_far_from_the_databases_is_refused_and_the_next_right_one_is_taken(
    strict: Store, jump_us: int
) -> None:
    chain = await new_chain(strict, "soho", now_us() - SECOND_US)
    assert await chain.send(chain.entry(created(1), commit_time_us=now_us() + jump_us)) is CommitOutcome.CLOCKS_APART
    assert await strict.log.heads([chain.keys]) == {chain.keys: chain.head}
    await chain.append(created(1), commit_time_us=now_us())


@pytest.mark.parametrize("off_us", [50 * SECOND_US, -50 * SECOND_US])
async def test_a_time_near_the_databases_is_taken(strict: Store, off_us: int) -> None:
    chain = await new_chain(strict, "soho", now_us() + off_us - SECOND_US)
    await chain.append(created(1), commit_time_us=now_us() + off_us)


@pytest.mark.parametrize("jump_us", JUMPS)
async def test_no_workspace_is_made_at_a_wrong_time(strict: Store, jump_us: int) -> None:
    with pytest.raises(StoreFailureError) as caught:
        await new_chain(strict, "soho", now_us() + jump_us)
    assert caught.value.kind is FailureKind.CLOCKS_APART
    assert await strict.workspaces.get("soho") is None
    await new_chain(strict, "soho", now_us())


async def test_a_log_whose_time_is_ahead_already_goes_on_by_the_smallest_step(store: Store, strict: Store) -> None:
    """As older builds left it after a jump: the times of a workspace rise, so nothing else is left to them."""
    ahead = await new_chain(store, "soho", now_us() + CENTURY_US)
    chain = Chain(strict, ahead.keys, ahead.head)
    first_us = ahead.keys.create_time_us + 1
    await chain.append(created(1), commit_time_us=first_us)
    assert await chain.send(chain.entry(commit_time_us=first_us + SECOND_US)) is CommitOutcome.CLOCKS_APART
    await chain.append(commit_time_us=first_us + 1)
