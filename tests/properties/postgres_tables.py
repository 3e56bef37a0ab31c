"""A workspace's rows as they stand in Postgres, in the form of the table twin."""

from __future__ import annotations

import asyncpg

from tests.agreement.twin import IdentifierRow, LogRow, ProfileRow, RequestRow, Tables, TraitRow

LOG = """
SELECT l.seq, l.id, l.prev, l.policy_revision, l.commit_time_us, l.state_hash, coalesce(p.payload, '') AS payload
FROM log AS l LEFT JOIN log_payload AS p USING (workspace_key, seq) WHERE l.workspace_key = $1 ORDER BY l.seq
"""


async def read_tables(url: str, workspace: str) -> tuple[Tables, tuple[bytes, bytes], list[int]]:
    """Read everything of a workspace; tell its keys and the eras of its profile ids, too."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await _read(connection, workspace)
    finally:
        await connection.close()


async def _read(connection: asyncpg.Connection, workspace: str) -> tuple[Tables, tuple[bytes, bytes], list[int]]:
    found = await connection.fetchrow("SELECT * FROM workspaces WHERE workspace = $1", workspace)
    assert found is not None
    key = found["workspace_key"]
    log = [LogRow(*row) for row in await connection.fetch(LOG, key)]
    policies = await connection.fetch("SELECT policy_revision, policy FROM policies WHERE workspace_key = $1", key)
    by_revision = {row["policy_revision"]: row["policy"] for row in policies}
    tables = Tables(log[0], by_revision[1])
    tables.log, tables.policies = log, by_revision
    for row in await connection.fetch("SELECT * FROM profiles WHERE workspace_key = $1", key):
        _, serial, *fields = row
        tables.profiles[serial] = ProfileRow(*fields)
    for row in await connection.fetch("SELECT * FROM identifiers WHERE workspace_key = $1", key):
        _, digest, slot, profile, *fields = row
        tables.identifiers[profile, digest.bytes] = IdentifierRow(slot, *fields)
    for row in await connection.fetch("SELECT * FROM traits WHERE workspace_key = $1", key):
        _, profile, name, *fields = row
        tables.traits[profile, name] = TraitRow(*fields)
    for row in await connection.fetch("SELECT * FROM events WHERE workspace_key = $1", key):
        _, profile, time_us, seq, position, record = row
        tables.events[profile, time_us, seq, position] = record
    columns = "digest, fingerprint, seq, position, commit_time_us, answer"
    for row in await connection.fetch(f"SELECT {columns} FROM requests WHERE workspace_key = $1", key):
        digest, *fields = row
        tables.requests[digest.bytes] = RequestRow(*fields)
    return tables, (found["digest_key"], found["id_key"]), found["id_eras"]
