"""The checks of M3, with M4 and M5, on the final profile that a call would lead to."""

from __future__ import annotations

from dataclasses import dataclass

from tests.model.hits import Branch, Hits
from tests.model.policy import Limit, LimitScope, MergeSettings, OnExceeded, Policy, Window
from tests.model.records import Check, DemotionReason, Identifier
from tests.model.state import Profile
from tests.model.values import Item

# The most merges that a profile can count in the tables, an int32; a larger `max_merges` means this one.
MERGES_MAX = 2**31 - 1


@dataclass(frozen=True)
class Verdict:
    """What a check says: its figures, and the identifier to demote if it failed."""

    checks: tuple[Check, ...] = ()
    demote: Item | None = None
    reason: DemotionReason = DemotionReason.UNSPECIFIED


@dataclass(frozen=True)
class Final:
    """F of M2, the final profile that a call would lead to.

    `members` are the profiles of M as they were before, `contents` the identifiers of F with the event time at which
    each was added, `carried_types` the types that the call carries.
    """

    policy: Policy
    members: list[Profile]
    contents: dict[Identifier, int]
    carried_types: set[str]
    time_us: int

    @property
    def settings(self) -> MergeSettings:
        """The strategy's settings."""
        assert self.policy.merge is not None
        return self.policy.merge

    @property
    def types(self) -> list[str]:
        """The types of F, most trusted first."""
        return sorted({type_name for type_name, _ in self.contents}, key=self.policy.rank)

    def counting(self, type_name: str, window: Window) -> set[Identifier]:
        """M5: the values of a type that count: all in EVER, else those added within (t - window, t]."""
        counting = set()
        for identifier, added_us in self.contents.items():
            is_within = window.value is None or self.time_us - window.value < added_us <= self.time_us
            if identifier[0] == type_name and is_within:
                counting.add(identifier)
        return counting

    def grows(self, identifiers: set[Identifier]) -> bool:
        """M5: only growth fails: no single profile of M holds all of these already."""
        return not any(identifiers <= set(member.held) for member in self.members)

    def is_held(self, item: Item) -> bool:
        """Tell whether a profile of M holds the identifier."""
        return any(item.key in member.held for member in self.members)


def union(policy: Policy, matched: list[Profile], carried: list[Item], time_us: int) -> Final:
    """M2: F unites the matched profiles' identifiers with the event's; a new one is added at the event's time."""
    contents = {item.key: time_us for item in carried}
    for profile in matched:
        contents.update({identifier: held.added_us for identifier, held in profile.held.items()})
    return Final(policy, matched, contents, {item.type for item in carried}, time_us)


def lowest(policy: Policy, items: list[Item], hits: Hits) -> Item:
    """M4: last by priority; within one rank the one listed last on the event."""
    last_rank = max(policy.rank(item.type) for item in items)
    ranked_last = [item for item in items if policy.rank(item.type) == last_rank]
    if len(ranked_last) > 1:
        hits[Branch.M4_LAST_LISTED] += 1
    return ranked_last[-1]


def check_merges(final: Final, carried: list[Item], hits: Hits) -> Verdict:
    """M3.1: the merges of all matched profiles plus those of joining them."""
    joins = max(0, len(final.members) - 1)
    figure = sum(profile.merges for profile in final.members) + joins
    limit = min(final.settings.max_merges, MERGES_MAX)
    is_passed = joins == 0 or figure <= limit
    check = Check("M3.1", figure, limit, is_passed)
    if is_passed:
        return Verdict((check,))
    hits[Branch.M3_1_DEMOTED] += 1
    return Verdict((check,), lowest(final.policy, carried, hits), DemotionReason.MERGE_LIMIT)


def exceeds(final: Final, type_name: str, limit: Limit, hits: Hits) -> tuple[int, bool]:
    """Return how many values of a type count, and whether they are too many by growth (M5)."""
    values = final.counting(type_name, limit.window)
    if len(values) <= limit.max_values:
        return len(values), False
    if not final.grows(values):
        hits[Branch.M5_VALUES] += 1
        return len(values), False
    return len(values), True


