"""Reading for the audit: every row with its values, from one snapshot; and the checks that SQL makes alone."""

import struct
from dataclasses import replace

import asyncpg
import pytest

from tests.store.conftest import NOW_US, Chain, attached, created, new_chain, requested
from tests.store.copy_format import decode_copy
from utterson.domain.chain import FailureKind, SnapshotHead, StoreFailureError, WorkspaceKeys
from utterson.domain.soundness import AuditFinding
from utterson.store.open_store import Store

DIGEST = bytes(range(16))
NUMBER = struct.Struct(">q").pack
SMALL = struct.Struct(">i").pack


class Collector:
    """A sink that keeps the chunks."""

    def __init__(self) -> None:
        self.taken: dict[str, bytes] = {}

    def profiles(self, chunk: bytes) -> None:
        self._take("profiles", chunk)

    def identifiers(self, chunk: bytes) -> None:
        self._take("identifiers", chunk)

    def traits(self, chunk: bytes) -> None:
        self._take("traits", chunk)

    def events(self, chunk: bytes) -> None:
        self._take("events", chunk)

    def _take(self, table: str, chunk: bytes) -> None:
        self.taken[table] = self.taken.get(table, b"") + chunk

    def rows(self, table: str) -> list[list[bytes | None]]:
        """Decode binary COPY."""
        return decode_copy(self.taken[table])


async def read(store: Store, keys: WorkspaceKeys) -> tuple[SnapshotHead, Collector]:
    audited = await store.audits.read(keys, lambda head: Collector(), 30.0)
    assert audited is not None
    return audited


async def test_the_columns_are_those_of_the_audit(chain: Chain, store: Store) -> None:
    await chain.append(created(1) | attached((DIGEST, 0, 1)) | {21: [1], 22: ["city"], 23: [None], 24: [5], 25: [3]})
    await chain.append({26: [1], 27: [6], 28: [2], 29: [b"walk"]})
    head, sink = await read(store, chain.keys)
    assert head.head == chain.head
    assert sink.rows("profiles") == [[NUMBER(1), NUMBER(NOW_US + 1), NUMBER(0), SMALL(0), NUMBER(0)]]
    assert sink.rows("identifiers") == [[DIGEST, NUMBER(1), b"email", b"ed.hyde@example.com", NUMBER(NOW_US)]]
    assert sink.rows("traits") == [[NUMBER(1), b"city", None, NUMBER(5), NUMBER(1), SMALL(3)]]
    assert sink.rows("events") == [[NUMBER(1), NUMBER(6), NUMBER(2), SMALL(2), b"walk"]]


async def test_a_workspace_without_a_log(chain: Chain, store: Store, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("DELETE FROM log")
    await connection.close()
    assert await store.audits.read(chain.keys, lambda head: Collector(), 30.0) is None


async def test_another_workspace_under_the_number_is_not_checked(chain: Chain, store: Store) -> None:
    another = replace(chain.keys, genesis_id=bytes(16))
    with pytest.raises(StoreFailureError) as caught:
        await store.audits.check(another, 30.0)
    assert caught.value.kind is FailureKind.GONE


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM profiles WHERE serial = 3", {AuditFinding.STRAYS: 1, AuditFinding.GAPS: 1}),
        ("DELETE FROM profiles WHERE serial = 2", {AuditFinding.GAPS: 1, AuditFinding.REDIRECTS: 1}),
        ("UPDATE profiles SET merged_into = 4 WHERE serial = 2", {AuditFinding.REDIRECTS: 1}),
        ("UPDATE profiles SET merged_into = 9 WHERE serial = 2", {AuditFinding.REDIRECTS: 1}),
        ("UPDATE identifiers SET digest = gen_random_uuid() WHERE profile = 1", {}),
        ("DELETE FROM log WHERE seq = 1", {AuditFinding.ENTRIES: 1}),
        ("DELETE FROM log WHERE seq = 0", {AuditFinding.ENTRIES: 1, AuditFinding.POLICIES: 1}),
        ("UPDATE log SET id = decode(md5('another'), 'hex') WHERE seq = 1", {AuditFinding.ENTRIES: 1}),
        ("DELETE FROM log_payload WHERE seq = 2", {AuditFinding.PAYLOADS: 1}),
        ("DELETE FROM log_payload WHERE seq = 1", {}),
        ("DELETE FROM policies", {AuditFinding.POLICIES: 1}),
        ("UPDATE policies SET seq = 1", {AuditFinding.POLICIES: 1}),
        ("UPDATE policies SET create_time_us = create_time_us + 1", {AuditFinding.POLICIES: 1}),
        ("UPDATE requests SET fingerprint = 'f'", {AuditFinding.REQUESTS: 1}),
        ("UPDATE requests SET seq = 9", {AuditFinding.REQUESTS: 1}),
        ("UPDATE requests SET commit_time_us = commit_time_us + 1", {AuditFinding.REQUESTS: 1}),
    ],
)
async def test_what_contradicts_itself_is_counted(
    chain: Chain, store: Store, database_url: str, statement: str, found: dict[AuditFinding, int]
) -> None:
    for workspace in (chain, await new_chain(store, "another")):
        await workspace.append(created(1, 2, 3, 4) | attached((DIGEST, 0, 1), (DIGEST[::-1], 0, 3)))
        once = requested(DIGEST)
        once[34] = [bytes(16)]
        merged: dict[int, list[object]] = {4: [4], 5: [2]}
        await workspace.append(merged | once)
        assert await store.audits.check(workspace.keys, 30.0) == {}
    connection = await asyncpg.connect(database_url)
    changed = f"{statement}{' AND' if 'WHERE' in statement else ' WHERE'} workspace_key = $1"
    await connection.execute(changed, chain.key)
    await connection.close()
    assert await store.audits.check(chain.keys, 30.0) == found
    assert await store.audits.check(workspace.keys, 30.0) == {}


async def test_what_the_hashes_prove_is_left_to_them_but_the_log_is_looked_at_always(
    chain: Chain, store: Store, database_url: str
) -> None:
    await chain.append(created(1, 2))
    await chain.append()
    connection = await asyncpg.connect(database_url)
    await connection.execute("DELETE FROM profiles WHERE serial = 1")
    await connection.execute("DELETE FROM log WHERE seq = 1")
    await connection.close()
    found = {AuditFinding.ENTRIES: 1}
    assert await store.audits.check(chain.keys, 30.0, thorough=False) == found
    assert await store.audits.check(chain.keys, 30.0) == found | {AuditFinding.GAPS: 1}


async def test_two_owners_are_counted_where_the_key_does_not_refuse_them(
    chain: Chain, store: Store, database_url: str
) -> None:
    await chain.append(created(1, 2) | attached((DIGEST, 0, 1), (DIGEST[::-1], 2, 2)))
    connection = await asyncpg.connect(database_url)
    await connection.execute("ALTER TABLE identifiers DROP CONSTRAINT identifiers_pkey")
    await connection.execute(
        "INSERT INTO identifiers SELECT workspace_key, digest, slot, 2, type, normalized_value, raw_value, added_us,"
        " seen_day FROM identifiers WHERE slot = 0"
    )
    await connection.close()
    assert await store.audits.check(chain.keys, 30.0) == {AuditFinding.OWNERS: 1}
