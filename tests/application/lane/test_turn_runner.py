"""One turn: confirmed before it answers, decided again where another was first, refused where the database fails."""

import asyncio
from typing import Any

import pytest

from tests.application.conftest import Replica, replica_on
from tests.application.fake_engine import FakeState
from tests.application.faulty import Faulty, execute
from utterson.domain.chain import FailureKind, StoreFailureError
from utterson.domain.errors import Reason, UttersonError
from utterson.settings import lanes
from utterson.settings.lanes import LaneSettings


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
    async with replica_on(url, LaneSettings(staleness_ms=1_000)) as local:
        await local.call("read:x")
        await replica.call("add:x")
        assert (await local.call("local:x"))["serial"] == 0
        await asyncio.sleep(1.01)
        assert (await local.call("local:x"))["serial"] == 1


async def test_unspecified_consistency_follows_the_setting(replica: Replica, url: str) -> None:
    async with replica_on(url, LaneSettings(staleness_ms=60_000, default_consistency=lanes.Consistency.LOCAL)) as local:
        await local.call("read:x")
        await replica.call("add:x")
        assert (await local.call("default:x"))["serial"] == 0
        assert (await local.call("read:x"))["serial"] == 1


async def test_a_slow_replica_is_not_starved(replica: Replica, other: Replica) -> None:
    """After two losses the row is locked first: the slow one waits for its turn, no longer."""
    original = FakeState.decide
    slow_state = await other.state()
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
    assert slow_state is await other.state()


async def test_overload_is_unavailable_and_nothing_is_written(faulty: tuple[Replica, Faulty]) -> None:
    replica, writer = faulty
    writer.faults = ["overload"]
    with pytest.raises(UttersonError) as caught:
        await replica.call("add:x")
    assert caught.value.reason is Reason.STORE_UNAVAILABLE
    assert caught.value.retry_after_ms is not None
    assert (await replica.call("add:x"))["serial"] == 1


async def test_a_state_that_disagrees_with_the_tables_is_loaded_anew(replica: Replica) -> None:
    await replica.call("add:x")
    state = await replica.state()
    state.owners.clear()
    assert (await replica.call("add:x"))["serial"] == 1
    assert await replica.state() is not state


async def test_a_workspace_of_a_later_format_is_not_served(replica: Replica, url: str) -> None:
    await replica.call("add:x")
    await execute(url, "UPDATE workspaces SET format_version_min = 2")
    with pytest.raises(UttersonError) as caught:
        await replica.call("add:y")
    assert caught.value.reason is Reason.STORE_UNAVAILABLE


async def test_a_commit_that_cannot_be_applied_still_answers(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    state = await replica.state()
    monkeypatch.setattr(state, "fail_apply", True)
    assert (await replica.call("add:x"))["serial"] == 1
    assert (await replica.call("read:x"))["serial"] == 1
    assert await replica.state() is not state


async def test_a_database_that_is_away_is_unavailable_and_comes_back(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    await replica.call("add:x")
    heads = replica.store.log.heads

    async def away(keys: object) -> Any:
        raise StoreFailureError(FailureKind.UNKNOWN, "ConnectionRefusedError")

    monkeypatch.setattr(replica.store.log, "heads", away)
    with pytest.raises(UttersonError) as caught:
        await replica.call("read:x")
    assert caught.value.reason is Reason.STORE_UNAVAILABLE
    monkeypatch.setattr(replica.store.log, "heads", heads)
    assert (await replica.call("read:x"))["serial"] == 1
