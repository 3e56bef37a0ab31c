"""A database that keeps ending connections: whatever the driver makes of it, no outcome is guessed."""

import asyncio
from collections import Counter

import asyncpg

from tests.crashes.calls import Caller
from tests.crashes.in_process import served
from tests.crashes.judging import judge
from tests.crashes.load import load_on
from utterson.client import UttersonClient

SECONDS = 3.0
TOLD = {"", "UNAVAILABLE STORE_UNAVAILABLE", "UNAVAILABLE OUTCOME_UNKNOWN"}


async def _end_connections(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        while True:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'utterson'"
            )
            await asyncio.sleep(0.03)
    finally:
        await connection.close()


async def test_calls_while_connections_end(database_url: str) -> None:
    caller = Caller(7, "soho")
    async with served(database_url, commit_timeout_ms=1_000) as address:
        async with UttersonClient(address) as client:
            await client.create_workspace("soho", preset="identity_graph_rules")
        ending = asyncio.create_task(_end_connections(database_url))
        async with load_on(address, caller):
            await asyncio.sleep(SECONDS)
            ending.cancel()
            await asyncio.wait({ending})
        refusals = Counter(sent.refusal for sent in caller.sent)
        # In a batch the status tells its code and its sentence.
        bugs = {refusal: count for refusal, count in refusals.items() if "INTERNAL" in refusal or "internal" in refusal}
        assert bugs == {}
        assert {refusal for refusal in refusals if refusal.startswith("UNAVAILABLE")} <= TOLD
        figures = await judge(database_url, address, caller)
        assert figures.acknowledged > 50
