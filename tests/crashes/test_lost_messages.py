"""Commits whose request or answer is lost or late: found out by the entry's id, told rightly, never done twice."""

import asyncio
import random
from collections.abc import AsyncIterator
from itertools import cycle

import pytest

from tests.crashes.calls import Caller
from tests.crashes.in_process import served
from tests.crashes.judging import judge
from tests.crashes.load import Client, load_on
from tests.crashes.proxy import LATE, Fault, Proxy
from utterson.application.lane.committer import Committer
from utterson.client import UttersonClient
from utterson.domain.chain import Commit, CommitOutcome

COMMIT_TIMEOUT_MS = 500
LATE_S = 0.8


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[Proxy]:
    made = Proxy(database_url, LATE_S)
    async with made.listening():
        yield made


@pytest.fixture
async def address(proxy: Proxy) -> AsyncIterator[str]:
    async with served(proxy.database_url, commit_timeout_ms=COMMIT_TIMEOUT_MS) as address:
        async with UttersonClient(address) as client:
            await client.create_workspace("soho", preset="identity_graph_rules")
        yield address


async def call_together(address: str, caller: Caller) -> None:
    """Make some unary calls at once, and a batch."""
    async with Client(address, caller) as client:
        await asyncio.gather(*(client.unary(caller.make()) for _ in range(5)), client.batch(caller.many(5)))


@pytest.mark.parametrize("fault", list(Fault))
async def test_the_outcome_is_found_out_and_told(proxy: Proxy, address: str, database_url: str, fault: Fault) -> None:
    caller = Caller(1, "soho")
    await call_together(address, caller)
    proxy.strike_once(fault)
    await call_together(address, caller)
    assert proxy.struck == {fault: 1}
    assert [sent.refusal for sent in caller.sent if not sent.acknowledged] == []
    if fault in LATE:
        # What comes late comes now.
        await asyncio.sleep(LATE_S)
    await judge(database_url, address, caller)


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.READY_LOST, Fault.REQUEST_LOST])
async def test_while_nobody_can_tell_the_caller_is_told_just_that(
    proxy: Proxy, address: str, database_url: str, fault: Fault
) -> None:
    caller = Caller(2, "soho")
    await call_together(address, caller)
    before = len(caller.sent)
    proxy.strike_once(fault)
    proxy.goes_away = True
    async with Client(address, caller) as client:
        await client.batch(caller.many(5))
        await client.unary(caller.make())
    assert [sent.refusal for sent in caller.sent[before : before + 5]] != []
    for sent in caller.sent[before : before + 5]:
        assert "it is unknown whether the call took effect" in sent.refusal, sent
    assert caller.sent[-1].refusal == "UNAVAILABLE STORE_UNAVAILABLE"
    proxy.away = proxy.goes_away = False
    figures = await judge(database_url, address, caller)
    assert figures.committed_unheard == (0 if fault is Fault.REQUEST_LOST else 5)


async def test_a_storm_of_lost_and_late_messages(proxy: Proxy, address: str, database_url: str) -> None:
    caller, chance, faults = Caller(3, "soho"), random.Random(3), cycle(Fault)
    proxy.choose = lambda: next(faults) if chance.random() < 0.25 else None
    async with load_on(address, caller):
        await asyncio.sleep(4)
    proxy.choose = lambda: None
    figures = await judge(database_url, address, caller)
    print(figures, dict(proxy.struck))
    assert figures.acknowledged > 200
    assert set(proxy.struck) == set(Fault)


async def test_a_server_that_guesses_is_noticed(
    proxy: Proxy, address: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judgement can fail: a commit that never arrived is taken for done."""

    async def guess(self: Committer, commit: Commit, timeout_s: float) -> CommitOutcome:
        return CommitOutcome.OK

    caller = Caller(6, "soho")
    monkeypatch.setattr(Committer, "_find_outcome", guess)
    proxy.strike_once(Fault.REQUEST_LOST)
    await call_together(address, caller)
    assert proxy.struck == {Fault.REQUEST_LOST: 1}
    with pytest.raises(AssertionError):
        await judge(database_url, address, caller)
