"""Failpoints themselves: off unless asked for, and only at their place."""

import asyncio

import pytest

from utterson.application.lane.failpoints import Failpoints
from utterson.domain.failpoints import FailpointBehaviour, FailpointChoice, FailpointPlace
from utterson.domain.startup import StartupError
from utterson.settings.process import Settings, load_settings


async def test_no_place_breaks_off_by_default() -> None:
    assert Settings().failpoint is FailpointPlace.NONE
    points = Failpoints()
    for place in FailpointPlace:
        if place is not FailpointPlace.NONE:
            await asyncio.wait_for(points.reach(place), 1)


async def test_a_place_breaks_off_after_its_passes() -> None:
    points = Failpoints(FailpointChoice(FailpointPlace.AFTER_COMMIT, FailpointBehaviour.STALL, passes=2))
    for _ in range(2):
        await asyncio.wait_for(points.reach(FailpointPlace.AFTER_COMMIT), 1)
    await asyncio.wait_for(points.reach(FailpointPlace.BEFORE_COMMIT), 1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(points.reach(FailpointPlace.AFTER_COMMIT), 0.05)


def test_an_unknown_place_is_refused() -> None:
    with pytest.raises(StartupError, match="failpoint"):
        load_settings(None, {"failpoint": "anywhere"})
