"""The part of the kit that goes through lanes: decide, commit, apply, answer, in that order, whatever happens."""

import asyncio
import concurrent.futures
from collections.abc import Callable
from contextlib import suppress

import asyncpg
import pytest

from tests.safeguards.world import WORKSPACE, Replica, World
from utterson.domain.calls import CallKind
from utterson.domain.chain import Commit, CommitOutcome, FailureKind, SnapshotHead, StoreFailureError, WorkspaceKeys
from utterson.domain.errors import UttersonError
from utterson.engine.core_engine import REQUEST_RETENTION_US, CoreEngine
from utterson.settings.database import DatabaseSettings
from utterson.store import pool as pool_module
from utterson.store import snapshot as snapshot_module
from utterson.store.open_store import open_store
from utterson.store.pool import Connection
from utterson.store.statements import Statement
from utterson.v1 import identifier_pb2, resolution_pb2
from utterson.v1 import identity_service_pb2 as pb

# Long enough for anything that does not wait for the database.
MOMENT_S = 0.15


async def memory_does_not_lead(world: World) -> None:
    """While a commit is on its way the state stands where the database does."""
    replica = await world.replica()
    lane = await replica.lane()
    async with world.blocked():
        calling = asyncio.create_task(replica.identify("a@example.com"))
        await asyncio.sleep(MOMENT_S)
        assert lane.state is not None
        assert lane.state.head.seq == 0
    await calling
    assert lane.state.head.seq == 1


async def nobody_is_answered_before_the_commit(world: World) -> None:
    """While a commit is on its way its callers wait."""
    replica = await world.replica()
    await replica.lane()
    async with world.blocked():
        calling = asyncio.create_task(replica.identify("a@example.com"))
        await asyncio.sleep(MOMENT_S)
        assert not calling.done()
    await calling
    assert await world.entry(1) is not None


async def nobody_is_answered_before_memory_follows(world: World) -> None:
    """Who was answered finds memory at his call already: local reads see one's own writes."""
    replica = await world.replica()
    lane = await replica.lane()
    await replica.identify("a@example.com")
    assert lane.state is not None
    assert lane.state.head.seq == 1


async def a_commit_outlives_its_caller(world: World) -> None:
    """A caller that goes away takes nothing with it: the commit ends, and memory follows by itself."""
    replica = await world.replica()
    lane = await replica.lane()
    async with world.blocked():
        calling = asyncio.create_task(replica.identify("a@example.com"))
        await asyncio.sleep(MOMENT_S)
        calling.cancel()
        await asyncio.wait({calling})
        await asyncio.sleep(MOMENT_S)
    for _ in range(20):
        await asyncio.sleep(0.05)
        if lane.state is not None and lane.state.head.seq == 1:
            break
    assert lane.state is not None
    assert lane.state.head.id == await world.entry(1)
    assert len(replica.meddler.sent) == 1


async def a_strong_read_sees_what_others_wrote(world: World) -> None:
    """A call that changes nothing is answered from the newest state, not from this replica's memory."""
    replica, other = await world.replica(), await world.replica()
    await replica.identify("a@example.com")
    await replica.identify("b@example.com")
    await other.lane()
    assert (await other.identify("a@example.com")).outcome == resolution_pb2.OUTCOME_MATCHED
    found = (await other.identify("a@example.com")).profile_id
    # Merged away by the other replica: the answer without a look at the database would be the loser.
    survivor = await _merge(replica, "b@example.com", "a@example.com")
    answer = await other.identify("b@example.com", consistency=resolution_pb2.CONSISTENCY_STRONG)
    assert answer.profile_id == survivor
    assert survivor == found


async def _merge(replica: Replica, *values: str) -> int:
    """Let one call carry several addresses; gives the survivor."""
    identifiers = [identifier_pb2.Identifier(type="email", value=value) for value in values]
    request = pb.IdentifyRequest(workspace="soho", identifiers=identifiers)
    answer = await replica.identity.resolve(CallKind.IDENTIFY, request.SerializeToString())
    resolution = pb.IdentifyResponse.FromString(answer).resolution
    assert resolution.outcome == resolution_pb2.OUTCOME_MERGED
    return resolution.profile_id


async def a_lost_race_is_decided_anew(world: World) -> None:
    """Two replicas that both know nothing of a person make one profile, and both tell it."""
    replica, other = await world.replica(), await world.replica()
    await replica.lane()
    await other.lane()
    first = await replica.identify("a@example.com")
    second = await other.track("a@example.com", "visit")
    assert first.outcome == resolution_pb2.OUTCOME_CREATED
    assert second.outcome == resolution_pb2.OUTCOME_MATCHED
    assert second.profile_id == first.profile_id
    rows = await world.rows()
    assert (rows["profiles"], rows["events"], rows["log"]) == (1, 1, 3)


