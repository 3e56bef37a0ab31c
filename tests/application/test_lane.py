"""The lane: batches, order, callers that go away, replicas that meet, calls that break it."""

import asyncio
import contextlib

import asyncpg
import pytest

from tests.application.conftest import WORKSPACE, Replica, replica_on
from tests.application.fake_engine import FakeState
from utterson.domain.errors import Reason, UttersonError
from utterson.settings.lanes import Consistency, LaneSettings


async def refusal_of(awaitable: object) -> Reason:
    with pytest.raises(UttersonError) as caught:
        await awaitable  # type: ignore[misc]
    return caught.value.reason


async def log_length(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT max(seq) FROM log"))
    finally:
        await connection.close()


async def test_calls_that_wait_together_share_a_commit(replica: Replica, url: str) -> None:
    await replica.call("add:first")
    answers = await asyncio.gather(*(replica.call(f"add:{number}") for number in range(100)))
    assert sorted(answer["serial"] for answer in answers) == list(range(2, 102))
    assert await log_length(url) < 20


async def test_a_lone_caller_never_waits_for_others(replica: Replica, url: str) -> None:
    async with replica_on(url, LaneSettings(gather_ms_max=1000)) as slow:
        started = asyncio.get_running_loop().time()
        for number in range(5):
            await slow.call(f"add:{number}")
        assert asyncio.get_running_loop().time() - started < 0.9


async def test_two_replicas_agree_on_every_owner(replica: Replica, other: Replica) -> None:
    lines = [f"add:{number % 40}" for number in range(400)]
    answers = await asyncio.gather(
        *(replica.call(line) for line in lines), *(other.call(line) for line in reversed(lines))
    )
    owners: dict[str, set[int]] = {}
    for answer in answers:
        owners.setdefault(answer["value"], set()).add(answer["serial"])
    assert all(len(serials) == 1 for serials in owners.values())
    assert sorted(serial for serials in owners.values() for serial in serials) == list(range(1, 41))
    await asyncio.gather(replica.call("read:0"), other.call("read:0"))
    assert (await replica.state()).owners == (await other.state()).owners
    assert (await replica.state()).head == (await other.state()).head


async def test_a_strong_read_sees_what_another_replica_acknowledged(replica: Replica, other: Replica) -> None:
    await other.call("read:x")
    for number in range(20):
        made = await replica.call(f"add:{number}")
        assert (await other.call(f"read:{number}"))["serial"] == made["serial"]
        assert (await other.call(f"default:{number}"))["serial"] == made["serial"]


async def test_a_confirmation_at_the_same_time_is_none(
    replica: Replica, other: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop's clock may stand still: what was confirmed when a call arrived may have been confirmed before."""
    await other.call("read:x")
    await replica.call("read:x")
    loop = asyncio.get_running_loop()
    now_s = loop.time()
    monkeypatch.setattr(loop, "time", lambda: now_s)
    assert (await other.call("read:x"))["serial"] == 0
    made = await replica.call("add:x")
    assert (await other.call("read:x"))["serial"] == made["serial"]
    monkeypatch.undo()


async def test_a_local_read_is_answered_from_memory_and_never_too_old(replica: Replica, url: str) -> None:
    async with replica_on(url, LaneSettings(staleness_ms=150)) as local:
        await local.call("read:x")
        await replica.call("add:x")
        assert (await local.call("local:x"))["serial"] == 0
        await asyncio.sleep(0.16)
        assert (await local.call("local:x"))["serial"] == 1


async def test_unspecified_consistency_follows_the_setting(replica: Replica, url: str) -> None:
    async with replica_on(url, LaneSettings(staleness_ms=60_000, default_consistency=Consistency.LOCAL)) as local:
        await local.call("read:x")
        await replica.call("add:x")
        assert (await local.call("default:x"))["serial"] == 0
        assert (await local.call("read:x"))["serial"] == 1


async def test_a_slow_replica_is_not_starved(replica: Replica, other: Replica) -> None:
    """After two losses the row is locked first: the slow one waits for its turn, no longer (C3)."""
    original = FakeState.decide
    slow_index = await other.state()
    done = asyncio.Event()
    losses: list[int] = []

    async def hammer() -> None:
        number = 0
        while not done.is_set():
            await replica.call(f"add:fast-{number}")
            number += 1

    hammering = [asyncio.create_task(hammer()) for _ in range(4)]
    committer = (await other.lane())._runner._committer
    commit = committer.commit

    async def late(entry: object, timeout_s: float) -> object:
        await asyncio.sleep(0.03)
        outcome = await commit(entry, timeout_s)  # type: ignore[arg-type]
        losses.append(int(outcome))
        return outcome

    committer.commit = late  # type: ignore[method-assign, assignment]
    try:
        async with asyncio.timeout(5):
            for number in range(3):
                losses.clear()
                await other.call(f"add:slow-{number}")
                assert len(losses) <= 2
    finally:
        done.set()
        await asyncio.gather(*hammering)
    assert FakeState.decide is original
    assert slow_index is await other.state()


async def test_a_refused_call_leaves_its_neighbours_alone(replica: Replica) -> None:
    answers = await replica.batch((WORKSPACE, "add:a"), (WORKSPACE, "refuse"), (WORKSPACE, "add:b"))
    assert [accepted for accepted, _ in answers] == [True, False, True]
    assert answers[1][1] == "NO_USABLE_IDENTIFIER"


@pytest.mark.parametrize("culprit", ["poison:NUL", "panic", "bug"])
async def test_only_the_culprit_of_a_batch_fails(
    replica: Replica, culprit: str, caplog: pytest.LogCaptureFixture
) -> None:
    await replica.call("add:first")
    lines = [f"add:{number}" for number in range(20)]
    lines.insert(11, culprit)
    answers = await asyncio.gather(*(replica.call(line) for line in lines), return_exceptions=True)
    failed = [line for line, answer in zip(lines, answers, strict=True) if isinstance(answer, BaseException)]
    assert failed == [culprit]
    error = answers[11]
    assert isinstance(error, UttersonError)
    assert error.reason is Reason.INTERNAL_FAULT
    assert "jekyll" not in caplog.text
    assert "jekyll" not in str(error)
    assert error.message.split()[-1] in caplog.text
    assert (await replica.call("read:19"))["serial"] > 0


async def test_a_caller_that_leaves_before_its_turn_is_dropped(replica: Replica, url: str) -> None:
    state = await replica.state()
    blocker = await asyncpg.connect(url)
    async with blocker.transaction():
        await blocker.execute("SELECT 1 FROM workspaces FOR UPDATE")
        first = asyncio.create_task(replica.call("add:first"))
        await asyncio.sleep(0.05)
        waiting = [asyncio.create_task(replica.call(f"add:{number}")) for number in range(10)]
        await asyncio.sleep(0.05)
        for task in waiting[:9]:
            task.cancel()
    await blocker.close()
    assert (await first)["serial"] == 1
    assert (await waiting[9])["serial"] == 2
    assert state.decided == [1, 1]
    assert len(state.owners) == 2


async def test_a_caller_that_leaves_after_the_decision_takes_nothing_back(replica: Replica, url: str) -> None:
    await replica.state()
    blocker = await asyncpg.connect(url)
    async with blocker.transaction():
        await blocker.execute("SELECT 1 FROM workspaces FOR UPDATE")
        task = asyncio.create_task(replica.call("add:x"))
        await asyncio.sleep(0.1)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await blocker.close()
    assert (await replica.call("read:x"))["serial"] == 1


async def test_a_storm_of_cancels_leaves_whole_effects_and_an_empty_queue(replica: Replica) -> None:
    tasks = [asyncio.create_task(replica.call(f"add:{number}")) for number in range(500)]
    for number, task in enumerate(tasks):
        if number % 2:
            await asyncio.sleep(0)
            task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(answer, dict) for answer in answers[::2])
    lane = await replica.lane()
    assert lane._queued_calls == 0
    async with asyncio.timeout(5):
        await replica.call("add:last")


async def test_a_full_queue_refuses_with_the_time_to_wait(replica: Replica, url: str) -> None:
    async with replica_on(url, LaneSettings(queue_calls_max=5)) as small:
        await small.state()
        blocker = await asyncpg.connect(url)
        async with blocker.transaction():
            await blocker.execute("SELECT 1 FROM workspaces FOR UPDATE")
            tasks = [asyncio.create_task(small.call("add:0"))]
            await asyncio.sleep(0.05)
            tasks += [asyncio.create_task(small.call(f"add:{number}")) for number in range(1, 6)]
            await asyncio.sleep(0.05)
            with pytest.raises(UttersonError) as caught:
                await small.call("add:6")
            assert caught.value.reason is Reason.QUEUE_FULL
            assert caught.value.retry_after_ms is not None
        await blocker.close()
        assert len(await asyncio.gather(*tasks)) == 6


async def test_an_unknown_workspace(replica: Replica) -> None:
    assert await refusal_of(replica.call("add:x", "nowhere")) is Reason.WORKSPACE_NOT_FOUND
    assert await refusal_of(replica.call("refuse", "nowhere")) is Reason.NO_USABLE_IDENTIFIER


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


async def test_closing_finishes_what_waits_and_refuses_the_rest(replica: Replica) -> None:
    tasks = [asyncio.create_task(replica.call(f"add:{number}")) for number in range(50)]
    await asyncio.sleep(0)
    lane = await replica.lane()
    await asyncio.sleep(0)
    await replica.lanes.close(5.0)
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert {answer.reason for answer in answers if isinstance(answer, UttersonError)} <= {Reason.SHUTTING_DOWN}
    assert all(isinstance(answer, dict | UttersonError) for answer in answers)
    assert lane._task.done()
    assert await refusal_of(replica.call("add:late")) is Reason.SHUTTING_DOWN


async def test_a_repeated_request_id_answers_what_was_recorded(replica: Replica, other: Replica) -> None:
    first = await replica.call("once:id:x")
    assert await replica.call("once:id:y") == first
    assert await other.call("once:id:z") == first
    answers = await replica.batch((WORKSPACE, "once:new:p"), (WORKSPACE, "once:new:p"), (WORKSPACE, "add:q"))
    assert answers[0] == answers[1]
    assert answers[2] != answers[0]
