"""Failpoints: nothing happens anywhere but at the place that was asked for, and there not before its time."""

import asyncio
import os
import signal

import pytest

from utterson.application.lane.failpoints import Failpoints
from utterson.domain.failpoints import FailpointBehaviour, FailpointChoice, FailpointPlace

REAL_PLACES = [place for place in FailpointPlace if place is not FailpointPlace.NONE]


async def passes(failpoints: Failpoints, place: FailpointPlace) -> bool:
    """Tell whether a place is passed."""
    reaching = asyncio.create_task(failpoints.reach(place))
    for _ in range(5):
        await asyncio.sleep(0)
    passed = reaching.done()
    reaching.cancel()
    return passed


def stalls_at(place: FailpointPlace, passes: int = 0) -> Failpoints:
    return Failpoints(FailpointChoice(place, FailpointBehaviour.STALL, passes))


@pytest.mark.parametrize("place", REAL_PLACES)
async def test_without_a_choice_every_place_is_passed(place: FailpointPlace) -> None:
    assert await passes(Failpoints(), place)


@pytest.mark.parametrize("place", REAL_PLACES)
async def test_only_the_chosen_place_is_not_passed(place: FailpointPlace) -> None:
    failpoints = stalls_at(place)
    passed = {other for other in REAL_PLACES if await passes(failpoints, other)}
    assert passed == set(REAL_PLACES) - {place}


async def test_it_is_passed_as_often_as_was_said() -> None:
    failpoints = stalls_at(FailpointPlace.BEFORE_COMMIT, passes=2)
    assert await passes(failpoints, FailpointPlace.AFTER_COMMIT), "another place does not count"
    assert [await passes(failpoints, FailpointPlace.BEFORE_COMMIT) for _ in range(4)] == [True, True, False, False]


async def test_to_kill_is_to_kill_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, signal_number: killed.append((pid, signal_number)))
    assert not await passes(Failpoints(FailpointChoice(FailpointPlace.AFTER_DECIDE)), FailpointPlace.AFTER_DECIDE)
    assert killed == [(os.getpid(), signal.SIGKILL)]