async def a_lost_answer_is_looked_up(world: World) -> None:
    """The commit took effect, and nobody said so: it is not made again, and its answer is told."""
    replica = await world.replica()
    replica.meddler.lose_answers = 1
    answer = await replica.track("a@example.com", "visit")
    assert answer.outcome == resolution_pb2.OUTCOME_CREATED
    rows = await world.rows()
    assert (rows["events"], rows["log"]) == (1, 2)
    assert (await replica.head()).id == await world.entry(1)


async def a_lost_request_is_sent_again(world: World) -> None:
    """The commit never arrived: whoever is answered finds it in the log."""
    replica = await world.replica()
    left = [1]

    async def lose(_commit: Commit) -> None:
        if left:
            left.pop()
            raise StoreFailureError(FailureKind.UNKNOWN, "08006")

    replica.meddler.before = lose
    await replica.track("a@example.com", "visit")
    rows = await world.rows()
    assert (rows["events"], rows["log"]) == (1, 2)
    assert len({commit.id for commit in replica.meddler.sent}) == 1


async def another_entry_in_the_place_is_not_mine(world: World) -> None:
    """The commit never arrived, and somebody else took its place: that is not taken for one's own."""
    replica, other = await world.replica(), await world.replica()
    await replica.lane()
    left = [1]

    async def lose(_commit: Commit) -> None:
        if left:
            left.pop()
            await other.identify("b@example.com")
            raise StoreFailureError(FailureKind.UNKNOWN, "08006")

    replica.meddler.before = lose
    await replica.track("a@example.com", "visit")
    assert (await world.rows())["events"] == 1


async def a_slow_replica_gets_its_turn(world: World) -> None:
    """A replica that always comes second takes the workspace's row first, after two losses."""
    replica, other = await world.replica(), await world.replica()
    await replica.lane()
    number = 0

    async def be_overtaken(_commit: Commit) -> None:
        nonlocal number
        number += 1
        await other.identify(f"{number}@example.com")

    replica.meddler.before = be_overtaken
    await asyncio.wait_for(replica.identify("a@example.com"), 2.0)
    assert number == 2


async def a_repeated_call_is_known_everywhere(world: World) -> None:
    """A request id is stored with the effects of its call, so that every replica knows it, whenever it loads."""
    replica = await world.replica()
    answer = await replica.track("a@example.com", "visit", request_id="once")
    other = await world.replica()
    assert await other.track("a@example.com", "visit", request_id="once") == answer
    assert (await world.rows())["events"] == 1


async def a_lost_end_of_history_is_noticed(world: World) -> None:
    """The database went back to an older state (failover, restore): the state is loaded anew."""
    replica = await world.replica()
    first = await replica.identify("a@example.com")
    await replica.track("a@example.com", "visit")
    for table in ("log", "log_payload", "events", "history"):
        await world.connection.execute(f"DELETE FROM {table} WHERE seq > 1")
    answer = await replica.track("a@example.com", "another visit")
    assert answer.profile_id == first.profile_id
    rows = await world.rows()
    assert (rows["events"], rows["log"]) == (1, 3)


async def a_load_shows_one_moment(world: World) -> None:
    """What is committed while the tables are read is not half in the state."""
    writer, loader = await world.replica(), await world.replica()
    await writer.identify("a@example.com")
    stored = await world.store.workspaces.get("soho")
    assert stored is not None
    engine = CoreEngine()
    written: list[concurrent.futures.Future[resolution_pb2.Resolution]] = []

    class Slow:
        """Lets somebody commit between the profiles and the identifiers."""

        def __init__(self, keys: WorkspaceKeys, snapshot: SnapshotHead) -> None:
            self._loader = engine.loader(keys, snapshot)
            self.identifiers, self.traits, self.requests = (
                self._loader.identifiers,
                self._loader.traits,
                self._loader.requests,
            )
            self.finish = self._loader.finish

        def profiles(self, chunk: bytes) -> None:
            self._loader.profiles(chunk)
            if not written:
                written.append(asyncio.run_coroutine_threadsafe(writer.identify("b@example.com"), loop))

    async def copy_and_wait(
        connection: Connection, statement: Statement, take: Callable[[bytes], None], *arguments: int
    ) -> None:
        await copy(connection, statement, take, *arguments)
        if written:
            await asyncio.wrap_future(written[0])

    loop, copy = asyncio.get_running_loop(), snapshot_module.copy_rows
    snapshot_module.copy_rows = copy_and_wait
    try:
        loaded = await loader.store.snapshots.load(WORKSPACE, Slow, 5.0)
    finally:
        snapshot_module.copy_rows = copy
    assert loaded is not None
    assert loaded[1].finish().head.seq == 1
    assert (await writer.head()).seq == 2


