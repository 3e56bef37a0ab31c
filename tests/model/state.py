"""The state of one workspace, and a canonical dump of all of it that two implementations can compare."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from tests.model.records import Answer, Demotion, Identifier, JsonValue, Traits

US_OF_DAY = 86_400_000_000


class Held(NamedTuple):
    """One identifier on a profile: its raw form, the event time at which it was added, the UTC day last seen."""

    raw: str
    added_us: int
    seen_day: int


class Trait(NamedTuple):
    """One trait, or its removal, with its event time and the order of the call that wrote it (M8)."""

    time_us: int
    order: int
    value: JsonValue
    is_removed: bool


class StoredEvent(NamedTuple):
    """One event as it was stored (M7); identifiers as sent, and the time sent where C11 took another."""

    time_us: int
    order: int
    name: str
    properties: Traits
    message_id: str
    identifiers: tuple[Identifier, ...]
    demoted: tuple[Demotion, ...]
    time_sent_us: int | None = None


@dataclass
class Profile:
    """One profile; `merged_into` is 0 for a live one, `create_time_us` the earliest of it and those joined into it."""

    ordinal: int
    create_time_us: int
    source: int = 0
    merges: int = 0
    merged_into: int = 0
    held: dict[Identifier, Held] = field(default_factory=dict)
    traits: dict[str, Trait] = field(default_factory=dict)
    events: list[StoredEvent] = field(default_factory=list)

    def copy(self) -> Profile:
        """Return a copy that shares nothing that changes."""
        return replace(self, held=dict(self.held), traits=dict(self.traits), events=list(self.events))

    def values(self, type_name: str) -> list[str]:
        """Return the profile's values of a type."""
        return [value for held_type, value in self.held if held_type == type_name]


class Recorded(NamedTuple):
    """What an accepted id stands for (C7): either an answer or the ordinals of an import."""

    fingerprint: str
    time_us: int
    answer: Answer | tuple[int, ...]


@dataclass
class State:
    """One workspace."""

    profiles: dict[int, Profile] = field(default_factory=dict)
    unresolved: list[StoredEvent] = field(default_factory=list)
    requests: dict[tuple[str, str], Recorded] = field(default_factory=dict)
    order: int = 0

    def copy(self) -> State:
        """Return a copy that shares nothing that changes."""
        profiles = {ordinal: profile.copy() for ordinal, profile in self.profiles.items()}
        return State(profiles, list(self.unresolved), dict(self.requests), self.order)

    def create(self, time_us: int) -> Profile:
        """Make the next profile; ordinals are never used twice."""
        profile = Profile(len(self.profiles) + 1, time_us)
        self.profiles[profile.ordinal] = profile
        return profile

    def resolve(self, ordinal: int) -> Profile | None:
        """M9: a merged-away id reads as the survivor, transitively; None for an unknown id."""
        profile = self.profiles.get(ordinal)
        while profile is not None and profile.merged_into:
            profile = self.profiles[profile.merged_into]
        return profile

    def live(self) -> list[Profile]:
        """Return all profiles that are not merged away, oldest first."""
        return [profile for profile in self.profiles.values() if not profile.merged_into]

    def holders(self, identifier: Identifier) -> list[Profile]:
        """Return the live profiles that hold the identifier, oldest first."""
        return [profile for profile in self.live() if identifier in profile.held]


def attach(profile: Profile, identifier: Identifier, raw: str, time_us: int) -> None:
    """Put an identifier onto a profile, as added and last seen at the call's event time."""
    profile.held[identifier] = Held(raw, time_us, time_us // US_OF_DAY)


def see(profile: Profile, identifier: Identifier, time_us: int) -> None:
    """Raise, never lower, the day on which a held identifier was last seen; the time added stays (M5)."""
    held = profile.held[identifier]
    profile.held[identifier] = held._replace(seen_day=max(held.seen_day, time_us // US_OF_DAY))


Dump = dict[str, object]


def dump(state: State) -> Dump:
    """Return the full state in a canonical, comparable form.

    `profiles`: ordinal -> what it holds; `redirects`: merged-away ordinal -> survivor, transitively;
    `unresolved`: events without a profile. Events are ordered by (event time, order of calls).
    """
    redirects = {}
    profiles: dict[int, Dump] = {}
    for ordinal, profile in state.profiles.items():
        survivor = state.resolve(ordinal)
        if profile.merged_into and survivor is not None:
            redirects[ordinal] = survivor.ordinal
        else:
            profiles[ordinal] = dump_profile(profile)
    return {"profiles": profiles, "redirects": redirects, "unresolved": dump_events(state.unresolved)}


def dump_profile(profile: Profile) -> Dump:
    """Return one live profile: identifiers are (type, normalised value, raw value, time added, last seen day)."""
    identifiers = sorted((key[0], key[1], *held) for key, held in profile.held.items())
    traits = sorted(profile.traits.items())
    return {
        "create_time_us": profile.create_time_us,
        "source": profile.source,
        "merges": profile.merges,
        "identifiers": identifiers,
        "traits": {name: (trait.value, trait.time_us) for name, trait in traits if not trait.is_removed},
        "events": dump_events(profile.events),
    }


def dump_events(events: list[StoredEvent]) -> list[Dump]:
    """Return events, oldest first, without the inner order number."""
    ordered = sorted(events, key=lambda event: (event.time_us, event.order))
    return [
        {
            "time_us": event.time_us,
            "name": event.name,
            "properties": event.properties,
            "message_id": event.message_id,
            "identifiers": event.identifiers,
            "demoted": [(d.type, d.value, d.reason.name, d.round) for d in event.demoted],
            "time_sent_us": event.time_sent_us,
        }
        for event in ordered
    ]
