"""A database that refuses to write is read all the same: nothing is unknown, nothing is dropped, nobody waits."""

import asyncio
import time

import pytest

from tests.application.conftest import Replica, refusal_of
from tests.application.faulty import execute
from utterson.application.lane import turn_runner
from utterson.domain.errors import Reason

# Without it no commit can be written, and every head can be read.
BREAK, MEND = "ALTER TABLE log_payload RENAME TO gone", "ALTER TABLE gone RENAME TO log_payload"


async def test_a_refused_commit_is_told_at_once_and_costs_no_state(replica: Replica, url: str) -> None:
    await replica.call("add:x")
    state = await replica.state()
    await execute(url, BREAK)
    began_s = time.monotonic()
    refusal = await refusal_of(replica.call("add:y"))
    assert time.monotonic() - began_s < 0.3
    assert refusal.reason is Reason.STORE_UNAVAILABLE
    assert "nothing was written" in refusal.message
    assert refusal.retry_after_ms is not None
    assert await replica.state() is state
    await execute(url, MEND)
    assert (await replica.call("add:y"))["serial"] == 2
    assert await replica.state() is state


async def test_what_changes_nothing_is_answered_beside_what_is_refused(replica: Replica, url: str) -> None:
    for name in ("x", "y", "z"):
        await replica.call(f"add:{name}")
    await execute(url, BREAK)
    lines = [f"{verb}:{name}" for name in ("x", "new", "y", "newer", "z", "newest") for verb in ("add", "read")]
    began_s = time.monotonic()
    answers = await asyncio.gather(*(replica.call(line) for line in lines), return_exceptions=True)
    assert time.monotonic() - began_s < 0.5
    told = {line: answer["serial"] for line, answer in zip(lines, answers, strict=True) if isinstance(answer, dict)}
    serials = {"x": 1, "y": 2, "z": 3}
    for line in lines:
        verb, _, name = line.partition(":")
        if verb == "read":
            assert told[line] == serials.get(name, 0)
        else:
            # Of what is there already nothing has to be written.
            assert told.get(line) == serials.get(name)


async def test_a_message_that_would_write_is_refused_whole(replica: Replica, url: str) -> None:
    await replica.call("add:x")
    await execute(url, BREAK)
    told = await replica.batch(("soho", "read:x"), ("soho", "add:new"))
    assert [accepted for accepted, _ in told] == [False, False]
    assert [accepted for accepted, _ in await replica.batch(("soho", "read:x"), ("soho", "add:x"))] == [True, True]


async def test_where_it_cannot_be_read_either_everybody_is_refused(replica: Replica, url: str) -> None:
    await replica.call("add:x")
    await execute(url, "ALTER TABLE log RENAME TO gone")
    answers = await asyncio.gather(replica.call("read:x"), replica.call("add:y"), return_exceptions=True)
    assert {getattr(answer, "reason", None) for answer in answers} == {Reason.STORE_UNAVAILABLE}
    await execute(url, "ALTER TABLE gone RENAME TO log")
    assert (await replica.call("read:x"))["serial"] == 1


async def test_a_refused_commit_under_the_lock_costs_no_state(
    replica: Replica, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await replica.call("add:x")
    state = await replica.state()
    monkeypatch.setattr(turn_runner, "LOSSES_BEFORE_LOCK", 0)
    await execute(url, BREAK)
    assert (await refusal_of(replica.call("add:y"))).reason is Reason.STORE_UNAVAILABLE
    assert await replica.state() is state
    await execute(url, MEND)
    assert (await replica.call("add:y"))["serial"] == 2
