"""What the database does to a commit, and what becomes of it (docs/decisions/0003-commit-protocol.md)."""

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.application.conftest import WORKSPACE, Replica, replica_on, with_commits
from tests.application.fake_engine import FakeState
from utterson.application.lane import turn_runner
from utterson.domain.chain import Commit, CommitOutcome, FailureKind, StoreFailureError
from utterson.domain.errors import Reason, UttersonError
from utterson.store.open_store import Store


class Faulty:
    """Stands between a lane and the writer, and loses what it is told to."""

    def __init__(self, commits: Any) -> None:
        self._commits = commits
        self.faults: list[str] = []
        self.sent: list[Commit] = []

    async def commit(self, commit: Commit, timeout_s: float) -> CommitOutcome:
        self.sent.append(commit)
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "lose the request":
            raise StoreFailureError(FailureKind.UNKNOWN, "08006")
        if fault == "overload":
            raise StoreFailureError(FailureKind.OVERLOAD, "53200")
        if fault == "late":
            asyncio.get_running_loop().call_later(0.2, asyncio.ensure_future, self._commits.commit(commit, 5.0))
            raise StoreFailureError(FailureKind.UNKNOWN, "deadline")
        outcome: CommitOutcome = await self._commits.commit(commit, timeout_s)
        if fault == "lose the answer":
            raise StoreFailureError(FailureKind.UNKNOWN, "08006")
        return outcome

    async def commit_locked(self, workspace_key: int, decide: Any, timeout_s: float) -> CommitOutcome:
        outcome: CommitOutcome = await self._commits.commit_locked(workspace_key, decide, timeout_s)
        if self.faults and self.faults[0] == "lose the locked answer":
            self.faults.pop(0)
            raise StoreFailureError(FailureKind.UNKNOWN, "08006")
        return outcome


@pytest.fixture
async def faulty(url: str) -> Any:
    made: list[Faulty] = []

    def wrap(store: Store) -> Store:
        made.append(Faulty(store.commits))
        return with_commits(store, made[0])

    async with replica_on(url, wrap=wrap) as opened:
        await opened.workspaces.create_workspace(WORKSPACE, b"policy", None)
        yield opened, made[0]


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_lost_answer_is_found_out_by_the_entrys_id(faulty: tuple[Replica, Faulty]) -> None:
    replica, writer = faulty
    writer.faults = ["lose the answer"]
    answer = await replica.call("add:x")
    # Decided once: a second decision would have found the profile and told the next entry.
    assert (answer["serial"], answer["seq"]) == (1, 1)
    assert len(writer.sent) == 1
    assert (await replica.state()).head.id == writer.sent[0].id


async def test_a_lost_request_is_sent_again_as_it_was(faulty: tuple[Replica, Faulty]) -> None:
    replica, writer = faulty
    writer.faults = ["lose the request", "lose the request"]
    assert (await replica.call("add:x"))["serial"] == 1
    assert len({commit.id for commit in writer.sent}) == 1
    assert (await replica.state()).head.seq == 1


async def test_a_request_that_arrives_late_is_not_taken_twice(faulty: tuple[Replica, Faulty], url: str) -> None:
    replica, writer = faulty
    writer.faults = ["late"]
    assert (await replica.call("add:x"))["serial"] == 1
    await asyncio.sleep(0.4)
    assert (await replica.call("add:y"))["serial"] == 2
    assert (await replica.state()).head.seq == 2


async def test_a_lost_answer_after_which_another_replica_wrote(faulty: tuple[Replica, Faulty], url: str) -> None:
    replica, writer = faulty
    async with replica_on(url) as other:
        entry_id = replica.context.store.log.entry_id

        async def late(key: int, seq: int) -> bytes | None:
            replica.context.store.log.entry_id = entry_id  # type: ignore[method-assign]
            await other.call("add:y")
            return await entry_id(key, seq)

        replica.context.store.log.entry_id = late  # type: ignore[method-assign, assignment]
        writer.faults = ["lose the answer"]
        assert (await replica.call("add:x"))["serial"] == 1
        assert (await replica.call("read:y"))["serial"] == 2


async def test_an_outcome_that_cannot_be_found_out_is_told_as_unknown(faulty: tuple[Replica, Faulty]) -> None:
    replica, writer = faulty
    await replica.state()
    log = replica.context.store.log
    entry_id = log.entry_id

    async def away(key: int, seq: int) -> bytes | None:
        raise StoreFailureError(FailureKind.UNKNOWN, "08006")

    log.entry_id = away  # type: ignore[method-assign, assignment]
    writer.faults = ["lose the answer"]
    with pytest.raises(UttersonError) as caught:
        await replica.call("once:id:x")
    assert caught.value.reason is Reason.OUTCOME_UNKNOWN
    log.entry_id = entry_id  # type: ignore[method-assign]
    # It did take effect: the repetition finds the recorded answer.
    assert (await replica.call("once:id:x"))["serial"] == 1


async def test_overload_is_unavailable_and_nothing_is_written(faulty: tuple[Replica, Faulty]) -> None:
    replica, writer = faulty
    writer.faults = ["overload"]
    with pytest.raises(UttersonError) as caught:
        await replica.call("add:x")
    assert caught.value.reason is Reason.STORE_UNAVAILABLE
    assert caught.value.retry_after_ms is not None
    assert (await replica.call("add:x"))["serial"] == 1


async def test_a_lost_answer_of_a_locked_commit(
    faulty: tuple[Replica, Faulty], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica, writer = faulty
    async with replica_on(url) as other:
        await replica.state()
        monkeypatch.setattr(turn_runner, "LOSSES_BEFORE_LOCK", 0)
        await other.call("add:first")
        writer.faults = ["lose the locked answer"]
        assert (await replica.call("add:x"))["serial"] == 2
        assert writer.sent == []
        assert (await replica.call("read:x"))["serial"] == 2


async def test_an_index_that_disagrees_with_the_tables_is_loaded_anew(replica: Replica) -> None:
    await replica.call("add:x")
    state = await replica.state()
    state.owners.clear()
    assert (await replica.call("add:x"))["serial"] == 1
    assert await replica.state() is not state


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


async def test_connections_that_the_server_ends_cost_no_acknowledged_write(replica: Replica, url: str) -> None:
    stop = asyncio.Event()

    async def break_connections() -> None:
        connection = await asyncpg.connect(url)
        while not stop.is_set():
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            # Long enough for a new connection and a commit on it, also where the machine is busy.
            await asyncio.sleep(0.2)
        await connection.close()

    breaking = asyncio.create_task(break_connections())
    answers: list[Any] = []
    for round_number in range(20):
        calls = (replica.call(f"once:{round_number}-{number}:{round_number}-{number}") for number in range(10))
        answers += await asyncio.gather(*calls, return_exceptions=True)
    stop.set()
    await breaking
    acknowledged = {answer["value"]: answer["serial"] for answer in answers if isinstance(answer, dict)}
    refused = [answer for answer in answers if not isinstance(answer, dict)]
    assert all(
        isinstance(answer, UttersonError) and answer.reason in (Reason.STORE_UNAVAILABLE, Reason.OUTCOME_UNKNOWN)
        for answer in refused
    )
    assert len(acknowledged) > 100
    async with replica_on(url) as fresh:
        for value, serial in acknowledged.items():
            assert (await fresh.call(f"read:{value}"))["serial"] == serial
        assert isinstance(await fresh.state(), FakeState)
