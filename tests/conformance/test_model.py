"""Every scenario, through the reference model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.model.model import Model
from tests.model.records import Answer, Call, Disposition, Event, ImportMessage, Kind, Refusal
from utterson.cli.scenarios.loader import load_folder
from utterson.cli.scenarios.records import Expect, Given, Scenario, StateByType, Step, StepCall

SCENARIOS = load_folder(Path(__file__).parent)
# Later than every time of the files, but of those about C11.
START_US = 1_800_000_000_000_000
SECOND_US = 1_000_000
FURTHER = "further."


class Runner:
    """Runs one scenario; symbols are bound in order of creation, so P3 is the model's ordinal 3."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.model = Model(scenario.policy)
        self.now_us = START_US
        for given in scenario.given:
            self.give(given)

    def give(self, given: Given) -> None:
        """Make a profile that exists before the first step."""
        self.now_us += SECOND_US
        created_us = self.now_us if given.created_us is None else given.created_us
        further = tuple((f"{FURTHER}{given.profile.lower()}.{n}", "x") for n in range(given.further_identifiers))
        if not given.identifiers and not further:  # an orphan cannot be imported
            self.model.state.create(created_us)
            return
        message = ImportMessage(given.identifiers + further, None, created_us, given.merges)
        imported = self.model.import_profiles([message], self.now_us)
        assert imported == (ordinal_of(given.profile),), given.profile

    def run(self, step: Step) -> None:
        """Make the step's call and compare answer and state."""
        self.now_us += SECOND_US
        call = Call(
            kind=Kind[step.call.name],
            identifiers=step.identifiers,
            previous_profile=ordinal_of(step.previous_profile),
            event_time_us=step.time_us,
            now_us=self.now_us,
            event=Event("event") if step.call is StepCall.TRACK else None,
            profile=ordinal_of(step.profile),
            changes=step.changes,
        )
        compare(step.expect, self.model.call(call))
        if step.state is not None:
            assert self.state() == sorted_state(step.state)

    def state(self) -> dict[str, StateByType]:
        """Return all live profiles as the scenario format tells them; further identifiers are not listed."""
        state: dict[str, StateByType] = {}
        for profile in self.model.state.live():
            held = state.setdefault(f"P{profile.ordinal}", {})
            for type_name, value in sorted(profile.held):
                if not type_name.startswith(FURTHER):
                    held.setdefault(type_name, []).append(value)
        return state


def ordinal_of(symbol: str | None) -> int:
    """Return the ordinal of a symbol; 0 for none."""
    return int(symbol.removeprefix("P")) if symbol else 0


def sorted_state(state: dict[str, StateByType]) -> dict[str, StateByType]:
    """Bring a state of a file into the order that `Runner.state` has."""
    return {symbol: {name: sorted(values) for name, values in types.items()} for symbol, types in state.items()}


def compare(expect: Expect, answer: Answer | Refusal) -> None:
    """Compare an answer with what the file expects; absent keys as the format says."""
    if expect.error is not None:
        assert isinstance(answer, Refusal), answer
        assert answer.code == expect.error
        return
    assert isinstance(answer, Answer), answer
    if expect.outcome is not None:
        assert answer.outcome.name == expect.outcome
    if expect.profile is not None or expect.outcome == "UNRESOLVED":
        assert answer.profile == ordinal_of(expect.profile)
    if expect.known is not None:
        assert answer.known == expect.known
    if expect.source_profile is not None:
        assert answer.source_profile == ordinal_of(expect.source_profile)
    assert answer.merged == tuple(ordinal_of(symbol) for symbol in expect.merged)
    assert tuple((d.type, d.value, d.reason.name) for d in answer.demoted) == expect.demoted
    for disposition, expected in ((Disposition.BLOCKED, expect.blocked), (Disposition.INVALID, expect.invalid)):
        told = [(i.type, i.value) for i in answer.identifiers if i.disposition is disposition]
        assert tuple(told) == expected
    if expect.changed is not None:
        changed = tuple((change.type, change.profile) for change in answer.changes)
        assert changed == tuple((type_name, ordinal_of(symbol)) for type_name, symbol in expect.changed)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_scenario(scenario: Scenario) -> None:
    """Every step of the scenario answers, and leaves the state, as the file says."""
    runner = Runner(scenario)
    for step in scenario.steps:
        runner.run(step)


def test_the_files_hold_scenarios() -> None:
    """Fails if the folder lost its files."""
    assert len(SCENARIOS) >= 140
