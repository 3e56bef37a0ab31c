"""Loads scenario files (docs: the scenario format) into typed records; independent of the model and of the server."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import yaml

Pair = tuple[str, str]
StateByType = dict[str, list[str]]


class StepCall(Enum):
    """The kinds of calls that a step can make."""

    IDENTIFY = "identify"
    LOGIN = "login"
    LOGOUT = "logout"
    TRACK = "track"
    MODIFY = "modify"
    SEARCH = "search"


@dataclass(frozen=True)
class Given:
    """A profile that exists before the first step; `created_us` None means at any time."""

    profile: str
    identifiers: tuple[Pair, ...]
    merges: int
    further_identifiers: int
    created_us: int | None


@dataclass(frozen=True)
class Expect:
    """What a step must answer.

    `known`, `source_profile` and `changed` are None where the file leaves them free; an explicit null
    `source_profile` is "" and means that there is none.
    """

    error: str | None
    outcome: str | None
    profile: str | None
    known: bool | None
    source_profile: str | None
    merged: tuple[str, ...]
    demoted: tuple[tuple[str, str, str], ...]
    blocked: tuple[Pair, ...]
    changed: tuple[Pair, ...] | None


@dataclass(frozen=True)
class Step:
    """One call and what it must lead to; `state` None where the file leaves it free."""

    call: StepCall
    time_us: int | None
    previous_profile: str | None
    identifiers: tuple[Pair, ...]
    profile: str | None
    changes: tuple[tuple[str, str, str], ...]
    expect: Expect
    state: dict[str, StateByType] | None


@dataclass(frozen=True)
class Scenario:
    """One scenario; `policy` is in protobuf JSON form with short enum names."""

    id: str
    title: str
    policy: dict[str, Any]
    given: tuple[Given, ...]
    steps: tuple[Step, ...]
    path: Path = field(default=Path())


class ScenarioFileError(Exception):
    """The file does not follow the format."""


SCENARIO_KEYS = {"id", "title", "status", "source", "notes", "note", "policy", "given", "steps"}
STEP_KEYS = {
    "call", "note", "time", "previous_profile", "identifiers", "profile", "changes", "expect", "state",
}  # fmt: skip
EXPECT_KEYS = {
    "error", "outcome", "profile", "known", "source_profile", "merged", "demoted", "blocked", "changed", "note",
}  # fmt: skip
GIVEN_KEYS = {"profile", "identifiers", "merges", "further_identifiers", "created", "note"}


def load_scenarios(path: Path) -> list[Scenario]:
    """Read one file; raise ScenarioFileError where it does not follow the format."""
    source = yaml.safe_load(path.read_text(encoding="utf-8"))
    _only(source, {"policies", "scenarios"}, str(path))
    return [_scenario(entry, source["policies"], path) for entry in source["scenarios"]]


def load_folder(folder: Path) -> list[Scenario]:
    """Read every `*.yaml` of a folder."""
    return [scenario for path in sorted(folder.glob("*.yaml")) for scenario in load_scenarios(path)]


def _scenario(entry: dict[str, Any], policies: dict[str, Any], path: Path) -> Scenario:
    name = str(entry.get("id", "?"))
    _only(entry, SCENARIO_KEYS, name)
    if entry["policy"] not in policies:
        raise ScenarioFileError(f"{name}: no policy named {entry['policy']}")
    return Scenario(
        id=name,
        title=str(entry.get("title", "")),
        policy=policies[entry["policy"]],
        given=tuple(_given(given, name) for given in entry.get("given") or []),
        steps=tuple(_step(step, f"{name} step {number}") for number, step in enumerate(entry["steps"], 1)),
        path=path,
    )


def _given(entry: dict[str, Any], where: str) -> Given:
    _only(entry, GIVEN_KEYS, where)
    by_type = entry.get("identifiers") or {}
    return Given(
        profile=entry["profile"],
        identifiers=tuple((name, str(value)) for name, values in by_type.items() for value in values),
        merges=int(entry.get("merges", 0)),
        further_identifiers=int(entry.get("further_identifiers", 0)),
        created_us=_time_us(entry.get("created")),
    )


def _step(entry: dict[str, Any], where: str) -> Step:
    _only(entry, STEP_KEYS, where)
    state = entry.get("state")
    return Step(
        call=StepCall(entry["call"]),
        time_us=_time_us(entry.get("time")),
        previous_profile=entry.get("previous_profile"),
        identifiers=tuple(_pair(pair, where) for pair in entry.get("identifiers") or []),
        profile=entry.get("profile"),
        changes=tuple(_change(change, where) for change in entry.get("changes") or []),
        expect=_expect(entry["expect"], where),
        state=None if state is None else {symbol: dict(types) for symbol, types in state.items()},
    )


def _expect(entry: dict[str, Any], where: str) -> Expect:
    _only(entry, EXPECT_KEYS, where)
    source_profile = entry.get("source_profile")
    if "source_profile" in entry and source_profile is None:
        source_profile = ""
    changed = entry.get("changed")
    demoted = []
    for demotion in entry.get("demoted") or []:
        type_name, value = _pair(demotion["identifier"], where)
        demoted.append((type_name, value, str(demotion["reason"])))
    return Expect(
        error=entry.get("error"),
        outcome=entry.get("outcome"),
        profile=entry.get("profile"),
        known=entry.get("known"),
        source_profile=source_profile,
        merged=tuple(entry.get("merged") or []),
        demoted=tuple(demoted),
        blocked=tuple(_pair(pair, where) for pair in entry.get("blocked") or []),
        changed=None if changed is None else tuple((str(change["type"]), str(change["profile"])) for change in changed),
    )


def _change(entry: dict[str, Any], where: str) -> tuple[str, str, str]:
    _only(entry, {"type", "old", "new"}, where)
    return (str(entry["type"]), str(entry.get("old") or ""), str(entry.get("new") or ""))


def _pair(entry: dict[str, Any], where: str) -> Pair:
    if len(entry) != 1:
        raise ScenarioFileError(f"{where}: an identifier is one type and one value")
    [(type_name, value)] = entry.items()
    return (str(type_name), str(value))


def _time_us(value: object) -> int | None:
    if value is None:
        return None
    time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    seconds = int(time.replace(microsecond=0).timestamp())
    return seconds * 1_000_000 + time.microsecond


def _only(entry: dict[str, Any], known: set[str], where: str) -> None:
    unknown = set(entry) - known
    if unknown:
        raise ScenarioFileError(f"{where}: unknown keys {sorted(unknown)}")
