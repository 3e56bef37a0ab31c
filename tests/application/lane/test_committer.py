"""Commits whose outcome the database did not tell: found out by the entry's id, never decided twice."""

import asyncio
import dataclasses
from typing import Any

import asyncpg
import pytest

from tests.application.conftest import Replica, replica_on, with_commits
from tests.application.fake_engine import FakeState
from tests.application.faulty import Faulty
from utterson.application.lane import turn_runner
from utterson.application.lane.committer import Committer
from utterson.domain.chain import Commit, CommitOutcome, FailureKind, StoreFailureError, WorkspaceKeys
from utterson.domain.decisions import ParsedGroup
from utterson.domain.errors import Reason, UttersonError


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

        async def late(keys: WorkspaceKeys, seq: int) -> bytes | None:
            replica.context.store.log.entry_id = entry_id  # type: ignore[method-assign]
            await other.call("add:y")
            return await entry_id(keys, seq)

        replica.context.store.log.entry_id = late  # type: ignore[method-assign]
        writer.faults = ["lose the answer"]
        assert (await replica.call("add:x"))["serial"] == 1
        assert (await replica.call("read:y"))["serial"] == 2


async def test_an_outcome_that_cannot_be_found_out_is_told_as_unknown(faulty: tuple[Replica, Faulty]) -> None:
    replica, writer = faulty
    await replica.state()
    log = replica.context.store.log
    entry_id = log.entry_id

    async def away(keys: WorkspaceKeys, seq: int) -> bytes | None:
        raise StoreFailureError(FailureKind.UNKNOWN, "08006")

    log.entry_id = away  # type: ignore[method-assign]
    writer.faults = ["lose the answer"]
    with pytest.raises(UttersonError) as caught:
        await replica.call("once:id:x")
    assert caught.value.reason is Reason.OUTCOME_UNKNOWN
    log.entry_id = entry_id  # type: ignore[method-assign]
    # It did take effect: the repetition finds the recorded answer.
    assert (await replica.call("once:id:x"))["serial"] == 1


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


class Told:
    """A writer that ends each commit as it is told to."""

    def __init__(self, *ends: CommitOutcome | Exception) -> None:
        self.ends = list(ends)
        self.sent = 0

    async def commit(self, commit: Commit, timeout_s: float) -> CommitOutcome:
        self.sent += 1
        end = self.ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end

    async def commit_locked(self, keys: Any, decide: Any, timeout_s: float) -> CommitOutcome:
        raise self.ends.pop(0)  # type: ignore[misc]


async def committer_of(replica: Replica, writer: Told) -> tuple[Committer, Commit]:
    """A committer on a writer, and an entry that could be the next of the log."""
    context = dataclasses.replace(replica.context, store=with_commits(replica.store, writer))
    plan = (await replica.state()).decide([ParsedGroup("soho", [0], 1, ["add:x"])], 0, b"e" * 16)
    return Committer(context, "soho"), plan.commit((await replica.lane()).keys)


@pytest.mark.parametrize("outcome", CommitOutcome)
async def test_what_the_database_tells_is_passed_on(replica: Replica, outcome: CommitOutcome) -> None:
    committer, commit = await committer_of(replica, Told(outcome))
    assert await committer.commit(commit, 1) is outcome


async def test_a_lost_race_is_an_outcome(replica: Replica) -> None:
    lost = StoreFailureError(FailureKind.LOST_RACE, "40001")
    committer, commit = await committer_of(replica, Told(lost, lost))
    assert await committer.commit(commit, 1) is CommitOutcome.LOST
    assert await committer.commit_locked(commit.keys, _never, 1) is CommitOutcome.LOST


@pytest.mark.parametrize(
    "kind", [kind for kind in FailureKind if kind not in (FailureKind.UNKNOWN, FailureKind.LOST_RACE)]
)
async def test_what_surely_wrote_nothing_is_not_looked_up(replica: Replica, kind: FailureKind) -> None:
    failure = StoreFailureError(kind, "code")
    writer = Told(failure)
    committer, commit = await committer_of(replica, writer)
    with pytest.raises(StoreFailureError) as caught:
        await committer.commit(commit, 1)
    assert caught.value is failure
    assert writer.sent == 1


async def test_what_nobody_foresaw_may_have_been_written(replica: Replica) -> None:
    writer = Told(ZeroDivisionError(), CommitOutcome.OK)
    committer, commit = await committer_of(replica, writer)
    assert await committer.commit(commit, 1) is CommitOutcome.OK
    assert writer.sent == 2


async def test_another_entry_in_the_place_means_that_ours_lost(replica: Replica) -> None:
    writer = Told(StoreFailureError(FailureKind.UNKNOWN, "08006"))
    committer, commit = await committer_of(replica, writer)
    await replica.call("add:other")
    assert await committer.commit(commit, 1) is CommitOutcome.LOST
    assert writer.sent == 1


async def test_an_entry_whose_predecessor_is_gone_is_a_divergence(replica: Replica) -> None:
    writer = Told(StoreFailureError(FailureKind.UNKNOWN, "08006"))
    committer, commit = await committer_of(replica, writer)
    assert await committer.commit(dataclasses.replace(commit, prev=b"p" * 16), 1) is CommitOutcome.DIVERGED
    assert writer.sent == 1


async def test_a_repetition_that_is_refused_ends_the_search(replica: Replica) -> None:
    writer = Told(StoreFailureError(FailureKind.UNKNOWN, "08006"), StoreFailureError(FailureKind.POISON, "22021"))
    committer, commit = await committer_of(replica, writer)
    with pytest.raises(StoreFailureError) as caught:
        await committer.commit(commit, 1)
    assert caught.value.kind is FailureKind.POISON


async def test_a_locked_transaction_that_decided_nothing_has_no_outcome_to_find(replica: Replica) -> None:
    unknown = StoreFailureError(FailureKind.UNKNOWN, "08006")
    committer, commit = await committer_of(replica, Told(unknown))
    with pytest.raises(StoreFailureError) as caught:
        await committer.commit_locked(commit.keys, _never, 1)
    assert caught.value is unknown


async def _never(tail: object) -> Commit | None:
    raise AssertionError
