"""A database of the build before is brought to workspaces that prove themselves, under a server of that build."""

import os

import asyncpg
import pytest

from tests.store.conftest import ANY_CLOCK
from tests.store.older import migrate_up_to
from utterson.domain.chain import Head
from utterson.engine.core_engine import REQUEST_RETENTION_US
from utterson.store.migrate import migrate
from utterson.store.open_store import open_store

BEFORE = 8
OLD_CREATE = "INSERT INTO workspaces (workspace, digest_key, id_key, create_time_us) VALUES ($1, $2, $2, 0)"


async def test_older_workspaces_get_their_logs_genesis(database_url: str) -> None:
    await migrate_up_to(database_url, BEFORE)
    connection = await asyncpg.connect(database_url)
    genesis = {}
    for number, workspace in enumerate(("acme", "bond"), start=1):
        genesis[workspace] = os.urandom(16)
        await connection.execute(OLD_CREATE, workspace, os.urandom(16))
        await connection.execute("INSERT INTO policies VALUES ($1, 1, 'policy', 0, 0)", number)
        entry = (number, 0, genesis[workspace], bytes(16), 1, 0, bytes(48), 1)
        await connection.execute("INSERT INTO log VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", *entry)
    assert await migrate(database_url) == [9, 10]
    store = await open_store(database_url, ANY_CLOCK, REQUEST_RETENTION_US)
    try:
        for number, workspace in enumerate(("acme", "bond"), start=1):
            stored = await store.workspaces.get(workspace)
            assert stored is not None
            keys = stored.keys
            assert (keys.workspace_key, keys.genesis_id, keys.id_eras) == (number, genesis[workspace], ())
            assert await store.log.heads([keys]) == {keys: Head(0, genesis[workspace])}
    finally:
        await store.close()
    # A server of the build before makes no workspace any more; test_columns.py has its commits.
    with pytest.raises(asyncpg.NotNullViolationError):
        await connection.execute(OLD_CREATE, "casino", os.urandom(16))
    await connection.close()
