"""Readiness follows the database, and what waits for a database that is away is told so instead of waiting."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.application.conftest import Replica, refusal_of
from tests.application.faulty import Faulty, execute
from tests.database_doors import Doors, doors_of
from utterson.application.readiness import Readiness
from utterson.domain.chain import FailureKind, StoreFailureError
from utterson.domain.errors import Reason


class Told:
    """What readiness told, and when."""

    def __init__(self) -> None:
        self.ready = True
        self.times = 0
        self._changed = asyncio.Event()

    async def __call__(self, ready: bool) -> None:
        self.ready = ready
        self.times += 1
        self._changed.set()

    async def change_within(self, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            await self._changed.wait()
        self._changed.clear()


@asynccontextmanager
async def following(replica: Replica) -> AsyncIterator[Told]:
    told = Told()
    task = asyncio.create_task(Readiness(replica.context, replica.lanes, told).follow())
    yield told
    task.cancel()
    await asyncio.wait({task})


@pytest.fixture
async def doors(url: str) -> AsyncIterator[Doors]:
    async with doors_of(url) as made:
        yield made


async def test_a_database_that_goes_away_and_comes_back_is_told_within_two_seconds(
    replica: Replica, doors: Doors
) -> None:
    await replica.call("add:x")
    async with following(replica) as told:
        await asyncio.sleep(0.6)
        assert (told.ready, told.times) == (True, 0)
        await doors.close()
        await told.change_within(2)
        assert not told.ready
        began_s = time.monotonic()
        refusal = await refusal_of(replica.call("add:y"))
        assert time.monotonic() - began_s < 1
        assert refusal.reason is Reason.STORE_UNAVAILABLE
        await doors.open()
        await told.change_within(2)
        assert told.ready
        assert (await replica.call("add:y"))["serial"] == 2


async def test_connections_that_are_cut_are_no_database_that_is_away(replica: Replica, doors: Doors) -> None:
    async with following(replica) as told:
        for _ in range(15):
            await doors.cut()
            await asyncio.sleep(0.1)
        assert told.times == 0


async def test_one_question_that_fails_is_no_database_that_is_away(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def every_other(timeout_s: float) -> None:
        nonlocal asked
        asked += 1
        if asked % 2:
            raise StoreFailureError(FailureKind.UNKNOWN, "08003")

    async with following(replica) as told:
        monkeypatch.setattr(replica.store.fitness.__class__, "check", staticmethod(every_other))
        await asyncio.sleep(1)
        assert told.times == 0


async def test_a_database_that_does_not_write_is_ready_to_be_read(replica: Replica, url: str) -> None:
    async with following(replica) as told:
        await execute(url, "ALTER TABLE log_payload RENAME TO gone")
        await refusal_of(replica.call("add:y"))
        await asyncio.sleep(1)
        assert told.times == 0


async def test_a_database_that_says_nothing_is_away(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(timeout_s: float) -> None:
        await asyncio.sleep(timeout_s)
        raise StoreFailureError(FailureKind.UNKNOWN, "deadline")

    async with following(replica) as told:
        monkeypatch.setattr(replica.store.fitness.__class__, "check", staticmethod(silent))
        await told.change_within(2)
        assert not told.ready


async def test_what_waits_behind_an_open_outcome_is_refused_and_what_was_sent_is_looked_up(
    faulty: tuple[Replica, Faulty], doors: Doors
) -> None:
    replica, writer = faulty
    await replica.call("add:x")
    async with following(replica) as told:
        await doors.close()
        await told.change_within(2)
        # Its outcome is looked up for a second and a half, in vain.
        writer.faults = ["lose the request"]
        sent = asyncio.create_task(replica.call("add:y"))
        await asyncio.sleep(0)
        began_s = time.monotonic()
        refusals = await asyncio.gather(*(refusal_of(replica.call(f"read:{name}")) for name in "xyz"))
        assert time.monotonic() - began_s < 1
        assert {refusal.reason for refusal in refusals} == {Reason.STORE_UNAVAILABLE}
        assert not sent.done()
        assert (await refusal_of(sent)).reason is Reason.OUTCOME_UNKNOWN


async def test_a_setting_that_loses_commits_is_noticed_on_a_living_connection(replica: Replica, url: str) -> None:
    name = url.partition("?")[0].rpartition("/")[2]
    await replica.call("add:x")
    async with following(replica) as told:
        await execute(url, f"ALTER DATABASE {name} SET synchronous_commit = off")
        # Sessions of before go on as they began; those that are made from now on are refused.
        await execute(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        await told.change_within(2)
        refusal = await refusal_of(replica.call("add:y"))
        assert refusal.reason is Reason.STORE_UNAVAILABLE
        await execute(url, f"ALTER DATABASE {name} RESET synchronous_commit")
        await told.change_within(2)
        assert (await replica.call("add:y"))["serial"] == 2
