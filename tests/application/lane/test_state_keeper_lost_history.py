"""A lane whose database went back, or whose workspace is another one by now, finds its place again."""

import asyncio
import dataclasses
import time

import asyncpg
import pytest

from tests.application.conftest import WORKSPACE, Replica, refusal_of, replica_on
from tests.application.faulty import Faulty, execute
from utterson.application.lane.state_keeper import StateKeeper
from utterson.domain.chain import FailureKind, HistoryLostError, StoreFailureError
from utterson.domain.errors import Reason

LOSE = ("DELETE FROM log WHERE seq > 0", "DELETE FROM profiles", "DELETE FROM identifiers")
ANOTHER_GENESIS = "UPDATE workspaces SET genesis_id = uuid_send(gen_random_uuid())"
FORGET = tuple(f"DELETE FROM {table}" for table in ("log", "policies", "profiles", "identifiers", "workspaces"))
ERAS = "SELECT cardinality(id_eras) FROM workspaces"


async def eras(url: str) -> int:
    """How often the database began an era."""
    connection = await asyncpg.connect(url)
    try:
        found: int = await connection.fetchval(ERAS)
        return found
    finally:
        await connection.close()


@pytest.mark.parametrize("call", ["add:b", "read:b"])
async def test_whoever_meets_lost_history_begins_an_era_before_the_next_profile(
    replica: Replica, url: str, call: str
) -> None:
    await replica.call("add:a")
    await execute(url, *LOSE)
    await replica.call(call)
    assert await eras(url) == 1
    await replica.call("add:c")
    assert await eras(url) == 1


async def test_a_log_that_went_another_way_is_lost_history(replica: Replica, other: Replica, url: str) -> None:
    await replica.call("add:a")
    await execute(url, *LOSE)
    # The other one knows of no loss.
    await other.call("add:b")
    await other.call("add:c")
    assert await eras(url) == 0
    lane = await replica.lane()
    keeper = StateKeeper(lane.keys, replica.context)
    keeper.state = lane.state
    with pytest.raises(HistoryLostError):
        await keeper.catch_up_from_log()
    assert (await replica.call("read:c"))["serial"] == 2
    assert await eras(url) == 1