def exclusive_checks(final: Final, hits: Hits) -> list[Check]:
    """M3.2: more than one value of an exclusive type, even if the event carries none."""
    checks = []
    for type_name in final.types:
        limit = final.policy.settings(type_name).limit
        if limit.is_exclusive:
            figure, is_exceeded = exceeds(final, type_name, limit, hits)
            checks.append(Check("M3.2", figure, 1, not is_exceeded))
            if is_exceeded and type_name not in final.carried_types:
                hits[Branch.M3_2_ABSENT_TYPE] += 1
    return checks


def check_exclusive(final: Final, carried: list[Item], hits: Hits) -> Verdict:
    """M3.2: demote the lowest-ranked identifier of the event."""
    checks = tuple(exclusive_checks(final, hits))
    if all(check.passed for check in checks):
        return Verdict(checks)
    hits[Branch.M3_2_DEMOTED] += 1
    return Verdict(checks, lowest(final.policy, carried, hits), DemotionReason.VALUE_LIMIT)


def offending_types(final: Final, hits: Hits) -> tuple[list[Check], list[str]]:
    """M3.3: check every limited type in scope; return the checks and the types that exceed, most trusted first."""
    checks: list[Check] = []
    offending = []
    for type_name in final.types:
        limit = final.policy.settings(type_name).limit
        if limit.max_values == 0 or limit.is_exclusive:
            continue
        is_carried = type_name in final.carried_types  # as reduced by earlier rounds
        if limit.scope is LimitScope.WHEN_PRESENT and not is_carried:
            if len(final.counting(type_name, limit.window)) > limit.max_values:
                hits[Branch.M3_3_OUT_OF_SCOPE] += 1
            continue
        figure, is_exceeded = exceeds(final, type_name, limit, hits)
        checks.append(Check("M3.3", figure, limit.max_values, not is_exceeded))
        if is_exceeded:
            offending.append(type_name)
            if limit.window is not Window.EVER:
                hits[Branch.M3_3_WINDOW_FULL] += 1
        elif figure <= limit.max_values < len(final.counting(type_name, Window.EVER)):
            hits[Branch.M3_3_OUTSIDE_WINDOW] += 1
    return checks, offending


def check_values(final: Final, carried: list[Item], hits: Hits) -> Verdict:
    """M3.3: the lowest-ranked offending type decides what is demoted, by its own on_exceeded."""
    checks, offending = offending_types(final, hits)
    if not offending:
        return Verdict(tuple(checks))
    if len(offending) > 1:
        hits[Branch.M3_3_SEVERAL] += 1
    type_name = offending[-1]
    limit = final.policy.settings(type_name).limit
    on_event = [item for item in carried if item.type == type_name]
    new = [item for item in on_event if not final.is_held(item)]
    if limit.on_exceeded is OnExceeded.DEMOTE_LOWEST:
        when_present = limit.scope is LimitScope.WHEN_PRESENT
        hits[Branch.M3_3_LOWEST_WHEN_PRESENT if when_present else Branch.M3_3_LOWEST] += 1
        demoted = lowest(final.policy, carried, hits)
    elif new:
        hits[Branch.M3_3_OFFENDING_NEW] += 1
        demoted = new[-1]
    elif on_event:
        hits[Branch.M3_3_OFFENDING_HELD] += 1
        demoted = on_event[-1]
    else:
        hits[Branch.M3_3_OFFENDING_ABSENT] += 1
        demoted = lowest(final.policy, carried, hits)
    return Verdict(tuple(checks), demoted, DemotionReason.VALUE_LIMIT)


def identifiers_check(final: Final, hits: Hits) -> Check:
    """M3.4 with M5: F would hold more than max_identifiers (0: no limit), by growth."""
    limit = final.settings.max_identifiers
    is_over = limit != 0 and len(final.contents) > limit
    is_exceeded = is_over and final.grows(set(final.contents))
    if is_over and not is_exceeded:
        hits[Branch.M5_IDENTIFIERS] += 1
    return Check("M3.4", len(final.contents), limit, not is_exceeded)


def check_identifiers(final: Final, carried: list[Item], hits: Hits) -> Verdict:
    """M3.4: demote the lowest-ranked identifier that no profile of M holds, else the lowest-ranked of all."""
    check = identifiers_check(final, hits)
    if check.passed:
        return Verdict((check,))
    new = [item for item in carried if not final.is_held(item)]
    hits[Branch.M3_4_NEW if new else Branch.M3_4_HELD] += 1
    return Verdict((check,), lowest(final.policy, new or carried, hits), DemotionReason.IDENTIFIER_LIMIT)
