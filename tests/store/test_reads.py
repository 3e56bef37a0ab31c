"""The readers: snapshots of profiles, keyset pages, workspaces, policies."""

from dataclasses import replace

import asyncpg

from tests.store.conftest import NOW_US, Chain, attached, created, new_chain
from utterson.domain.chain import Head
from utterson.domain.rows import EventPosition, HistoryPosition, ProfileQuery
from utterson.store.open_store import Store

DIGEST = bytes(range(16))
SHARED = b"s" * 16
LAST = 2**63 - 1
NEWEST_EVENT = EventPosition(LAST, LAST, 2**31 - 1)
NEWEST_DECISION = HistoryPosition(LAST, 2**31 - 1)


async def test_profile_rows_come_with_their_head(chain: Chain, store: Store) -> None:
    await chain.append(created(1, 2, 3) | attached((DIGEST, 0, 1), (SHARED, 2, 2), (SHARED, 3, 3)))
    head, rows = await store.profiles.read(
        chain.keys, lambda head: [ProfileQuery(1, [1], [DIGEST], [1]), ProfileQuery(2, [2], [SHARED], [2])]
    )
    assert head == chain.head
    assert rows is not None
    assert rows.create_time_us == {1: NOW_US + 1, 2: NOW_US + 2}
    assert set(rows.identifiers) == {(DIGEST, 1), (SHARED, 2)}
    assert rows.identifiers[(DIGEST, 1)].raw_value == "Ed.Hyde@example.com"


async def test_no_rows_are_read_at_another_head(chain: Chain, store: Store) -> None:
    head, rows = await store.profiles.read(chain.keys, lambda head: None)
    assert (head, rows) == (chain.head, None)


async def test_a_trait_is_the_newest_over_all_members(chain: Chain, store: Store) -> None:
    """By (time, seq, position), a removal included (rule M8)."""
    await chain.append(
        created(1, 2, 3)
        | {21: [1, 1, 1], 22: ["city", "name", "pet"], 23: [b"old", b"kept", b"gone"], 24: [5, 9, 5], 25: [0, 0, 0]}
    )
    await chain.append(
        {21: [2, 2, 2], 22: ["city", "name", "pet"], 23: [b"new", b"older", None], 24: [6, 8, 6], 25: [0, 0, 0]}
    )
    await chain.append({21: [3], 22: ["city"], 23: [b"same time, later"], 24: [6], 25: [0]})
    _, rows = await store.profiles.read(chain.keys, lambda head: [ProfileQuery(1, [1, 2, 3], [], [])])
    assert rows is not None
    told = {row.name: row.value for row in rows.traits[1]}
    assert told == {"city": b"same time, later", "name": b"kept", "pet": None}


async def test_event_pages_neither_repeat_nor_skip(chain: Chain, store: Store) -> None:
    places = [(time % 7, position) for position, time in enumerate(range(40))]
    for start in range(0, 40, 10):
        part = places[start : start + 10]
        await chain.append(
            {
                26: [1 + place % 2 for _, place in part],
                27: [time for time, _ in part],
                28: [place for _, place in part],
                29: [b"%d" % place for _, place in part],
            }
        )
    seen = []
    before = NEWEST_EVENT
    while rows := await store.profiles.events_page(chain.keys, [1, 2], before, 7):
        seen.extend(rows)
        before = rows[-1].at
    assert len(seen) == 40
    assert len({row.record for row in seen}) == 40
    assert seen == sorted(seen, key=lambda row: (row.at.time_us, row.at.seq, row.at.position), reverse=True)
    only_first = await store.profiles.events_page(chain.keys, [1], NEWEST_EVENT, 100)
    assert len(only_first) == 20


async def test_a_decision_under_two_members_is_told_once(chain: Chain, store: Store) -> None:
    for number in range(5):
        both: list[object] = [b"decision %d" % number] * 2
        await chain.append({30: [1, 2], 31: [0, 0], 32: both})
    seen = []
    before = NEWEST_DECISION
    while rows := await store.profiles.history_page(chain.keys, [1, 2], before, 2):
        seen.extend(rows)
        before = rows[-1].at
    assert [row.record for row in seen] == [b"decision %d" % number for number in (4, 3, 2, 1, 0)]


async def test_workspaces_are_listed_by_id_with_their_newest_policy(store: Store) -> None:
    chains = {name: await new_chain(store, name) for name in ("soho", "acme", "west-end")}
    await chains["acme"].append({37: [2], 38: [b"newer"]})
    first = await store.workspaces.page("", 2)
    assert [(row.keys.workspace, row.policy.policy_revision, row.policy.policy) for row in first] == [
        ("acme", 2, b"newer"),
        ("soho", 1, b"policy"),
    ]
    assert [row.keys.workspace for row in await store.workspaces.page("soho", 2)] == ["west-end"]
    policies = await store.workspaces.policies_page(chains["acme"].keys, 2**31 - 1, 10)
    assert [policy.policy_revision for policy in policies] == [2, 1]
    assert await store.workspaces.get("nowhere") is None


async def test_heads_of_several_workspaces_in_one_query(store: Store) -> None:
    first, second = await new_chain(store, "first"), await new_chain(store, "second")
    await second.append()
    assert await store.log.heads([first.keys, second.keys, replace(first.keys, workspace_key=12345)]) == {
        first.keys: Head(0, first.head.id),
        second.keys: Head(1, second.head.id),
    }


async def test_a_dropped_payload_is_told_as_missing(chain: Chain, store: Store, database_url: str) -> None:
    await chain.append()
    connection = await asyncpg.connect(database_url)
    await connection.execute("DELETE FROM log_payload")
    await connection.close()
    (row,) = await store.log.tail(chain.keys, 0, 10)
    assert row.payload is None
