"""A seeded generator of policies and calls over small pools, so that every branch of the rules is taken often."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TypeAlias

from tests.model import dirt
from tests.model.generate_policy import UNLISTED, PolicyGenerator, PolicyJson
from tests.model.model import Model
from tests.model.policy import FUTURE_TOLERANCE_US, RULES_NOW, RULES_OF_0_1, US_OF_DAY
from tests.model.records import (
    Answer,
    Call,
    Event,
    Identifier,
    ImportMessage,
    JsonValue,
    Kind,
    PolicyAnswer,
    Refusal,
    Traits,
)

START_US = 19_700 * US_OF_DAY
SECOND_US = 1_000_000
# The first and the last microsecond that an event time may have, and days on both sides of 1970.
EXTREME_TIMES_US = (-62_135_596_800 * SECOND_US, 253_402_300_800 * SECOND_US - 1, -US_OF_DAY - 1, -1, 0, 1)
PLAIN = ("v1", "v2", "v3", "V1", " v2", *(f"v{number}" for number in range(4, 24)))
UNFIT = ("bad", "000", "-1", "null", "anonymous")
EMAILS = ("a@x.com", "A@X.com", "\uff41@x.com", " b@x.com ", "b@x.com", "straße@x.com", "STRASSE@x.com")
PHONES = ("+442079460958", "020 7946 0958", "+44 20 7946 0959", "020 7946 0959")
VALUES = {
    "email": (*EMAILS, *(f"c{number}@x.com" for number in range(16))),
    "phone": (*PHONES, *(f"+4420794609{number}" for number in range(60, 76))),
}
REFUSED_IDENTIFIERS: tuple[Identifier, ...] = (
    ("Email", "x"),
    ("", "x"),
    ("1a", "x"),
    ("device", "a\0b"),
    ("phone", "\0"),
    ("aa_extra", "\0"),
    ("a" * 64, "x"),
)
TRAIT_VALUES: tuple[JsonValue, ...] = (None, None, "x", "y", 1.5, True, ["x", None], {"a": "b"})
UNFIT_TRAITS: tuple[Traits, ...] = (
    {"t": "a\0"},
    {"t": {"a\0": 1}},
    {"t": [float("nan")]},
    {"t": float("inf")},
    {"t" * 257: "x"},
    {"t": "x" * 65536},
)


@dataclass(frozen=True)
class PolicyUpdate:
    """A change of the policy, in protobuf JSON form."""

    policy: PolicyJson
    now_us: int


@dataclass(frozen=True)
class Import:
    """An import of an existing graph."""

    messages: tuple[ImportMessage, ...]
    now_us: int
    request_id: str


GeneratedStep: TypeAlias = Call | PolicyUpdate | Import
StepAnswer: TypeAlias = Answer | PolicyAnswer | tuple[int, ...] | Refusal


class Generator:
    """Yields steps for one workspace. The same seed yields the same steps.

    Args:
        seed: where the steps come from.
        may_be_of_0_1: the workspace may be one that 0.1 made; the service makes no such any more.

    Attributes:
        policy: the policy that the workspace is made with, in protobuf JSON form.
        rules_version: the version of the rules by which the workspace compares.
    """

    def __init__(self, seed: int, *, may_be_of_0_1: bool = False) -> None:
        self.random = random.Random(seed)
        self.rules_version = RULES_OF_0_1 if self.random.random() < 0.12 and may_be_of_0_1 else RULES_NOW
        self.policies = PolicyGenerator(self.random, is_of_0_1=self.rules_version == RULES_OF_0_1)
        self.policy = self.policies.policy()
        self.dirty = self.random.choice((0.03, 0.1, 0.1, 0.4))
        self.has_many_traits = self.random.random() < 0.06
        self.large_count = 0
        self.steps_since_update = 4
        self.future_tolerance_us = FUTURE_TOLERANCE_US
        self.now_us = START_US
        self.pool = self.random.choice((3, 5, 8, 12, 24))
        self.with_ids: list[Call] = []
        self.imports: list[Import] = []
        self.orphans: list[int] = []

    def next_step(self, model: Model) -> GeneratedStep:
        """Return the next step; it looks at the model only for the profiles that calls can name."""
        profile_count = len(model.state.profiles)
        self.orphans = [profile.ordinal for profile in model.state.live() if not profile.held]
        self.future_tolerance_us = model.policy.future_tolerance_us
        self.now_us += 25 * 3600 * SECOND_US if self._chance(0.02) else SECOND_US
        draw = self.random.random()
        self.steps_since_update += 1
        if self.steps_since_update < 4 and self.with_ids and draw > 0.7:
            return self._again(profile_count)
        if draw < 0.02:
            self.steps_since_update = 0
            return PolicyUpdate(self.policies.update(), self.now_us)
        if draw < 0.04:
            return self._import_again() if self.imports and self._chance(0.3) else self._import()
        if draw < 0.08 and self.with_ids:
            return self._again(profile_count)
        call = self._call(profile_count)
        if self._chance(0.05):
            call = self._spoil(call)
        if call.request_id or (call.event is not None and call.event.message_id):
            self.with_ids.append(call)
        return call

    def _call(self, profile_count: int) -> Call:
        weights = {
            Kind.IDENTIFY: 30, Kind.TRACK: 22, Kind.LOGIN: 15, Kind.LOGOUT: 8, Kind.MODIFY: 20, Kind.SEARCH: 5,
        }  # fmt: skip
        [kind] = self.random.choices(list(weights), list(weights.values()))
        if self.has_many_traits and self._chance(0.6):
            kind = Kind.IDENTIFY
        is_modify = kind is Kind.MODIFY
        identifiers = () if is_modify else self._identifiers()
        if self.has_many_traits and kind is Kind.IDENTIFY and self._chance(0.9):
            identifiers = self._somebody()
        return Call(
            kind=kind,
            identifiers=identifiers,
            previous_profile=self._profile(profile_count) if self._chance(0.4) else 0,
            event_time_us=None if self._chance(0.3) else self._event_time_us(),
            now_us=self.now_us,
            request_id=f"r{self.random.randint(1, 30)}" if self._chance(0.15) else "",
            validate_only=self._chance(0.08),
            explain=self._chance(0.2),
            traits=self._traits()
            if kind in (Kind.IDENTIFY, Kind.LOGIN) and self._chance(0.7 if self.has_many_traits else 0.5)
            else None,
            event=self._event() if kind is Kind.TRACK else None,
            profile=self._profile(profile_count) if is_modify else 0,
            changes=self._changes() if is_modify else (),
        )

    def _again(self, profile_count: int) -> Call:
        """Repeat an earlier call with an id: as it was, or with another content."""
        call = self.random.choice(self.with_ids[-20:])
        if self._chance(0.1):  # the edge of C7's 24 hours, to the microsecond
            self.now_us = max(self.now_us, call.now_us + US_OF_DAY + self.random.randint(0, 1))
        call = replace(call, now_us=self.now_us, validate_only=self._chance(0.2), explain=self._chance(0.5))
        if self._chance(0.3):
            other = self._call(profile_count)
            return replace(other, now_us=self.now_us, request_id=call.request_id)
        if self._chance(0.2):
            return replace(call, request_id=f"r{self.random.randint(1, 30)}")
        return call

    def _spoil(self, call: Call) -> Call:
        """Make a call that C2 refuses, mostly."""
        if call.kind is Kind.MODIFY:
            type_name, value = self.random.choice(REFUSED_IDENTIFIERS)
            return replace(call, changes=(*call.changes, (type_name, "", value)))
        choices = [
            replace(call, identifiers=(*call.identifiers, self.random.choice(REFUSED_IDENTIFIERS))),
            replace(call, identifiers=()),
            replace(call, identifiers=tuple(("device", f"d{n}") for n in range(33))),
            replace(call, request_id="r" * 257),
            replace(call, request_id="r\0"),
        ]
        if call.kind in (Kind.IDENTIFY, Kind.LOGIN):
            choices.append(replace(call, traits=self.random.choice(UNFIT_TRAITS)))
        if call.kind is Kind.TRACK:
            choices.append(replace(call, event=Event("n" * 257)))
            choices.append(replace(call, event=Event("n", self.random.choice(UNFIT_TRAITS[:4]))))
        return self.random.choice(choices)

    def _identifier(self) -> Identifier:
        names = [*self.policies.names, *self.policies.names, *UNLISTED] if self._chance(0.3) else self.policies.names
        type_name = self.random.choice(names)
        if self._chance(self.dirty):
            return (type_name, self._dirty_value(type_name))
        if self._chance(0.04) and type_name != "phone":
            return (type_name, self.random.choice(UNFIT))
        return (type_name, self.random.choice(VALUES.get(type_name, PLAIN)[: self.pool]))

    def _dirty_value(self, type_name: str) -> str:
        """What a real sender may send for a type; at times what it would send for another."""
        if self._chance(0.1):
            return self.random.choice(dirt.TEXTS)
        if type_name == "phone":
            return self.random.choice(dirt.phones(self.policies.region))
        return self.random.choice(dirt.EMAILS if type_name == "email" else dirt.TEXTS)

    def _identifiers(self) -> tuple[Identifier, ...]:
        count = self.random.randint(6, 32) if self._chance(0.02) else self.random.choice((1, 1, 2, 2, 3, 3, 4, 5))
        return tuple(self._identifier() for _ in range(count))

    def _changes(self) -> tuple[tuple[str, str, str], ...]:
        changes = []
        for _ in range(self.random.randint(4, 32) if self._chance(0.02) else self.random.choice((1, 1, 1, 2, 3))):
            type_name, new = self._identifier()
            old = self.random.choice(VALUES.get(type_name, PLAIN)[: self.pool]) if self._chance(0.6) else ""
            if old and self._chance(self.dirty):
                old = self._dirty_value(type_name)
            changes.append((type_name, old, "" if self._chance(0.3 if old else 0.03) else new))
            if self._chance(0.1):
                changes.append((type_name, "", f" {new}"))
        return tuple(changes)

    def _profile(self, profile_count: int) -> int:
        """An existing profile, merged-away and orphaned ones too, or now and then one that does not exist."""
        if profile_count == 0 or self._chance(0.05):
            return profile_count + 1000
        if self.orphans and self._chance(0.25):
            return self.random.choice(self.orphans)
        return self.random.randint(max(1, profile_count - 8), profile_count)

    def _event_time_us(self) -> int:
        """A time near now or days ago; often exactly on the edge of a window, or of how far ahead a time may be."""
        if self._chance(0.05):
            return self.now_us + self.future_tolerance_us + self.random.choice((-1, 0, 1, SECOND_US, 500 * US_OF_DAY))
        if self._chance(0.4):
            return self.now_us + self.random.randint(-3, 3) * SECOND_US
        if self._chance(0.02):
            return self.random.choice(EXTREME_TIMES_US)
        days = self.random.choice((0, 0, 1, 2, 7, 8, 14, 30, 31, 60, 365, 366))
        return START_US - days * US_OF_DAY + self.random.choice((0, 0, 0, 1, -1))

    def _traits(self) -> Traits:
        if self.has_many_traits and self._chance(0.9):
            return self._many_traits()
        names = self.random.sample(("name", "plan", "city", ""), self.random.randint(1, 3))
        return {name: self.random.choice(TRAIT_VALUES) for name in names}

    def _create_time_us(self) -> int:
        """Mostly what an import may have, a time that is past."""
        if self._chance(0.04):
            return self.now_us + self.random.choice((0, 1, self.future_tolerance_us, US_OF_DAY))
        return min(self._event_time_us(), self.now_us)

    def _somebody(self) -> tuple[Identifier, ...]:
        """One of two whose profiles come to their bounds, or both in one call."""
        names = [name for name in self.policies.names if name not in VALUES][:1] or ["device"]
        both = ((names[0], "v1"), (names[0], "v2"))
        return both if self._chance(0.3) else both[:1] if self._chance(0.8) else both[1:]

    def _many_traits(self) -> Traits:
        """Traits that bring a profile to its bounds: by their number, or by their size."""
        if self.pool % 2 == 0:
            self.large_count += 1
            return {f"large{self.large_count % 24}": "x" * (100 if self._chance(0.05) else 65_400)}
        first = self.random.choice((0, 250, 500, 750, 751, 1000, 1250))
        count = 1001 if self._chance(0.02) else 250
        return {f"t{number}": self.random.choice(("x", None)) for number in range(first, first + count)}

    def _event(self) -> Event:
        message_id = f"m{self.random.randint(1, 30)}" if self._chance(0.15) else ""
        properties: Traits | None = {"total": 12.5} if self._chance(0.3) else None
        return Event(self.random.choice(("Order Completed", "Page Viewed")), properties, message_id)

    def _import(self) -> Import:
        """Mostly fresh values, so that the import is accepted; now and then one that another profile holds."""
        messages = []
        for position in range(self.random.randint(1, 3)):
            fresh = f"i{self.now_us}.{position}"
            type_name = self.random.choice([name for name in self.policies.names if name != "phone"])
            identifiers = [(type_name, fresh)] + ([self._identifier()] if self._chance(0.5) else [])
            merges = self.random.choice((0, 0, 1, 1, 2, 2, 2**31 - 1)) if self.policies.is_merge else 0
            traits = self._traits() if self._chance(0.3) else None
            create_time_us = None if self._chance(0.3) else self._create_time_us()
            messages.append(ImportMessage(tuple(identifiers), traits, create_time_us, merges))
        request_id = f"r{self.random.randint(1, 60)}" if self._chance(0.5) else ""
        made = Import(tuple(messages), self.now_us, request_id)
        if request_id:
            self.imports.append(made)
        return made

    def _import_again(self) -> Import:
        """Repeat an import, at times with another content."""
        made = replace(self.random.choice(self.imports[-3:]), now_us=self.now_us)
        return replace(made, messages=made.messages[:1]) if self._chance(0.3) else made

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability


def answer_step(model: Model, step: GeneratedStep) -> StepAnswer:
    """Let the model answer one step."""
    if isinstance(step, Call):
        return model.call(step)
    if isinstance(step, PolicyUpdate):
        return model.update_policy(step.policy)
    return model.import_profiles(step.messages, step.now_us, step.request_id)
