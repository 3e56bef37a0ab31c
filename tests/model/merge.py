"""The merge family: M1 to M7, M10 and the look-up of M11."""

from __future__ import annotations

from collections.abc import Iterable

from tests.model.hits import Branch
from tests.model.limits import Verdict, check_exclusive, check_identifiers, check_merges, check_values, union
from tests.model.records import (
    Answer,
    Check,
    Demotion,
    DemotionReason,
    Disposition,
    Identifier,
    Kind,
    Outcome,
    Reason,
    RefusedError,
    Round,
)
from tests.model.state import Profile, attach, see
from tests.model.traits import join_traits
from tests.model.values import Item
from tests.model.work import Work


def decide(work: Work) -> Answer:
    """Decide an Identify, Login, Logout, Track (M11: Login and Logout act as Identify) or Search."""
    if work.call.kind is Kind.SEARCH:
        return search(work)
    if not work.usable:
        return leave_unresolved(work)
    carried, matched = reduce(work)
    return settle(work, carried, matched)


def leave_unresolved(work: Work) -> Answer:
    """C5: no profile is made; a Track's event is stored unresolved, an Identify stores nothing."""
    work.hit(Branch.C5_UNRESOLVED)
    if work.call.kind is Kind.TRACK:
        work.hit(Branch.C5_UNRESOLVED_EVENT)
        work.state.unresolved.append(work.event())
    return work.answer(Outcome.UNRESOLVED, None, "C5")


def match(work: Work, carried: Iterable[Item]) -> list[Profile]:
    """M2: the profiles that hold any identifier of the event, oldest first."""
    keys = {item.key for item in carried}
    return [profile for profile in work.state.live() if keys & set(profile.held)]


def reduce(work: Work) -> tuple[list[Item], list[Profile]]:
    """M2 and M3: match and check; the first check that fails demotes one identifier; then match again (M10)."""
    carried = work.usable
    while True:
        matched = match(work, carried)
        final = union(work.policy, matched, carried, work.time_us)
        verdicts: list[Verdict] = []
        failed = None
        for check in (check_merges, check_exclusive, check_values, check_identifiers):
            verdict = check(final, carried, work.hits)
            verdicts.append(verdict)
            if verdict.demote is not None:
                failed = verdict
                break
        demotion = None
        if failed is not None and failed.demote is not None:
            demotion = demote(work, failed.demote, failed.reason)
        checks = tuple(check for verdict in verdicts for check in verdict.checks)
        add_round(work, carried, checks, demotion)
        if failed is None:
            return carried, matched
        carried = [item for item in carried if item is not failed.demote]


def demote(work: Work, item: Item, reason: DemotionReason) -> Demotion:
    """M7: a demoted identifier leaves the event only; its owner keeps it, an unowned one is linked to nobody."""
    is_owned = bool(work.state.holders(item.key))
    work.hit(Branch.M7_DEMOTED_OWNED if is_owned else Branch.M7_DEMOTED_UNOWNED)
    demotion = Demotion(item.type, item.told, reason, round=len(work.rounds) + 1)
    work.demoted.append(demotion)
    work.dispositions[item.key] = Disposition.DEMOTED
    return demotion


def add_round(work: Work, carried: list[Item], checks: tuple[Check, ...], demotion: Demotion | None) -> None:
    """C10: tell the round; identifiers most trusted first."""
    ordered = sorted(carried, key=lambda item: work.policy.rank(item.type))
    looked_for: list[Identifier] = [(item.type, item.told) for item in ordered]
    found = [(holder.ordinal, (item.type, item.told)) for item in ordered for holder in work.state.holders(item.key)]
    work.rounds.append(Round(len(work.rounds) + 1, tuple(looked_for), tuple(found[:100]), len(found), checks, demotion))


def settle(work: Work, carried: list[Item], matched: list[Profile]) -> Answer:
    """M6: create, add, or merge into the profile created first and then add."""
    held_before = {key for profile in matched for key in profile.held}
    traits_before = [dict(profile.traits) for profile in matched] or [{}]
    if not matched:
        work.hit(Branch.M6_CREATED)
        profile, outcome = work.state.create(work.time_us), Outcome.CREATED
    elif len(matched) == 1:
        work.hit(Branch.M6_MATCHED)
        profile, outcome = matched[0], Outcome.MATCHED
    else:
        work.hit(Branch.M6_MERGED if len(matched) == 2 else Branch.M6_MERGED_MANY)
        profile, outcome = merge(work, matched), Outcome.MERGED
    for item in carried:
        if item.key in held_before:
            work.dispositions[item.key] = Disposition.MATCHED
            see(profile, item.key, work.time_us)  # a merge keeps the time added, and so does seeing it again (M5)
        else:
            work.dispositions[item.key] = Disposition.ATTACHED
            attach(profile, item.key, item.told, work.time_us)
    work.store(profile, traits_before)
    return work.answer(outcome, profile, "M6")


def merge(work: Work, matched: list[Profile]) -> Profile:
    """M6: the profile created first survives; identifiers, traits, events and merge counts go over (M9)."""
    survivor, *losers = sorted(matched, key=lambda profile: profile.ordinal)
    survivor.create_time_us = min(profile.create_time_us for profile in matched)
    survivor.merges = sum(profile.merges for profile in matched) + len(matched) - 1
    for loser in losers:
        survivor.held.update(loser.held)
        join_traits(survivor, loser, work.hits)
        survivor.events.extend(loser.events)
        loser.merged_into = survivor.ordinal
        loser.held, loser.traits, loser.events = {}, {}, []
    work.merged = tuple(loser.ordinal for loser in losers)
    return survivor


def search(work: Work) -> Answer:
    """M11: the owner of the highest-ranked identifier that has one; never writes."""
    ordered = sorted(work.usable, key=lambda item: work.policy.rank(item.type))
    found: list[tuple[int, Identifier]] = []
    owner: Profile | None = None
    for item in ordered:
        holders = work.state.holders(item.key)
        found.extend((holder.ordinal, (item.type, item.told)) for holder in holders)
        if holders and owner is None:
            work.hit(Branch.M11_SEARCH_FOUND if item is ordered[0] else Branch.M11_SEARCH_LOWER)
            owner = holders[0]
    work.rounds.append(Round(1, tuple((item.type, item.told) for item in ordered), tuple(found), len(found)))
    if owner is None:
        work.hit(Branch.M11_SEARCH_NONE)
        raise RefusedError(Reason.NO_MATCH)
    for item in work.usable:
        if item.key in owner.held:
            work.dispositions[item.key] = Disposition.MATCHED
        elif work.state.holders(item.key):
            work.dispositions[item.key] = Disposition.HELD_BY_OTHER
        else:
            work.dispositions[item.key] = Disposition.ATTACHED
    return work.answer(Outcome.MATCHED, owner, "M11")