async def test_an_era_is_begun_before_anything_is_loaded_however_long_that_takes(
    replica: Replica, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await replica.call("add:a")
    await execute(url, *LOSE)

    async def away(seen_id: bytes, *, lost: bool) -> None:
        raise StoreFailureError(FailureKind.UNKNOWN, "08006")

    with monkeypatch.context() as patched:
        patched.setattr(type(replica.store.identity), "settle", lambda _self, *seen, **lost: away(*seen, **lost))
        for _ in range(3):
            assert (await refusal_of(replica.call("add:b"))).reason is Reason.STORE_UNAVAILABLE
    assert await eras(url) == 0
    assert (await replica.call("add:b"))["serial"] == 1
    assert await eras(url) == 1


async def test_another_id_of_the_database_costs_no_load(replica: Replica, other: Replica, url: str) -> None:
    """As after a failover that lost nothing: the log has what the state stands at."""
    await replica.call("add:a")
    await other.call("add:b")
    state = await replica.state()
    await replica.store.identity.settle((await replica.lane()).keys.database_id, lost=True)
    assert (await replica.call("add:c"))["serial"] == 3
    assert await replica.state() is state
    assert state.eras_known == 1
    await replica.store.identity.settle((await replica.lane()).keys.database_id, lost=True)
    assert (await other.call("read:c"))["serial"] == 3
    assert (await replica.call("read:b"))["serial"] == 2
    assert (await replica.state()).eras_known == 2
    # What was lost is loaded anew.
    await execute(url, *LOSE)
    assert (await replica.call("read:b"))["serial"] == 0
    assert await replica.state() is not state


async def test_a_workspace_that_is_gone_takes_its_lane_along(replica: Replica, url: str) -> None:
    await replica.call("add:a")
    lane = await replica.lane()
    await execute(url, *FORGET)
    told = await asyncio.gather(*(refusal_of(replica.call(f"add:{number}")) for number in range(20)))
    assert {error.reason for error in told} == {Reason.WORKSPACE_NOT_FOUND}
    assert replica.lanes.open_lane(WORKSPACE) is None
    assert (await refusal_of(lane.reach(0))).reason is Reason.WORKSPACE_NOT_FOUND
    await asyncio.wait_for(lane._task, 1)


@pytest.mark.parametrize("maker", ["the same server", "another one"])
async def test_a_workspace_that_is_made_anew_is_found_by_its_name(replica: Replica, url: str, maker: str) -> None:
    await replica.call("add:a")
    await execute(url, *FORGET)
    async with replica_on(url) as other:
        made_by = replica if maker == "the same server" else other
        await made_by.workspaces.create_workspace(WORKSPACE, b"policy", None)
        assert (await replica.call("add:b"))["serial"] == 1
        assert (await replica.call("read:a"))["serial"] == 0
        assert (await other.call("read:b"))["serial"] == 1
        assert await eras(url) == 1


async def test_another_workspace_under_the_number_is_never_met(replica: Replica, other: Replica, url: str) -> None:
    """What a sequence of numbers led to: the copy gives the vanished workspace's number to the next one."""
    await replica.call("add:secret")
    key = (await replica.lane()).keys.workspace_key
    await execute(url, *FORGET)
    await other.workspaces.create_workspace("tenant", b"policy", None)
    tables = ("log", "policies", "workspaces")
    await execute(url, *(f"UPDATE {table} SET workspace_key = {key}" for table in tables))
    for call in ("add:x", "read:secret", "local:secret"):
        assert (await refusal_of(replica.call(call))).reason is Reason.WORKSPACE_NOT_FOUND
    assert (await other.call("add:y", "tenant"))["serial"] == 1
    assert (await other.call("read:x", "tenant"))["serial"] == 0


async def test_reads_of_a_workspace_that_is_another_one_by_now(replica: Replica, url: str) -> None:
    await replica.call("add:a")
    await execute(url, ANOTHER_GENESIS)
    error = await refusal_of(replica.profiles.list_events(WORKSPACE, 0, 10, ""))
    assert error.reason is Reason.HISTORY_DIVERGED
    # Found anew by then.
    assert (await replica.profiles.list_events(WORKSPACE, 0, 10, "")).items == []
    await execute(url, ANOTHER_GENESIS)
    (record,) = await replica.profiles.get_profiles(WORKSPACE, [1], "", None)
    assert record.profile_id == 1


async def test_an_unknown_outcome_is_found_out_also_in_a_database_of_another_id(
    faulty: tuple[Replica, Faulty],
) -> None:
    """The usual end of a failover: the answer is lost, and the next connection gives the database a new id."""
    replica, writer = faulty
    await replica.state()
    keys = (await replica.lane()).keys
    entry_id = replica.store.log.entry_id

    async def renewed(*arguments: object) -> bytes | None:
        await replica.store.identity.settle(keys.database_id, lost=True)
        return await entry_id(*arguments)  # type: ignore[arg-type]

    replica.context.store.log.entry_id = renewed  # type: ignore[method-assign, assignment]
    writer.faults = ["lose the answer"]
    assert (await replica.call("add:x"))["serial"] == 1
    writer.faults = ["lose the request"]
    assert (await replica.call("add:y"))["serial"] == 2
    assert (await replica.call("read:x"))["serial"] == 1
    assert (await replica.state()).head.seq == 2


@pytest.mark.parametrize("jump_us", [10**13, -(10**13)])
async def test_a_server_whose_clock_jumped_writes_nothing_until_it_is_back(
    replica: Replica, url: str, jump_us: int, caplog: pytest.LogCaptureFixture
) -> None:
    jumped = 0
    async with replica_on(url) as server:
        context = dataclasses.replace(server.context, clock_us=lambda: time.time_ns() // 1000 + jumped)
        server.lanes._context = context
        await server.state()
        jumped = jump_us
        for _ in range(2):
            assert (await refusal_of(server.call("add:x"))).reason is Reason.STORE_UNAVAILABLE
        assert (await server.call("read:x"))["serial"] == 0
        assert "too far apart" in caplog.text
        jumped = 0
        assert (await server.call("add:x"))["serial"] == 1
