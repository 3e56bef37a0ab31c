"""Loads scenario files into typed records. Knows the format only: no server, no client."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from utterson.cli.scenarios.entries import Entry
from utterson.cli.scenarios.records import (
    DemotionName,
    Expect,
    Given,
    OutcomeName,
    Preset,
    RefusalCode,
    Scenario,
    ScenarioFileError,
    Status,
    Step,
    StepCall,
)

_FILE_KEYS: Final = frozenset({"policies", "scenarios"})
_SCENARIO_KEYS: Final = frozenset({"id", "title", "status", "source", "notes", "note", "policy", "given", "steps"})
_GIVEN_KEYS: Final = frozenset({"profile", "identifiers", "merges", "further_identifiers", "created", "note"})
_STEP_KEYS: Final = frozenset(
    {"call", "note", "time", "previous_profile", "identifiers", "profile", "changes", "expect", "state"}
)
_EXPECT_KEYS: Final = frozenset(
    {
        "error",
        "outcome",
        "profile",
        "known",
        "source_profile",
        "merged",
        "demoted",
        "blocked",
        "invalid",
        "changed",
        "note",
    }
)


def load_scenarios(path: Path) -> list[Scenario]:
    """Read one file.

    Raises:
        ScenarioFileError: it cannot be read or does not follow the format.
    """
    try:
        source = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioFileError(f"{path}: {error.strerror or 'the file cannot be read'}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScenarioFileError(f"{path}: this is no YAML: {' '.join(str(error).split())}") from None
    file = Entry(source, str(path), _FILE_KEYS)
    policies = file.value("policies") or {}
    if not isinstance(policies, Mapping):
        file.fail("policies must map names to policies")
    scenarios = [_scenario(entry, policies, path, number) for number, entry in enumerate(file.items("scenarios"), 1)]
    if not scenarios:
        file.fail("it holds no scenarios")
    seen: set[str] = set()
    for scenario in scenarios:
        if scenario.id in seen:
            file.fail(f"two scenarios have the id {scenario.id}")
        seen.add(scenario.id)
    return scenarios


def load_folder(folder: Path) -> list[Scenario]:
    """Read every `*.yaml` of a folder, in order of their names (see load_scenarios)."""
    return [scenario for path in sorted(folder.glob("*.yaml")) for scenario in load_scenarios(path)]


def _scenario(source: object, policies: Mapping[str, Any], path: Path, number: int) -> Scenario:
    named = isinstance(source, Mapping) and isinstance(source.get("id"), str)
    where = f"{path}: scenario {source['id'] if named else number}"  # type: ignore[index]  # named says it is a mapping
    entry = Entry(source, where, _SCENARIO_KEYS)
    steps = tuple(_step(step, f"{where}, step {place}") for place, step in enumerate(entry.items("steps"), 1))
    if not steps:
        entry.fail("it has no steps")
    return Scenario(
        id=entry.required_text("id"),
        title=entry.text("title") or "",
        policy=_policy(entry, policies),
        given=tuple(_given(given, where, place) for place, given in enumerate(entry.items("given"), 1)),
        steps=steps,
        path=path,
        status=entry.choice("status", Status),
    )


def _policy(entry: Entry, policies: Mapping[str, Any]) -> Mapping[str, Any] | Preset:
    """Find the policy by its name, in the file first, then among the presets."""
    name = entry.required_text("policy")
    if name in policies:
        policy: object = policies[name]
        if not isinstance(policy, Mapping):
            entry.fail(f"the policy {name} must be a mapping")
        return policy
    try:
        return Preset(name)
    except ValueError:
        entry.fail(f"there is no policy {name} in the file, and no preset of this name")


def _given(source: object, where: str, place: int) -> Given:
    entry = Entry(source, f"{where}, given {place}", _GIVEN_KEYS)
    symbol = entry.check_symbol(entry.required_text("profile"))
    if symbol != f"P{place}":
        entry.fail(f"profiles are numbered in order of creation: this one is P{place}, not {symbol}")
    by_type = entry.values_by_type("identifiers")
    return Given(
        profile=symbol,
        identifiers=tuple((name, value) for name, values in by_type.items() for value in values),
        merges=entry.count("merges"),
        further_identifiers=entry.count("further_identifiers"),
        created_us=entry.time_us("created"),
    )


def _step(source: object, where: str) -> Step:
    entry = Entry(source, where, _STEP_KEYS)
    call = entry.choice("call", StepCall)
    if call is None:
        entry.fail("call is missing")
    if "expect" not in entry:
        entry.fail("expect is missing")
    profile = entry.symbol("profile")
    if call is StepCall.MODIFY and profile is None:
        entry.fail("a modify needs a profile")
    if call is not StepCall.MODIFY and (profile is not None or "changes" in entry):
        entry.fail("only a modify has a profile and changes")
    return Step(
        call=call,
        time_us=entry.time_us("time"),
        previous_profile=entry.symbol("previous_profile"),
        identifiers=entry.pairs("identifiers"),
        profile=profile,
        changes=tuple(_change(change, where) for change in entry.items("changes")),
        expect=_expect(entry.value("expect"), where),
        state=entry.state("state"),
        note=entry.text("note") or "",
    )


def _change(source: object, where: str) -> tuple[str, str, str]:
    entry = Entry(source, f"{where}, changes", frozenset({"type", "old", "new"}))
    return (entry.required_text("type"), entry.text("old") or "", entry.text("new") or "")


def _expect(source: object, where: str) -> Expect:
    entry = Entry(source, f"{where}, expect", _EXPECT_KEYS)
    source_profile = entry.symbol("source_profile")
    if "source_profile" in entry and source_profile is None:
        source_profile = ""
    changed = None
    if entry.value("changed") is not None:
        changed = tuple(_changed(change, entry.where) for change in entry.items("changed"))
    return Expect(
        error=entry.choice("error", RefusalCode),
        outcome=entry.choice("outcome", OutcomeName),
        profile=entry.symbol("profile"),
        known=entry.boolean("known"),
        source_profile=source_profile,
        merged=tuple(entry.check_symbol(symbol) for symbol in entry.items("merged")),
        demoted=tuple(_demoted(demotion, entry.where) for demotion in entry.items("demoted")),
        blocked=entry.pairs("blocked"),
        invalid=entry.pairs("invalid"),
        changed=changed,
    )


def _changed(source: object, where: str) -> tuple[str, str]:
    entry = Entry(source, f"{where}, changed", frozenset({"type", "profile"}))
    return (entry.required_text("type"), entry.check_symbol(entry.required_text("profile")))


def _demoted(source: object, where: str) -> tuple[str, str, DemotionName]:
    entry = Entry(source, f"{where}, demoted", frozenset({"identifier", "reason"}))
    name, value = entry.check_pair(entry.value("identifier"), "demoted")
    return (name, value, entry.check_choice(entry.required_text("reason"), DemotionName, "reason"))
