"""Rounds of load and kill -9. What was acknowledged is there once; everything else at most once."""

from collections.abc import AsyncIterator

import pytest

from tests.crashes.rig import Rig, Victim, opened_rig
from tests.embedded.processes import NEEDS_PROC
from utterson.domain.failpoints import FailpointBehaviour, FailpointPlace

pytestmark = NEEDS_PROC

COMMITTED = (FailpointPlace.AFTER_COMMIT, FailpointPlace.BEFORE_APPLY)


@pytest.fixture(scope="module")
async def rig() -> AsyncIterator[Rig]:
    async with opened_rig() as opened:
        yield opened


@pytest.mark.parametrize("place", [place for place in FailpointPlace if place is not FailpointPlace.NONE])
async def test_a_server_that_dies_at_a_place(rig: Rig, place: FailpointPlace) -> None:
    figures = await rig.failpoint_round(list(FailpointPlace).index(place), place, FailpointBehaviour.KILL)
    assert figures.unknown > 0
    if place in COMMITTED:
        # The crash fell between commit and answer: nobody heard of the newest entry.
        assert figures.in_newest_entry > 0
        assert figures.heard_in_newest_entry == 0
    else:
        assert figures.unknown > figures.committed_unheard, "no call was in flight before its commit"


@pytest.mark.parametrize("victim", [Victim.SERVER, Victim.SERVER_AND_POSTMASTER])
async def test_a_kill_between_commit_and_answer(rig: Rig, victim: Victim) -> None:
    figures = await rig.failpoint_round(2, FailpointPlace.AFTER_COMMIT, FailpointBehaviour.STALL, victim)
    assert figures.in_newest_entry > 0
    assert figures.heard_in_newest_entry == 0


@pytest.mark.parametrize("seed", [2, 3], ids=["merge", "isolation"])
async def test_kills_at_any_moment(rig: Rig, seed: int) -> None:
    heard = 0
    async for figures in rig.random_rounds(seed, list(Victim)):
        print(figures)
        assert figures.acknowledged > heard + 100, "the load was no load"
        heard = figures.calls
