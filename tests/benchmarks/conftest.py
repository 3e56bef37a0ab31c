"""What the tests of the peers share."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from benchmarks.peers import naive_database


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to a fresh naive peer."""
    connected = await asyncpg.connect(database_url)
    await naive_database.install(connected)
    yield connected
    await connected.close()
