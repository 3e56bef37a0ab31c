"""The scrub: steps of its share, rounds that are told, a finding that drops the state."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.application.conftest import WORKSPACE, Replica
from tests.application.fake_engine import FakeState
from utterson.application import scrubbing
from utterson.application.scrubbing import ROWS_MAX, ROWS_MIN, STEP_S, Scrubber, ScrubRecord, _rows_for_next
from utterson.domain.chain import EnginePanicError
from utterson.domain.soundness import ScrubFinding, ScrubStep
from utterson.settings.soundness import SoundnessSettings

UNDER_WAY = ScrubStep(5, round_over=False)


@asynccontextmanager
async def scrubbed(replica: Replica, percent: int = 100) -> AsyncIterator[Scrubber]:
    """Scrub for as long as the context lasts."""
    scrubber = Scrubber(replica.lanes, replica.context, SoundnessSettings(scrub_percent=percent))
    task = asyncio.create_task(scrubber.run())
    yield scrubber
    assert not task.done()
    task.cancel()
    await asyncio.wait({task})


async def until_rounds(scrubber: Scrubber, count: int) -> ScrubRecord:
    async with asyncio.timeout(5):
        while WORKSPACE not in scrubber.records or scrubber.records[WORKSPACE].rounds < count:
            await asyncio.sleep(0.005)
    return scrubber.records[WORKSPACE]


async def until_found(scrubber: Scrubber, finding: ScrubFinding) -> ScrubRecord:
    async with asyncio.timeout(5):
        while not scrubber.records or scrubber.records[WORKSPACE].last_finding is not finding:
            await asyncio.sleep(0.005)
    return scrubber.records[WORKSPACE]


async def test_a_round_is_told_with_its_rows_and_the_next_one_waits(
    replica: Replica, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    state = await replica.state()
    state.scrubs = [UNDER_WAY, UNDER_WAY, ScrubStep(7, round_over=True)]
    async with scrubbed(replica) as scrubber:
        record = await until_rounds(scrubber, 1)
        assert (record.rows, record.round_rows, record.findings) == (0, 17, {})
        assert record.round_ended_at_us > 0
        assert record.round_duration_s >= record.round_work_s > 0
        await asyncio.sleep(0.05)
        assert len(state.steps) == 3
    assert "scrub: round 1 over 17 rows" in caplog.text


async def test_progress_is_told_while_a_round_lasts(replica: Replica) -> None:
    state = await replica.state()
    state.scrubs = [UNDER_WAY] * 1_000_000
    async with scrubbed(replica) as scrubber:
        async with asyncio.timeout(5):
            while WORKSPACE not in scrubber.records or scrubber.records[WORKSPACE].rows < 50:
                await asyncio.sleep(0.005)
        assert scrubber.records[WORKSPACE].rounds == 0


async def test_rounds_follow_one_another(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrubbing, "ROUND_EVERY_S", 0.01)
    monkeypatch.setattr(scrubbing, "IDLE_S", 0.005)
    await replica.state()
    async with scrubbed(replica) as scrubber:
        await until_rounds(scrubber, 3)


@pytest.mark.parametrize("finding", list(ScrubFinding), ids=lambda finding: finding.value)
async def test_a_finding_is_told_counted_and_drops_the_state(
    replica: Replica, finding: ScrubFinding, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await replica.call("add:x")
    broken = await replica.state()
    if finding is ScrubFinding.BROKEN:

        def break_off(rows: int) -> ScrubStep:
            raise EnginePanicError("scrub")

        monkeypatch.setattr(broken, "scrub", break_off)
    else:
        broken.scrubs = [UNDER_WAY, ScrubStep(1, round_over=False, finding=finding)]
    async with scrubbed(replica) as scrubber:
        record = await until_found(scrubber, finding)
        assert (record.findings, record.rows, record.rounds) == ({finding: 1}, 0, 0)
        assert record.last_finding_at_us > 0
        assert (await replica.lane()).state is None
        assert (await replica.call("add:x"))["serial"] == 1
        loaded = await replica.state()
        assert loaded is not broken
        await until_rounds(scrubber, 1)
        assert loaded.steps, "the new state is scrubbed from its beginning"
    told = [(entry.levelname, entry.message) for entry in caplog.records]
    assert ("ERROR", f"workspace soho: the scrub found the state broken: {finding.value}") in told


async def test_another_state_begins_a_round_anew(replica: Replica) -> None:
    first = await replica.state()
    first.scrubs = [UNDER_WAY] * 1_000_000
    async with scrubbed(replica) as scrubber:
        async with asyncio.timeout(5):
            while not first.steps:
                await asyncio.sleep(0.005)
        lane = await replica.lane()
        lane.distrust(RuntimeError("for the test"))
        second = await replica.state()
        second.scrubs = [ScrubStep(2, round_over=True)]
        assert (await until_rounds(scrubber, 1)).round_rows == 2


async def test_the_scrub_takes_its_share_of_a_core(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    await replica.state()
    spent: list[float] = []

    def busy(state: FakeState, rows: int) -> ScrubStep:
        began_s = time.perf_counter()
        while time.perf_counter() - began_s < 0.002:
            pass
        spent.append(time.perf_counter() - began_s)
        return UNDER_WAY

    monkeypatch.setattr(FakeState, "scrub", busy)
    began_s = time.perf_counter()
    async with scrubbed(replica, percent=10):
        await asyncio.sleep(0.5)
        passed_s = time.perf_counter() - began_s
    assert len(spent) > 3
    assert sum(spent) <= passed_s * 0.15


async def test_a_state_that_is_not_there_is_left_alone(replica: Replica) -> None:
    await replica.lane()
    async with scrubbed(replica) as scrubber:
        await asyncio.sleep(0.02)
        assert scrubber.records[WORKSPACE] == ScrubRecord()


async def test_no_share_is_no_scrub(replica: Replica) -> None:
    await asyncio.wait_for(
        Scrubber(replica.lanes, replica.context, SoundnessSettings(scrub_percent=0)).run(), timeout=1
    )


def test_steps_grow_and_shrink_towards_their_time() -> None:
    assert _rows_for_next(100, STEP_S) == 100
    assert _rows_for_next(100, STEP_S / 10) == 150
    assert _rows_for_next(100, STEP_S * 10) == 50
    assert _rows_for_next(100, STEP_S * 1.25) == 80
    assert _rows_for_next(ROWS_MIN, 1.0) == ROWS_MIN
    assert _rows_for_next(ROWS_MAX, 0.0) == ROWS_MAX


async def test_the_walk_of_a_lane_that_rests_is_forgotten(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrubbing, "IDLE_S", 0.01)
    await replica.state()
    async with scrubbed(replica) as scrubber:
        await until_rounds(scrubber, 1)
        replica.lanes._lay_to_rest(await replica.lane())
        async with asyncio.timeout(5):
            while scrubber.records:
                await asyncio.sleep(0.005)
