"""The state of a lane: loaded once, brought up to the log, dropped where the log went another way."""

import asyncio
from dataclasses import replace

import pytest

from tests.application.conftest import Replica, refusal_of
from tests.application.faulty import execute
from utterson.application.lane import state_keeper
from utterson.application.lane.state_keeper import LONG_AGO_S, StateKeeper
from utterson.domain.chain import LogRow, StateDivergedError
from utterson.domain.errors import Reason


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


async def keeper_of(replica: Replica) -> StateKeeper:
    """A keeper beside the lane's own."""
    return StateKeeper((await replica.lane()).keys, replica.context)


async def test_a_keeper_behind_the_log_catches_up_and_says_so(replica: Replica) -> None:
    keeper = await keeper_of(replica)
    state = await keeper.ready()
    assert await keeper.confirm()
    made = await replica.call("add:x")
    assert not await keeper.confirm()
    assert (state.head.seq, keeper.state) == (made["seq"], state)
    assert await keeper.confirm()


async def test_an_entry_that_was_heard_of_is_read_before_the_state_is_given(replica: Replica) -> None:
    keeper = await keeper_of(replica)
    await keeper.ready()
    await replica.call("add:x")
    assert (await keeper.ready()).head.seq == 0
    keeper.known_seq = 1
    assert (await keeper.ready()).head.seq == 1


async def test_an_entry_that_the_log_does_not_have_is_asked_for_once(replica: Replica) -> None:
    keeper = await keeper_of(replica)
    await keeper.ready()
    keeper.known_seq = 99
    assert (await keeper.ready()).head.seq == 0
    assert keeper.known_seq == 0


async def test_an_entry_that_is_heard_of_while_the_log_is_read_is_still_read(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = await keeper_of(replica)
    await keeper.ready()
    await replica.call("add:x")
    tail = keeper._tail

    async def heard_of_the_next(after_seq: int, limit: int) -> list[LogRow]:
        rows = await tail(after_seq, limit)
        keeper.known_seq = 2
        return rows

    keeper.known_seq = 1
    with monkeypatch.context() as patch:
        patch.setattr(keeper, "_tail", heard_of_the_next)
        assert (await keeper.ready()).head.seq == 1
    await replica.call("add:y")
    assert (await keeper.ready()).head.seq == 2


async def test_a_long_tail_is_read_in_parts(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_keeper, "TAIL_ROWS_MAX", 2)
    keeper = await keeper_of(replica)
    await keeper.ready()
    for number in range(5):
        await replica.call(f"add:{number}")
    await keeper.catch_up_from_log()
    assert keeper.state is not None
    assert keeper.state.head == (await replica.state()).head


async def test_without_a_state_there_is_nothing_to_bring_up(replica: Replica) -> None:
    keeper = await keeper_of(replica)
    await keeper.catch_up_from_log()
    assert keeper.state is None


async def test_a_dropped_state_is_confirmed_no_more_and_loaded_anew(
    replica: Replica, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = await keeper_of(replica)
    state = await keeper.ready()
    assert keeper.confirmed_at_s > LONG_AGO_S
    keeper.drop(StateDivergedError("another state"))
    assert (keeper.state, keeper.confirmed_at_s) == (None, LONG_AGO_S)
    assert "StateDivergedError: another state" in caplog.text
    assert await keeper.ready() is not state


@pytest.mark.parametrize("grows_again", [False, True])
async def test_history_that_was_lost_while_there_was_no_state_is_told(
    replica: Replica, url: str, caplog: pytest.LogCaptureFixture, *, grows_again: bool
) -> None:
    for number in range(3):
        await replica.call(f"add:{number}")
    keeper = await keeper_of(replica)
    await keeper.ready()
    keeper.drop("the outcome of a commit is unknown")
    await keeper.ready()
    assert "history was lost" not in caplog.text
    keeper.drop("the outcome of a commit is unknown")
    await execute(
        url,
        "DELETE FROM log WHERE seq > 1",
        "DELETE FROM profiles WHERE serial > 1",
        "DELETE FROM identifiers WHERE profile > 1",
    )
    if grows_again:
        for number in range(3):
            await replica.call(f"add:again {number}")
        caplog.clear()
    await keeper.ready()
    assert "history was lost: entry 3, which this server had, is not in the log" in caplog.text
    keeper.drop("the outcome of a commit is unknown")
    caplog.clear()
    await keeper.ready()
    assert "history was lost" not in caplog.text


async def test_a_log_that_is_gone_or_went_back_is_a_divergence(replica: Replica, url: str) -> None:
    await replica.call("add:x")
    keeper = await keeper_of(replica)
    await keeper.ready()
    await execute(url, "DELETE FROM log WHERE seq = 1")
    with pytest.raises(StateDivergedError, match="went back"):
        await keeper.confirm()
    await execute(url, "DELETE FROM log")
    with pytest.raises(StateDivergedError, match="gone"):
        await keeper.confirm()


async def test_a_workspace_that_does_not_exist_cannot_be_loaded(replica: Replica) -> None:
    keys = replace((await replica.lane()).keys, workspace="nowhere", workspace_key=404)
    error = await refusal_of(StateKeeper(keys, replica.context).ready())
    assert error.reason is Reason.WORKSPACE_NOT_FOUND
    assert error.resource is not None
    assert error.resource.name == "nowhere"


async def test_what_was_decided_before_the_state_moved_is_not_confirmed(replica: Replica) -> None:
    keeper = await keeper_of(replica)
    await keeper.ready()
    await replica.call("add:x")
    keeper.known_seq = 1
    assert not await keeper.confirm()
    assert await keeper.confirm()


async def test_what_was_decided_on_a_state_that_was_dropped_is_not_confirmed(replica: Replica) -> None:
    keeper = await keeper_of(replica)
    await keeper.ready()
    keeper.drop(StateDivergedError("another state"))
    assert not await keeper.confirm()
    assert await keeper.confirm()
