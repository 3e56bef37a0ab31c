"""Repeated calls: answered with what was recorded when they were accepted."""

from tests.application.conftest import WORKSPACE, Replica


async def test_a_repeated_request_id_answers_what_was_recorded(replica: Replica, other: Replica) -> None:
    first = await replica.call("once:id:x")
    assert await replica.call("once:id:y") == first
    assert await other.call("once:id:z") == first
    answers = await replica.batch((WORKSPACE, "once:new:p"), (WORKSPACE, "once:new:p"), (WORKSPACE, "add:q"))
    assert answers[0] == answers[1]
    assert answers[2] != answers[0]
