"""A workspace proves itself: whoever means another one by its number reads nothing and writes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from tests.store.conftest import Chain, created, new_chain, requested
from utterson.domain.chain import CommitOutcome, FailureKind, Head, StoreFailureError, WorkspaceKeys
from utterson.domain.rows import EventPosition, HistoryPosition
from utterson.store.open_store import Store

OTHER = bytes(range(16))
NEWEST = 2**62
Impostor = Callable[[WorkspaceKeys], WorkspaceKeys]
IMPOSTORS: list[Impostor] = [
    lambda keys: replace(keys, genesis_id=OTHER),
    lambda keys: replace(keys, database_id=OTHER),
    lambda keys: replace(keys, workspace_key=keys.workspace_key + 1),
]
Reader = Callable[[Store, WorkspaceKeys], Awaitable[object]]
READERS: dict[str, Reader] = {
    "tail": lambda store, keys: store.log.tail(keys, 0, 10),
    "answers": lambda store, keys: store.log.request_answers(keys, [OTHER]),
    "events": lambda store, keys: store.profiles.events_page(keys, [1], EventPosition(NEWEST, NEWEST, 0), 5),
    "history": lambda store, keys: store.profiles.history_page(keys, [1], HistoryPosition(NEWEST, 0), 5),
    "traits": lambda store, keys: store.profiles.traits_page(keys, [1], None, 5),
    "no members": lambda store, keys: store.profiles.events_page(keys, [], EventPosition(0, 0, 0), 5),
    "policies": lambda store, keys: store.workspaces.policies_page(keys, 2, 5),
    "audit": lambda store, keys: store.audits.read(keys, lambda head: pytest.fail("it was read"), 5.0),
}


@pytest.fixture(params=range(len(IMPOSTORS)), ids=["genesis", "database", "number"])
def impostor(request: pytest.FixtureRequest, chain: Chain) -> WorkspaceKeys:
    """Keys that are those of the workspace but for one thing."""
    made: Impostor = IMPOSTORS[request.param]
    return made(chain.keys)


@pytest.mark.parametrize("reader", READERS)
async def test_no_reader_reads_by_the_number_alone(
    chain: Chain, store: Store, impostor: WorkspaceKeys, reader: str
) -> None:
    await chain.append(created(1) | requested(OTHER))
    if reader != "audit":
        await READERS[reader](store, chain.keys)
    with pytest.raises(StoreFailureError) as caught:
        await READERS[reader](store, impostor)
    assert caught.value.kind is FailureKind.GONE


async def test_no_head_is_told_by_the_number_alone(chain: Chain, store: Store, impostor: WorkspaceKeys) -> None:
    other = await new_chain(store, "acme")
    await chain.append(created(1))
    assert await store.log.heads([impostor, other.keys]) == {other.keys: other.head}
    head, rows = await store.profiles.read(impostor, lambda head: None)
    assert (head, rows) == (Head(-1, b""), None)


async def test_nothing_is_committed_by_the_number_alone(chain: Chain, store: Store, impostor: WorkspaceKeys) -> None:
    entry = replace(chain.entry(created(1)), keys=impostor)
    assert await store.commits.commit(entry, 5.0) is CommitOutcome.GONE

    async def decide(_tail: object) -> None:
        pytest.fail("its row was locked")

    assert await store.commits.commit_locked(impostor, decide, 5.0) is CommitOutcome.GONE
    assert await store.log.heads([chain.keys]) == {chain.keys: chain.head}
    await chain.append(created(1))


async def test_an_entry_is_found_by_its_genesis_whatever_became_of_the_database(chain: Chain, store: Store) -> None:
    entry = await chain.append(created(1))
    await store.identity.settle(chain.keys.database_id, lost=True)
    assert await store.log.entry_id(chain.keys, 1) == entry.id
    assert await store.log.entry_id(replace(chain.keys, genesis_id=OTHER), 1) is None


async def keys_of(store: Store, workspace: str = "soho") -> WorkspaceKeys:
    """Who a workspace is by now."""
    stored = await store.workspaces.get(workspace)
    assert stored is not None
    return stored.keys


async def test_lost_history_begins_an_era_once_for_all_who_saw_it(chain: Chain, store: Store) -> None:
    await new_chain(store, "acme")
    await chain.append(created(1, 2, 3))
    before = chain.keys
    await asyncio.gather(*(store.identity.settle(before.database_id, lost=True) for _ in range(5)))
    keys = await keys_of(store)
    assert keys.genesis_id == before.genesis_id
    assert keys.database_id != before.database_id
    (era,) = keys.id_eras
    assert (era & 0xFFFF_FFFF, 0 < era >> 32 < 2**20) == (4, True)
    assert (await keys_of(store, "acme")).id_eras[0] & 0xFFFF_FFFF == 1
    # Whoever saw it before that saw nothing else.
    await store.identity.settle(before.database_id, lost=True)
    assert await keys_of(store) == keys
    await store.identity.settle(keys.database_id, lost=False)
    assert await keys_of(store) == keys
    # What it never was is a loss of its own.
    for lost in (False, True, True):
        await store.identity.settle(OTHER, lost=lost)
        assert len((await keys_of(store)).id_eras) == 2


async def test_eras_have_numbers_of_their_own(chain: Chain, store: Store) -> None:
    for _ in range(20):
        await store.identity.settle((await keys_of(store)).database_id, lost=True)
    numbers = [era >> 32 for era in (await keys_of(store)).id_eras]
    assert len(set(numbers)) == 20


async def test_commits_and_new_eras_at_the_same_time(chain: Chain, store: Store) -> None:
    """Each commit stands under the identity that it proved: a profile's serial lies in the eras that its maker knew."""
    ended = asyncio.Event()
    refused = 0

    async def write() -> None:
        nonlocal refused
        for serial in range(1, 121):
            while await chain.send(chain.entry(created(serial))) is CommitOutcome.GONE:
                refused += 1
                chain.keys = await keys_of(store)
            eras = chain.keys.id_eras
            assert not eras or eras[-1] & 0xFFFF_FFFF <= serial
        ended.set()

    async def renew() -> None:
        while not ended.is_set():
            await store.identity.settle((await keys_of(store)).database_id, lost=True)
            await asyncio.sleep(0.01)

    await asyncio.gather(write(), renew())
    assert refused > 0
    eras = [era & 0xFFFF_FFFF for era in (await keys_of(store)).id_eras]
    assert eras == sorted(eras)
    assert len(eras) >= refused
