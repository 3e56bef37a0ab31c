"""The play tells a row that differs, loudly."""

import dataclasses
import io

from rich.console import Console

from utterson.cli.demo.playing import GRAPH, ISOLATION, Seed, load_seed, perform
from utterson.cli.scenarios.records import OutcomeName, Scenario, Step
from utterson.client import UttersonClient


def changed(scenario: Scenario, number: int, step: Step) -> Scenario:
    """Return the scenario with another step in one place."""
    steps = list(scenario.steps)
    steps[number - 1] = step
    return dataclasses.replace(scenario, steps=tuple(steps))


async def play_one(address: str, seed: Seed, scenario: Scenario, workspace: str) -> tuple[str, tuple[int, ...]]:
    """Play a document and return what was told and which rows differ."""
    told = io.StringIO()
    async with UttersonClient(address) as client:
        performance = await perform(client, Console(file=told, width=100), seed, scenario, workspace)
    return told.getvalue(), performance.differing_rows


async def test_another_outcome_differs(address: str) -> None:
    scenario = load_seed(ISOLATION)
    step = scenario.steps[2]
    wrong = dataclasses.replace(step, expect=dataclasses.replace(step.expect, outcome=OutcomeName.CREATED))
    told, differing = await play_one(address, ISOLATION, changed(scenario, 3, wrong), "other-outcome")
    assert differing == (3,)
    assert "outcome is MATCHED, expected CREATED" in told
    assert "1 of 8 rows of «Profile Isolation Strategy» DIFFER from the document: row 3" in told
    assert told.count("✓ equals the document") == 7


async def test_another_profile_differs(address: str) -> None:
    scenario = load_seed(ISOLATION)
    step = scenario.steps[4]
    wrong = dataclasses.replace(step, expect=dataclasses.replace(step.expect, profile="P3"))
    told, differing = await play_one(address, ISOLATION, changed(scenario, 5, wrong), "other-profile")
    assert differing == (5,)
    assert "profile is Profile 2, expected Profile 3" in told


async def test_another_state_of_any_profile_differs(address: str) -> None:
    """Even of a profile that the call had nothing to do with."""
    scenario = load_seed(GRAPH)
    step = scenario.steps[1]
    assert step.state is not None
    wrong = dataclasses.replace(step, state={**step.state, "P5": {"email": ["enfield@example.com"]}})
    _, differing = await play_one(address, GRAPH, changed(scenario, 2, wrong), "other-state")
    assert differing == (2,)


async def test_a_profile_too_many_or_too_few_differs(address: str) -> None:
    scenario = load_seed(GRAPH)
    step = scenario.steps[2]
    assert step.state is not None
    too_many = dataclasses.replace(step, state={**step.state, "P8": {"anonymous_id": ["browser"]}})
    _, differing = await play_one(address, GRAPH, changed(scenario, 3, too_many), "too-many")
    assert differing == (3,)
    too_few = dataclasses.replace(step, state={name: types for name, types in step.state.items() if name != "P7"})
    _, differing = await play_one(address, GRAPH, changed(scenario, 3, too_few), "too-few")
    assert differing == (3,)