async def a_call_ends_by_its_deadline(world: World) -> None:
    """A commit past its deadline loses its connection at once; it is neither waited for nor cancelled."""
    chain = await world.chain()
    entry = chain.entry()
    loop = asyncio.get_running_loop()
    async with world.blocked():
        began_s = loop.time()
        with suppress(StoreFailureError):
            await world.store.commits.commit(entry, 0.2)
        assert loop.time() - began_s < 1.0
        left = await world.connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%commit_batch%' AND wait_event_type = 'Lock'"
        )
        assert left == 1, "the backend goes on: nobody sent it a cancel request"
    for _ in range(40):
        if await world.entry(1) is not None:
            break
        await asyncio.sleep(0.05)
    assert await world.entry(1) == entry.id


async def ids_of_a_lost_history_are_not_given_again(world: World) -> None:
    """What was told to be one person's id is nobody else's, though its profile is gone with the log's end."""
    replica = await world.replica()
    lost = await replica.identify("lost@example.com")
    for table in ("log", "log_payload", "history", "requests"):
        await world.connection.execute(f"DELETE FROM {table} WHERE seq > 0")
    await world.connection.execute("DELETE FROM profiles")
    await world.connection.execute("DELETE FROM identifiers")
    later = await replica.identify("later@example.com")
    assert later.outcome == resolution_pb2.OUTCOME_CREATED
    assert later.profile_id != lost.profile_id


async def a_poisoned_call_stands_alone(world: World) -> None:
    """What the database refuses is found by halving; its neighbours are committed."""
    replica = await world.replica()
    await replica.lane()

    async def refuse(commit: Commit) -> None:
        if b"poison@example.com" in commit.payload:
            raise StoreFailureError(FailureKind.POISON, "22021")

    replica.meddler.before = refuse
    async with world.blocked():
        first = asyncio.create_task(replica.identify("first@example.com"))
        await asyncio.sleep(MOMENT_S)
        names = ["a", "b", "poison", "c"]
        waiting = [asyncio.create_task(replica.identify(f"{name}@example.com")) for name in names]
        await asyncio.sleep(MOMENT_S)
    await first
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(answer, UttersonError) for answer in answers] == [False, False, True, False]
    assert (await world.rows())["profiles"] == 4


async def a_frozen_holder_keeps_nobody_long(world: World) -> None:
    """Who stands still while holding the workspace's row loses it after two seconds (decision 0003)."""
    chain = await world.chain()
    frozen = await open_store(world.url, DatabaseSettings(), REQUEST_RETENTION_US)
    held = asyncio.Event()

    async def freeze(_tail: object) -> Commit | None:
        held.set()
        await asyncio.Event().wait()
        return None

    holding = asyncio.create_task(frozen.commits.commit_locked(chain.keys, freeze, 30.0))
    await held.wait()
    began_s = asyncio.get_running_loop().time()
    try:
        while asyncio.get_running_loop().time() - began_s < 4.0:
            with suppress(StoreFailureError):
                assert await world.store.commits.commit(chain.entry(), 4.0) is CommitOutcome.OK
                break
        assert asyncio.get_running_loop().time() - began_s < 3.9
    finally:
        holding.cancel()
        await asyncio.wait({holding})
        await frozen.close()


async def an_unforeseen_failure_is_looked_up(world: World) -> None:
    """What nobody foresaw after a commit was sent must not lead to a second decision while the first stands."""
    replica = await world.replica()
    await replica.lane()
    replica.meddler.break_off = 1
    async with world.blocked():
        calling = [asyncio.create_task(replica.track("a@example.com", name)) for name in ("one", "two")]
        await asyncio.sleep(MOMENT_S)
    await asyncio.gather(*calling)
    assert (await world.rows())["events"] == 2


async def a_confused_driver_is_an_unknown_outcome(world: World) -> None:
    """The driver calls a connection that broke between two messages an internal error of its own."""

    async def confuse(_connection: object) -> None:
        raise asyncpg.InternalClientError("cannot switch to state 12")

    opened = await pool_module.ConnectionPool.open(world.url, pool_module.PoolSettings(1, 1_000, 1_000))
    try:
        with pytest.raises(StoreFailureError) as caught:
            await opened.run(confuse)
        assert caught.value.kind is FailureKind.UNKNOWN
    finally:
        await opened.close()
