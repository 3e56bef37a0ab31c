"""The part of the kit that writes without lanes: what `commit_batch` itself must not let pass."""

import asyncio
import os
from dataclasses import replace

from tests.safeguards.world import World
from tests.store.conftest import NOW_US, Chain, attached, created, requested
from utterson.domain.chain import Commit, CommitOutcome, FailureKind, Head, StoreFailureError
from utterson.engine.core_engine import REQUEST_RETENTION_US
from utterson.settings.database import DatabaseSettings
from utterson.store.commits import _commit_batch
from utterson.store.open_store import open_store

DIGEST = bytes(range(16))
HOUR_US = 3_600_000_000
ANY_SKEW_US = 10**16


async def refused(chain: Chain, commit: Commit) -> FailureKind | CommitOutcome:
    """Send an entry; tell how it ended."""
    try:
        return await chain.send(commit)
    except StoreFailureError as failure:
        return failure.kind


async def stale_writer(world: World) -> None:
    """Somebody else was first: lost, and without effect."""
    chain = await world.chain()
    stale = chain.entry(created(7))
    await chain.append(created(1))
    before = await world.rows()
    assert await refused(chain, stale) is CommitOutcome.LOST
    assert await world.rows() == before


async def duplicate_application(world: World) -> None:
    """The same entry sent twice is taken once."""
    chain = await world.chain()
    commit = await chain.append(created(1))
    before = await world.rows()
    assert await refused(chain, commit) is CommitOutcome.LOST
    assert await world.rows() == before


async def regressed_history(world: World) -> None:
    """A writer whose predecessor the log does not have (any more) must not leave a gap."""
    chain = await world.chain()
    await chain.append(created(1))
    before = await world.rows()
    chain.head = Head(10, os.urandom(16))
    assert await refused(chain, chain.entry(created(2))) is CommitOutcome.DIVERGED
    assert await world.rows() == before


async def rewritten_history(world: World) -> None:
    """ABA: the number fits, the predecessor is another one."""
    chain = await world.chain()
    await chain.append(created(1))
    before = await world.rows()
    chain.head = Head(1, os.urandom(16))
    assert await refused(chain, chain.entry(created(2))) is CommitOutcome.DIVERGED
    assert await world.rows() == before


async def racing_writers(world: World) -> None:
    """The second writer waits for the first, and then has lost; it does not run into the first one's rows."""
    chain = await world.chain()
    first, second = chain.entry(created(1)), chain.entry(created(1))
    async with world.connection.transaction():
        assert await _commit_batch(world.connection, first, ANY_SKEW_US) is CommitOutcome.OK  # type: ignore[arg-type]
        waiting = asyncio.create_task(refused(chain, second))
        await asyncio.sleep(0.15)
        assert not waiting.done()
    assert await waiting is CommitOutcome.LOST
    assert await world.entry(1) == first.id


async def later_format(world: World) -> None:
    """A workspace that asks for a later format takes nothing from this build."""
    chain = await world.chain()
    await world.connection.execute("UPDATE workspaces SET format_version_min = 2")
    assert await refused(chain, chain.entry()) is CommitOutcome.FENCED


async def another_workspace(world: World) -> None:
    """The number may be another workspace's since a copy was restored: nothing is written by it alone."""
    chain = await world.chain()
    before = await world.rows()
    impostor = replace(chain.keys, genesis_id=DIGEST)
    assert await refused(chain, replace(chain.entry(created(1)), keys=impostor)) is CommitOutcome.GONE
    assert await world.rows() == before


async def another_workspace_read(world: World) -> None:
    """Nor is anything read by it."""
    chain = await world.chain()
    await chain.append(created(1) | requested(DIGEST))
    ended: FailureKind | None = None
    try:
        await world.store.log.request_answers(replace(chain.keys, genesis_id=DIGEST), [DIGEST])
    except StoreFailureError as failure:
        ended = failure.kind
    assert ended is FailureKind.GONE


async def a_jumped_clock(world: World) -> None:
    """One wrong time would stay in all later ones."""
    chain = await world.chain()
    before = await world.rows()
    strict = await open_store(world.url, DatabaseSettings(), REQUEST_RETENTION_US)
    try:
        for time_us in (0, 10**17):
            entry = chain.entry(created(1), commit_time_us=time_us)
            assert await strict.commits.commit(entry, 5.0) is CommitOutcome.CLOCKS_APART
    finally:
        await strict.close()
    assert await world.rows() == before


async def attached_twice(world: World) -> None:
    """A profile holds an identifier once, whether exclusively or not."""
    chain = await world.chain()
    await chain.append(created(1) | attached((DIGEST, 0, 1)))
    before = await world.rows()
    assert await refused(chain, chain.entry(attached((DIGEST, 1, 1)))) is FailureKind.DIVERGENCE
    assert await world.rows() == before


async def request_id_used_twice(world: World) -> None:
    """A request id within its 24 hours is never taken over by another call."""
    chain = await world.chain()
    await chain.append(requested(DIGEST))
    again = chain.entry(created(1) | requested(DIGEST), commit_time_us=NOW_US + 23 * HOUR_US)
    assert await refused(chain, again) is FailureKind.DIVERGENCE
    assert (await world.rows())["profiles"] == 0


async def merged_twice(world: World) -> None:
    """A profile is joined into another once."""
    chain = await world.chain()
    await chain.append(created(1, 2, 3) | {4: [1], 5: [2]})
    assert await refused(chain, chain.entry({4: [1], 5: [3]})) is FailureKind.DIVERGENCE


# Every statement of `commit_batch` by the step that it counts: its table and what it does there.
STEPS = {
    "created": ("profiles", "INSERT"),
    "losers": ("profiles", "UPDATE"),
    "detached": ("identifiers", "DELETE"),
    "attached": ("identifiers", "INSERT"),
    "seen": ("identifiers", "UPDATE"),
    "traits": ("traits", "INSERT"),
    "events": ("events", "INSERT"),
    "history": ("history", "INSERT"),
    "requests": ("requests", "INSERT"),
    "policies": ("policies", "INSERT"),
}
_COLUMNS: dict[str, dict[int, list[object]]] = {
    "created": created(9),
    "losers": {4: [1], 5: [2]},
    "detached": {6: [1], 7: [DIGEST], 8: [0]},
    "attached": attached((DIGEST[::-1], 0, 1)),
    "seen": {17: [1], 18: [DIGEST], 19: [0], 20: [30_000]},
    "traits": {21: [1], 22: ["age"], 23: [b"\x01"], 24: [5], 25: [0]},
    "events": {26: [1], 27: [NOW_US], 28: [0], 29: [b"event"]},
    "history": {30: [1], 31: [0], 32: [b"history"]},
    "requests": requested(DIGEST),
    "policies": {37: [2], 38: [b"policy 2"]},
}


async def swallowed_row(world: World, step: str) -> None:
    """A row that the database silently leaves out is noticed, whichever statement it is."""
    chain = await world.chain()
    await chain.append(created(1, 2) | attached((DIGEST, 0, 1)))
    table, action = STEPS[step]
    await world.connection.execute(
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    )
    await world.connection.execute(
        f"CREATE TRIGGER swallow BEFORE {action} ON {table} FOR EACH ROW EXECUTE FUNCTION swallow()"
    )
    before = await world.rows()
    assert await refused(chain, chain.entry(_COLUMNS[step])) is FailureKind.DIVERGENCE
    assert await world.rows() == before
