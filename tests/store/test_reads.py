"""The readers: snapshots of profiles, keyset pages, workspaces, policies."""

import hashlib
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
    assert told == {"city": b"same time, later", "name": b"kept"}
    page = await store.profiles.traits_page(chain.keys, [1, 2, 3], None, 10)
    assert [(row.name, row.value, row.time_us, row.seq) for row in page] == [
        ("city", b"same time, later", 6, 3),
        ("name", b"kept", 9, 1),
        ("pet", None, 6, 2),
    ]
    assert page[0].entry_id == chain.head.id


async def test_trait_pages_neither_repeat_nor_skip(chain: Chain, store: Store) -> None:
    names: list[object] = ["", *(f"n{number:03}" for number in range(50))]
    for profile in (1, 2, 3):
        some = names[profile - 1 :: profile]
        count = len(some)
        await chain.append({21: [profile] * count, 22: some, 23: [b"v"] * count, 24: [1] * count, 25: [0] * count})
    seen: list[str] = []
    after = None
    while rows := await store.profiles.traits_page(chain.keys, [1, 2, 3], after, 7):
        seen += [row.name for row in rows]
        after = rows[-1].name
    assert seen == names


async def test_what_is_read_of_profiles_is_bounded_by_bytes(chain: Chain, store: Store) -> None:
    """Of each the newest traits up to 2 MiB and identifiers up to 512 KiB, and 3 MiB of all together."""
    mib = 1024 * 1024
    for profile in (1, 2, 3):
        values: list[object] = [bytes(mib // 4 - 14)] * 10
        traits: dict[int, list[object]] = {
            21: [profile] * 10, 22: [f"t{number}" for number in range(10)], 23: values,
            24: list(range(10)), 25: [0] * 10,
        }  # fmt: skip
        await chain.append(created(profile) | traits)
    rows = [(hashlib.md5(b"%d" % number).digest(), 0, 1) for number in range(800)]
    await chain.append(attached(*rows) | {14: ["v" * 1_000] * 800})
    digests = [digest for digest, _, _ in rows]
    queries = [ProfileQuery(1, [1], digests, [1] * 800), ProfileQuery(2, [2], [], []), ProfileQuery(3, [3], [], [])]
    _, found = await store.profiles.read(chain.keys, lambda head: queries)
    assert found is not None
    assert {serial: [row.name for row in rows] for serial, rows in found.traits.items()} == {
        1: [f"t{number}" for number in range(2, 10)],
        2: [f"t{number}" for number in range(6, 10)],
    }
    assert {row.total for row in found.traits[1]} == {10}
    told = list(found.identifiers.values())
    size_bytes = sum(row.size_bytes for row in told)
    assert mib // 2 - 2_000 < size_bytes <= mib // 2
    assert [row.digest for row in told] == digests[: len(told)], "in the order asked"
    assert {row.found for row in told} == {800}
    assert not found.is_cut


async def test_a_person_was_first_seen_when_the_earliest_member_was(chain: Chain, store: Store) -> None:
    await chain.append(created(1, 2, 3))
    _, rows = await store.profiles.read(chain.keys, lambda head: [ProfileQuery(3, [3, 2], [], [])])
    assert rows is not None
    assert rows.create_time_us == {3: NOW_US + 2}


async def test_values_as_sent_by_digest_and_holder(chain: Chain, store: Store) -> None:
    await chain.append(created(1, 2) | attached((DIGEST, 0, 1), (SHARED, 2, 2)))
    told = await store.profiles.raw_values(chain.keys, [(SHARED, 2), (DIGEST, 1), (DIGEST, 2)])
    assert sorted(told) == [(DIGEST, 1, "Ed.Hyde@example.com"), (SHARED, 2, "Ed.Hyde@example.com")]


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
