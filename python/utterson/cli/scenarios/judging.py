"""Plays scenarios and tells which of them hold."""

import secrets

from utterson.cli.failing import CommandError
from utterson.cli.scenarios.records import Scenario
from utterson.cli.scenarios.report import ScenarioVerdict
from utterson.cli.scenarios.running import AWAY, ScenarioRun
from utterson.client import CallRefused, UttersonClient


async def judge_all(scenarios: list[Scenario], address: str) -> list[ScenarioVerdict]:
    """Play scenarios one after another, each in a workspace of its own.

    Raises:
        CommandError: the server cannot be reached.
        ScenarioFileError: a policy has not the form of one.
    """
    run_id = secrets.token_hex(4)
    try:
        async with UttersonClient(address) as client:
            return [
                await judge(client, f"scenario-{run_id}-{number}", scenario)
                for number, scenario in enumerate(scenarios, 1)
            ]
    except CallRefused as refusal:
        raise CommandError(f"the server at {address} does not answer: {refusal}") from None


async def judge(client: UttersonClient, workspace: str, scenario: Scenario) -> ScenarioVerdict:
    """Play one scenario up to its first difference.

    Args:
        client: whom to call.
        workspace: the id of the workspace to make.
        scenario: what to play.

    Raises:
        CallRefused: the server cannot be reached.
        ScenarioFileError: the policy has not the form of one.
    """
    run = ScenarioRun(client, workspace, scenario)
    try:
        await run.prepare()
        async for result in run.steps():
            if not result.holds:
                name = f"step {result.number} ({result.step.call})"
                return ScenarioVerdict(scenario, f"{name}: {result.differences[0]}")
    except CallRefused as refusal:
        if refusal.code in AWAY:
            raise
        return ScenarioVerdict(scenario, f"it cannot go on: {refusal}")
    return ScenarioVerdict(scenario, "")
