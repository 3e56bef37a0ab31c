"""The comparison sees small differences: a model with one rule bent must not agree with the product."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.agreement.command import run_all
from tests.agreement.server_command import run_on_server
from tests.agreement.stack import Clock, stack_on
from tests.agreement.story import shrink
from tests.model import isolation, limits, merge, model, modify, normalise, phone, state, traits, values, work
from tests.model.generate import START_US
from tests.model.limits import Final
from tests.model.policy import Policy
from tests.model.records import Call
from tests.model.state import Held, Profile
from tests.model.values import Item
from tests.model.work import Work
from utterson.store.migrate import migrate

RUNS = 60


def never_seen_again(profile: Profile, identifier: tuple[str, str], time_us: int) -> None:
    """Last seen stays where it was: nothing but the full state shows it."""


def added_anew(profile: Profile, identifier: tuple[str, str], time_us: int) -> None:
    """Seeing a value again moves the time at which it was added (M5 says that it does not)."""
    held = profile.held[identifier]
    profile.held[identifier] = Held(held.raw, time_us, max(held.seen_day, time_us // state.US_OF_DAY))


def last_holder_wins(candidate: Any, present: Any) -> bool:
    """At equal times the earlier trait wins."""
    return present is None or candidate.time_us > present.time_us


def oldest(tied: Any, candidates: list[Profile]) -> Profile | None:
    """A tie goes to the oldest profile, and to no previous one."""
    return candidates[0] if candidates else None


def grows_always(final: Final, identifiers: object) -> bool:
    """A profile over its limit is locked."""
    return True


def blocked_as_sent(policy: Policy, item: Item, hits: object) -> bool:
    """Patterns see the value as sent alone, an empty one too."""
    patterns = (*policy.blocked, *policy.settings(item.type).blocked)
    return any(pattern.matches(item.raw) for pattern in patterns)


def time_as_sent(policy: object, call: Call, hits: object) -> int:
    """No time is too far ahead."""
    return call.now_us if call.event_time_us is None else call.event_time_us


def replaced_silently(work: Work, profile: Profile, item: Item) -> None:
    """A new value of a unique type takes the old one's place without a word."""
    for value in profile.values(item.type):
        del profile.held[item.type, value]


BENT: dict[str, tuple[object, str, Callable[..., object]]] = {
    "last seen is never raised": (merge, "see", never_seen_again),
    "seeing again counts as adding": (isolation, "see", added_anew),
    "earlier trait at equal times": (traits, "wins", last_holder_wins),
    "oldest profile at a tie": (isolation, "break_tie", oldest),
    "no growth rule": (Final, "grows", grows_always),
    "first of the lowest rank": (limits, "lowest", lambda policy, items, hits: items[0]),
    "old is never missed": (modify, "make_room", lambda *arguments: None),
    "nothing is blocked": (values, "is_blocked", lambda *arguments: False),
    "an empty value is blocked": (values, "is_blocked", blocked_as_sent),
    "any time is taken": (model, "take_time", time_as_sent),
    "joiners are dirt": (normalise, "may_stand", lambda *arguments: False),
    "domains are folded": (normalise, "to_ascii", lambda domain: None),
    "the old form of 0.1 goes": (normalise, "form_of_0_1", lambda value, settings: value),
    "decimals stay": (phone, "SPREADSHEET", re.compile("never")),  # type: ignore[dict-item]
    "every login type counts alike": (isolation, "is_strange", lambda *arguments: False),
    "what is replaced is not told": (isolation, "replace_values", replaced_silently),
    "profiles have no bounds": (work, "refuse_grown", lambda *arguments: None),
    "ids are kept for 23 hours": (model, "RETENTION_US", 23 * 3600 * 1_000_000),  # type: ignore[dict-item]
    "nobody is known": (work.Work, "is_known", lambda work, profile: False),
}


@pytest.mark.parametrize("name", BENT)
def test_a_bent_rule_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*BENT[name])
    failing = next((told for told in run_all(1, 0, RUNS, 1) if told.failure), None)
    assert failing is not None
    turns, failure = shrink(failing.seed, failing.turns, seconds=1.0)
    assert failure
    assert 0 < len(turns) <= len(failing.turns)


async def test_a_bent_rule_is_found_on_a_server(module_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await migrate(module_database_url)
    clock = Clock(START_US)
    monkeypatch.setattr(isolation, "see", never_seen_again)
    monkeypatch.setattr(merge, "see", never_seen_again)
    async with stack_on(module_database_url, clock) as stack:
        told = [await run_on_server(seed, stack, clock) for seed in range(1, 4)]
    assert any("profile" in one.failure for one in told)
