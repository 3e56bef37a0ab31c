"""Reads of profiles: one state, tokens, pages, and other replicas' writes."""

import asyncio

import asyncpg
import pytest

from tests.application.conftest import WORKSPACE, Replica, refusal_of, replica_on
from utterson.domain.chain import Head
from utterson.domain.errors import Reason
from utterson.settings.lanes import LaneSettings


def token(head: Head) -> str:
    return f"{head.seq}-{head.id.hex()}"


async def test_profiles_come_in_the_order_asked(replica: Replica, other: Replica) -> None:
    for value in ("a", "b"):
        await replica.call(f"add:{value}")
    records = await other.profiles.get_profiles(WORKSPACE, [2, 1, 2], "", None)
    assert [(record.profile_id, record.identifiers[0].raw_value) for record in records] == [
        (2, "b"), (1, "a"), (2, "b"),
    ]  # fmt: skip


async def test_a_missing_profile_is_named(replica: Replica) -> None:
    await replica.call("add:a")
    error = await refusal_of(replica.profiles.get_profiles(WORKSPACE, [1, 77], "", None))
    assert error.reason is Reason.PROFILE_NOT_FOUND
    assert error.resource is not None
    assert error.resource.name == "77"


async def test_a_read_sees_the_newest_commit_of_any_replica(replica: Replica, other: Replica) -> None:
    await other.call("read:x")
    for number in range(1, 30):
        await replica.call(f"add:{number}")
        (record,) = await other.profiles.get_profiles(WORKSPACE, [number], "", None)
        assert record.identifiers[0].raw_value == str(number)


async def test_reads_while_two_replicas_write(replica: Replica, other: Replica) -> None:
    await replica.call("add:first")
    done = asyncio.Event()

    async def write(writer: Replica, name: str) -> None:
        number = 0
        while not done.is_set():
            await writer.call(f"add:{name}-{number}")
            number += 1

    writing = [asyncio.create_task(write(writer, str(place))) for place, writer in enumerate((replica, other) * 2)]
    async with asyncio.timeout(20):
        for _ in range(30):
            for reader in (replica, other):
                (record,) = await reader.profiles.get_profiles(WORKSPACE, [1], "", None)
                assert record.identifiers[0].raw_value == "first"
    done.set()
    await asyncio.gather(*writing)


async def test_at_least_waits_for_a_revision(replica: Replica) -> None:
    await replica.call("add:a")
    head = (await replica.state()).head
    assert await replica.profiles.get_profiles(WORKSPACE, [1], token(head), 1.0)


async def test_at_least_of_a_revision_that_is_not_reached(
    replica: Replica, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await replica.call("add:a")
    revision = token((await replica.state()).head)
    async with replica_on(url, LaneSettings(at_least_timeout_ms=100)) as hasty:
        lane = await hasty.lane()
        await hasty.state()

        async def reach(_self: object, seq: int) -> None:
            if seq:
                await asyncio.sleep(5)

        monkeypatch.setattr(type(lane), "reach", reach)
        for timeout_s in (0.05, None):
            error = await refusal_of(hasty.profiles.get_profiles(WORKSPACE, [1], revision, timeout_s))
            assert error.reason is Reason.REVISION_NOT_REACHED


async def test_at_least_of_a_revision_that_the_log_does_not_have(replica: Replica) -> None:
    """A token is given out when its entry stands: what is not there any more was lost."""
    await replica.call("add:a")
    began_s = asyncio.get_running_loop().time()
    error = await refusal_of(replica.profiles.get_profiles(WORKSPACE, [1], token(Head(9, bytes(16))), None))
    assert error.reason is Reason.HISTORY_DIVERGED
    assert asyncio.get_running_loop().time() - began_s < 1


async def test_at_least_of_a_lost_history(replica: Replica) -> None:
    await replica.call("add:a")
    error = await refusal_of(replica.profiles.get_profiles(WORKSPACE, [1], token(Head(1, b"z" * 16)), None))
    assert error.reason is Reason.HISTORY_DIVERGED


async def test_at_least_of_something_else(replica: Replica) -> None:
    error = await refusal_of(replica.profiles.get_profiles(WORKSPACE, [1], "nonsense", None))
    assert error.reason is Reason.REVISION_INVALID


async def test_events_by_pages(replica: Replica, url: str) -> None:
    await replica.call("add:a")
    connection = await asyncpg.connect(url)
    key = (await replica.lane()).keys.workspace_key
    await connection.execute(
        f"INSERT INTO events SELECT {key}, 1, 1000 + number / 2, 1, number, convert_to(number::text, 'UTF8')"
        " FROM generate_series(1, 120) AS number"
    )
    await connection.execute(f"INSERT INTO events VALUES ({key}, 0, 5, 1, 1, 'unresolved')")
    await connection.close()
    told: list[bytes] = []
    sizes = []
    page_token = ""
    while True:
        page = await replica.profiles.list_events(WORKSPACE, 1, 0, page_token)
        sizes.append(len(page.items))
        told += page.items
        page_token = page.next_page_token
        if not page_token:
            break
    assert sizes == [50, 50, 20]
    assert told == [b"%d" % number for number in range(120, 0, -1)]
    assert (await replica.profiles.list_events(WORKSPACE, 0, 0, "")).items == [b"unresolved"]
    first = await replica.profiles.list_events(WORKSPACE, 1, 1, "")
    error = await refusal_of(replica.profiles.list_events(WORKSPACE, 0, 1, first.next_page_token))
    assert error.reason is Reason.PAGE_TOKEN_INVALID
    error = await refusal_of(replica.profiles.list_events(WORKSPACE, 1, -1, ""))
    assert error.reason is Reason.FIELD_INVALID
    assert (await refusal_of(replica.profiles.list_history(WORKSPACE, 5, 0, ""))).reason is Reason.PROFILE_NOT_FOUND
