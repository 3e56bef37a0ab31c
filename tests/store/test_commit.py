"""commit_batch: compare and set on the predecessor's identity, all or nothing, every row counted."""

import asyncio
import os
from dataclasses import replace

import asyncpg
import pytest

from tests.store.conftest import NOW_US, Chain, attached, created, requested
from utterson.domain.chain import Commit, CommitOutcome, FailureKind, Head, StoreFailureError
from utterson.store.open_store import Store

DAY_US = 86_400_000_000
DIGEST = bytes(range(16))
OTHERS = bytes(range(16, 32))


async def rows_of(url: str) -> dict[str, int]:
    connection = await asyncpg.connect(url)
    try:
        tables = [
            "log",
            "log_payload",
            "profiles",
            "identifiers",
            "traits",
            "events",
            "history",
            "requests",
            "policies",
        ]
        return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables}
    finally:
        await connection.close()


async def test_a_commit_writes_the_entry_and_every_column(chain: Chain, store: Store, database_url: str) -> None:
    columns = created(1, 2, 3) | attached((DIGEST, 0, 1), (DIGEST[::-1], 2, 2)) | requested(b"r" * 16)
    columns |= {4: [3], 5: [1]}
    columns |= {21: [1, 2], 22: ["age", "age"], 23: [b"\x01", None], 24: [5, 6], 25: [0, 1]}
    columns |= {26: [1, 0], 27: [NOW_US, NOW_US], 28: [0, 1], 29: [b"event", b"unresolved"]}
    columns |= {30: [1], 31: [0], 32: [b"history"], 37: [2], 38: [b"policy 2"]}
    commit = await chain.append(columns)
    assert await rows_of(database_url) == {
        "log": 2,
        "log_payload": 1,
        "profiles": 3,
        "identifiers": 2,
        "traits": 2,
        "events": 2,
        "history": 1,
        "requests": 1,
        "policies": 2,
    }
    assert await store.log.heads([chain.keys]) == {chain.keys: Head(1, commit.id)}
    assert await store.log.entry_id(chain.keys, 1) == commit.id
    (row,) = await store.log.tail(chain.keys, 0, 10)
    assert (row.id, row.prev, row.payload) == (commit.id, commit.prev, b"payload 1")


async def test_net_changes_of_stored_rows(chain: Chain, database_url: str) -> None:
    await chain.append(created(1, 2) | attached((DIGEST, 0, 1)))
    moved = attached((DIGEST, 0, 2)) | {6: [1], 7: [DIGEST], 8: [0], 4: [1], 5: [2]}
    await chain.append(moved)
    await chain.append({17: [2], 18: [DIGEST], 19: [0], 20: [20_900]})
    connection = await asyncpg.connect(database_url)
    found = await connection.fetch("SELECT profile, seen_day FROM identifiers")
    assert [tuple(row) for row in found] == [(2, 20_900)]
    rows = await connection.fetch("SELECT serial, imported_merges, merged_into FROM profiles ORDER BY serial")
    assert [tuple(row) for row in rows] == [(1, 0, 2), (2, 0, 0)]
    await connection.close()


async def test_a_stale_writer_loses_and_has_no_effect(chain: Chain, database_url: str) -> None:
    stale = chain.entry(created(7))
    await chain.append(created(1))
    before = await rows_of(database_url)
    assert await chain.send(stale) is CommitOutcome.LOST
    assert await rows_of(database_url) == before


async def test_a_writer_ahead_of_the_log_has_diverged(chain: Chain, database_url: str) -> None:
    """After a failover that lost entries the writer's number would fit a gap: it must not be taken."""
    await chain.append(created(1))
    before = await rows_of(database_url)
    chain.head = Head(10, os.urandom(16))
    assert await chain.send(chain.entry(created(2))) is CommitOutcome.DIVERGED
    assert await rows_of(database_url) == before


