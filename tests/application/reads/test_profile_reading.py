"""One consistent reading: what the state promises is in the tables, or the state is not trusted."""

import asyncpg

from tests.application.conftest import WORKSPACE, Replica, refusal_of
from utterson.domain.errors import Reason


async def test_a_state_that_promises_a_row_that_is_gone(replica: Replica, url: str) -> None:
    await replica.call("add:a")
    state = await replica.state()
    connection = await asyncpg.connect(url)
    await connection.execute("DELETE FROM identifiers")
    await connection.close()
    error = await refusal_of(replica.profiles.get_profiles(WORKSPACE, [1], "", None))
    assert error.reason is Reason.INTERNAL_FAULT
    assert (await replica.lane()).state is not state
