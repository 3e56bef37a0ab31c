"""A workspace that cannot be loaded is not read again by every call: it is refused at once for a while."""

import asyncio
import logging

import pytest

from tests.application.conftest import Replica, refusal_of
from tests.application.faulty import execute
from utterson.application.lane import load_pause
from utterson.application.lane.load_pause import LoadPause
from utterson.domain.errors import Reason, UttersonError
from utterson.server.refusals import log_fault

LOST = ("CREATE TABLE lost AS SELECT * FROM identifiers", "DELETE FROM identifiers")
BACK = "INSERT INTO identifiers SELECT * FROM lost"


@pytest.fixture
async def wrong(replica: Replica, url: str, monkeypatch: pytest.MonkeyPatch) -> Replica:
    """A replica that has to load a workspace whose tables lost a row."""
    monkeypatch.setattr(load_pause, "FIRST_S", 0.3)
    await replica.call("add:x")
    await execute(url, *LOST)
    (await replica.lane()).distrust(ValueError("the test"))
    return replica


def count_loads(replica: Replica) -> list[int]:
    """Note each load from now on."""
    loads: list[int] = []
    loader = replica.context.engine.loader

    def counted(*arguments: object) -> object:
        loads.append(1)
        return loader(*arguments)  # type: ignore[arg-type]

    replica.context.engine.loader = counted  # type: ignore[method-assign, assignment]
    return loads


async def test_calls_are_refused_at_once_and_a_line_says_why(wrong: Replica, caplog: pytest.LogCaptureFixture) -> None:
    loads = count_loads(wrong)
    caplog.set_level(logging.WARNING)
    refusals = [await refusal_of(wrong.call("add:y")) for _ in range(20)]
    assert {(one.reason, one.fault_id) for one in refusals} == {(Reason.INTERNAL_FAULT, refusals[0].fault_id)}
    assert refusals[0].fault_id
    assert len(loads) == 1
    (line,) = [record.getMessage() for record in caplog.records]
    told = "workspace soho cannot be loaded, calls are refused for 0 s: "
    assert line.startswith(f"fault {refusals[0].fault_id}: {told}")
    assert "the tables are not the head's state" in line


async def test_after_the_pause_it_is_loaded_again_and_served_once_the_rows_are_back(wrong: Replica, url: str) -> None:
    loads = count_loads(wrong)
    await refusal_of(wrong.call("read:x"))
    await execute(url, BACK)
    await refusal_of(wrong.call("read:x"))
    await asyncio.sleep(0.35)
    assert (await wrong.call("read:x"))["serial"] == 1
    assert len(loads) == 2


async def test_the_pause_grows_and_is_bounded_and_a_load_ends_it() -> None:
    pause = LoadPause()
    fault = UttersonError(Reason.INTERNAL_FAULT, "internal error", fault_id="1")
    told: list[float] = []
    for _ in range(40):
        told.append(pause.next_s(0.0))
        pause.begin(told[-1], fault)
    assert told[:4] == [1.0, 2.0, 4.0, 8.0]
    assert told[-1] == load_pause.LONGEST_S
    with pytest.raises(UttersonError):
        pause.check()
    pause.end()
    pause.check()
    assert pause.next_s(20.0) == 20.0, "as long as the load took: at most half of the time is spent on loads"


def test_a_fault_that_is_the_answer_to_every_call_gets_a_line_a_second(caplog: pytest.LogCaptureFixture) -> None:
    fault = UttersonError(Reason.INTERNAL_FAULT, "internal error", fault_id="5f")
    for _ in range(1_000):
        log_fault(fault, "/utterson.v1.IdentityService/Identify")
    assert 10 <= len(caplog.records) <= 12
