"""Every scenario, through a running server over gRPC, on a real Postgres."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.listeners import FRONTS
from utterson.cli.scenarios.loader import load_folder
from utterson.cli.scenarios.records import Scenario
from utterson.cli.scenarios.running import ScenarioRun
from utterson.client import UttersonClient
from utterson.main import running
from utterson.settings.process import Settings

SCENARIOS = load_folder(Path(__file__).parent)
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module", params=FRONTS, ids=lambda front: f"front-{front}")
async def client(module_database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[UttersonClient]:
    """A client of a server of this module's own, both ways to listen in turn."""
    settings = Settings(listen="127.0.0.1:0", database_url=SecretStr(module_database_url), front=request.param)
    async with running(settings) as server, UttersonClient(f"127.0.0.1:{server.port}") as connected:
        yield connected


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
async def test_scenario(client: UttersonClient, scenario: Scenario) -> None:
    """Every step of the scenario answers, and leaves the state, as the file says."""
    run = ScenarioRun(client, f"scenario-{next(NUMBERS)}", scenario)
    await run.prepare()
    results = [result async for result in run.steps()]
    assert [result.number for result in results] == list(range(1, len(scenario.steps) + 1))
    assert {result.number: result.differences for result in results if not result.holds} == {}


def test_the_files_hold_scenarios() -> None:
    """Fails if the folder lost its files."""
    assert len(SCENARIOS) >= 90