async def test_a_writer_of_another_history_with_the_same_number_has_diverged(chain: Chain, database_url: str) -> None:
    """ABA: the number fits, the predecessor is another one."""
    await chain.append(created(1))
    chain.head = Head(1, os.urandom(16))
    before = await rows_of(database_url)
    assert await chain.send(chain.entry(created(2))) is CommitOutcome.DIVERGED
    assert await rows_of(database_url) == before


async def test_a_writer_of_an_old_format_or_a_missing_workspace_is_fenced(chain: Chain, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE workspaces SET format_version_min = 2")
    await connection.close()
    assert await chain.send(chain.entry()) is CommitOutcome.FENCED
    assert await chain.send(replace(chain.entry(), keys=replace(chain.keys, workspace_key=999))) is CommitOutcome.GONE


async def test_of_two_racing_writers_one_wins(chain: Chain, store: Store, database_url: str) -> None:
    entries = [chain.entry(created(1)) for _ in range(8)]
    outcomes = await asyncio.gather(*(store.commits.commit(entry, 5.0) for entry in entries))
    assert sorted(outcomes) == [CommitOutcome.OK] + [CommitOutcome.LOST] * 7
    winner = entries[outcomes.index(CommitOutcome.OK)]
    assert await store.log.heads([chain.keys]) == {chain.keys: Head(1, winner.id)}
    assert (await rows_of(database_url))["profiles"] == 1


@pytest.mark.parametrize(
    "columns",
    [
        {4: [9], 5: [1]},
        {6: [1], 7: [DIGEST], 8: [0]},
        {17: [1], 18: [DIGEST], 19: [0], 20: [1]},
        {6: [1], 7: [OTHERS], 8: [0]},
        {17: [1], 18: [OTHERS], 19: [0], 20: [1]},
    ],
    ids=["loser", "detached", "seen", "another's detached", "another's seen"],
)
async def test_a_row_that_is_not_there_is_a_divergence(
    chain: Chain, database_url: str, columns: dict[int, list[object]]
) -> None:
    await chain.append(created(1, 2) | attached((OTHERS, 0, 2)))
    before = await rows_of(database_url)
    with pytest.raises(StoreFailureError) as caught:
        await chain.send(chain.entry(created(3) | columns))
    assert caught.value.kind is FailureKind.DIVERGENCE
    assert await rows_of(database_url) == before


async def test_a_profile_that_is_merged_already_cannot_be_merged_again(chain: Chain) -> None:
    await chain.append(created(1, 2, 3) | {4: [1], 5: [2]})
    with pytest.raises(StoreFailureError) as caught:
        await chain.send(chain.entry({4: [1], 5: [3]}))
    assert caught.value.kind is FailureKind.DIVERGENCE


async def test_a_profile_that_holds_an_identifier_twice_is_a_divergence(chain: Chain, database_url: str) -> None:
    await chain.append(created(1) | attached((DIGEST, 0, 1)))
    before = await rows_of(database_url)
    with pytest.raises(StoreFailureError) as caught:
        await chain.send(chain.entry(attached((DIGEST, 1, 1))))
    assert (caught.value.kind, caught.value.constraint) == (FailureKind.DIVERGENCE, "identifiers_pkey")
    assert await rows_of(database_url) == before


async def test_a_request_id_is_used_anew_after_a_day_only(chain: Chain, store: Store) -> None:
    digest = b"q" * 16
    await chain.append(requested(digest))
    with pytest.raises(StoreFailureError) as caught:
        await chain.send(chain.entry(requested(digest), commit_time_us=NOW_US + DAY_US))
    assert caught.value.kind is FailureKind.DIVERGENCE
    await chain.append(requested(digest) | {36: [b"newer"]}, commit_time_us=NOW_US + DAY_US + 1)
    assert await store.log.request_answers(chain.keys, [digest, b"unknown" + bytes(9)]) == {digest: b"newer"}


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", b"\xff"], ids=["null", "surrogate", "not text"])
async def test_a_value_that_the_database_refuses_is_poison(chain: Chain, text: object) -> None:
    columns = created(1) | attached((DIGEST, 0, 1)) | {14: [text]}
    with pytest.raises(StoreFailureError) as caught:
        await chain.send(chain.entry(columns))
    assert caught.value.kind is FailureKind.POISON
    assert "a" not in caught.value.code or caught.value.code.isalnum()
    # The connection that met it is replaced: the next commit is as good as ever.
    await chain.append(created(1))


async def test_a_failure_tells_no_value(chain: Chain) -> None:
    secret = "jekyll@example.com"
    await chain.append(created(1, 2) | attached((DIGEST, 0, 1)))
    with pytest.raises(StoreFailureError) as caught:
        await chain.send(chain.entry(attached((DIGEST, 0, 1)) | {13: [secret], 14: [secret]}))
    assert secret not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_locked_commit_sees_what_others_wrote_and_keeps_them_waiting(chain: Chain, store: Store) -> None:
    await chain.append(created(1))
    late = chain.entry(created(9))
    waiting: list[asyncio.Task[CommitOutcome]] = []

    async def decide(tail: object) -> Commit:
        rows = await tail(0, 10)  # type: ignore[operator]
        assert [row.seq for row in rows] == [1]
        waiting.append(asyncio.create_task(store.commits.commit(late, 5.0)))
        await asyncio.sleep(0.1)
        assert not waiting[0].done()
        return chain.entry(created(2))

    assert await store.commits.commit_locked(chain.keys, decide, 5.0) is CommitOutcome.OK
    assert await waiting[0] is CommitOutcome.LOST


async def test_a_locked_transaction_that_breaks_off_writes_nothing(chain: Chain, database_url: str) -> None:
    before = await rows_of(database_url)

    async def decide(tail: object) -> Commit:
        raise RuntimeError("broken off")

    with pytest.raises(RuntimeError, match="broken off"):
        await chain.store.commits.commit_locked(chain.keys, decide, 5.0)
    assert await rows_of(database_url) == before
    await chain.append(created(1))


async def test_a_commit_past_its_deadline_is_unknown_and_cut(chain: Chain, store: Store, database_url: str) -> None:
    blocker = await asyncpg.connect(database_url)
    async with blocker.transaction():
        await blocker.execute("SELECT 1 FROM workspaces FOR UPDATE")
        entry = chain.entry(created(1))
        with pytest.raises(StoreFailureError) as caught:
            await store.commits.commit(entry, 0.2)
        assert caught.value.kind is FailureKind.UNKNOWN
    await blocker.close()
    # The pool is as good as ever.
    await asyncio.gather(*(store.log.heads([chain.keys]) for _ in range(20)))
    outcome = await store.commits.commit(entry, 5.0)
    assert outcome is CommitOutcome.OK or await store.log.entry_id(chain.keys, 1) == entry.id


async def test_a_cancelled_caller_leaves_no_open_transaction(chain: Chain, store: Store, database_url: str) -> None:
    blocker = await asyncpg.connect(database_url)
    async with blocker.transaction():
        await blocker.execute("SELECT 1 FROM workspaces FOR UPDATE")
        tasks = [asyncio.create_task(store.commits.commit(chain.entry(), 5.0)) for _ in range(20)]
        await asyncio.sleep(0.2)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=5)
        assert all(task.cancelled() for task in tasks)
    # A commit whose connection was cut may still have been taken: what counts is that the chain goes on.
    chain.head = (await store.log.heads([chain.keys]))[chain.keys]
    while await chain.send(chain.entry(created(1))) is CommitOutcome.LOST:
        chain.head = (await store.log.heads([chain.keys]))[chain.keys]
    open_transactions = await blocker.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
    )
    assert open_transactions == 0
    await blocker.close()


async def test_a_lock_that_is_not_to_be_had_is_a_lost_race(chain: Chain, store: Store, database_url: str) -> None:
    blocker = await asyncpg.connect(database_url)
    async with blocker.transaction():
        await blocker.execute("SELECT 1 FROM workspaces FOR UPDATE")
        with pytest.raises(StoreFailureError) as caught:
            await store.commits.commit(chain.entry(), 5.0)
        assert (caught.value.kind, caught.value.code) == (FailureKind.LOST_RACE, "55P03")
    await blocker.close()
