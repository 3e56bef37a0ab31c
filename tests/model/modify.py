"""Modify in both families: I7, and M11's two points of difference."""

from __future__ import annotations

from dataclasses import replace

from tests.model.common import ChangeItem
from tests.model.hits import Branch
from tests.model.limits import Final, exclusive_checks, identifiers_check, offending_types
from tests.model.records import (
    Answer,
    Disposition,
    Identifier,
    Outcome,
    Reason,
    RefusedError,
    Round,
)
from tests.model.state import Profile, attach
from tests.model.values import Item, judge, judge_type, judge_value
from tests.model.work import Work

SET_ASIDE_BRANCHES = {
    Disposition.BLOCKED: Branch.I7_SET_ASIDE_BLOCKED,
    Disposition.IGNORED_TYPE: Branch.I7_SET_ASIDE_IGNORED,
    Disposition.INVALID: Branch.I7_SET_ASIDE_INVALID,
}


def decide(work: Work) -> Answer:
    """I7: change one profile's identifiers, all or nothing; an unknown profile is judged first."""
    profile = work.state.resolve(work.call.profile)
    if profile is None:
        work.hit(Branch.I7_NOT_FOUND)
        raise RefusedError(Reason.PROFILE_NOT_FOUND)
    if profile.ordinal != work.call.profile:
        work.hit(Branch.M9_OLD_ID)
    changes = sort_out(work)
    before = profile.copy()
    for change in changes:
        apply(work, profile, change)
    rule = "I7"
    if work.policy.merge is not None:
        refuse_exceeded(work, before, profile, changes)
        rule = "M11"
    if not before.held and profile.held:
        work.hit(Branch.I7_REVIVED)
    return work.answer(Outcome.MATCHED, profile, rule)


def sort_out(work: Work) -> list[ChangeItem]:
    """I7 and C1-C4, C12, C6: the changes that count; one is set aside whole if its `new` or its type is."""
    if any(change.old is None and change.new is None for change in work.change_items):
        work.hit(Branch.I7_EMPTY_CHANGE)
        raise RefusedError(Reason.EMPTY_CHANGE)
    counting = []
    for change in work.change_items:  # one after the other: these rules hold for each change
        item = judge_value(judge_change(work, change), work.hits, refuses=work.policy.refuses_invalid)
        if item.set_aside is None:
            counting.append(change)
            continue
        work.hit(SET_ASIDE_BRANCHES[item.set_aside])
        same = [told for told in work.items if (told.key, told.set_aside) == (item.key, item.set_aside)]
        if not same:  # C6: after C1 the first counts
            work.items.append(item)
        elif same[0].raw != item.raw:
            work.hit(Branch.I7_SPELT_TWICE)
    if not counting:
        work.hit(Branch.I7_NONE_LEFT)
        raise RefusedError(Reason.NO_USABLE_IDENTIFIER)
    return counting


def judge_change(work: Work, change: ChangeItem) -> Item:
    """C3 and C4 for what stands for a change: its `new`, else its `old`, of which only the type is judged.

    An `old` may be blocked or invalid: it is to go, or is not held.
    """
    if change.new is not None:
        return judge(work.policy, change.new, work.hits)
    assert change.old is not None
    is_ignored = judge_type(work.policy, change.type, work.hits)
    return replace(change.old, invalid=None, set_aside=Disposition.IGNORED_TYPE if is_ignored else None)


def apply(work: Work, profile: Profile, change: ChangeItem) -> None:
    """I7: one change, seeing what the ones before it did."""
    old = change.old.key if change.old is not None else None
    if change.old is not None and (change.old.invalid is not None or old not in profile.held):
        work.hit(Branch.I7_OLD_NOT_HELD if change.old.invalid is None else Branch.I7_OLD_INVALID)
        work.warnings += 1
        old = None
    if change.new is None:
        if old is not None:
            work.hit(Branch.I7_REMOVED)
            remove(work, profile, old)
        return
    new = change.new.key
    if new in profile.held:
        hold_again(work, profile, new, old)
        return
    work.hit(Branch.I7_ADDED if old is None else Branch.I7_CHANGED)
    take_from_others(work, profile, new)
    make_room(work, profile, new, old)
    attach(profile, new, change.new.told, work.time_us)
    work.changed.append((change.type, profile.ordinal))


def hold_again(work: Work, profile: Profile, new: Identifier, old: Identifier | None) -> None:
    """I7: a value set where it is already; after a change of the policy others may hold it too, or others beside it."""
    settings = work.policy.settings(new[0])
    work.hit(Branch.I7_SAME if old is None or old == new else Branch.I7_OLD_GOES)
    going = {old} if old is not None else set()
    if settings.unique and not settings.immutable:  # an immutable value set again is no change
        take_from_others(work, profile, new)
        going |= {(new[0], value) for value in profile.values(new[0])}
    for identifier in sorted(going - {new}):
        remove(work, profile, identifier)


def remove(work: Work, profile: Profile, identifier: Identifier) -> None:
    """Take an identifier off a profile; I7: an immutable value never goes."""
    if work.policy.settings(identifier[0]).immutable:
        work.hit(Branch.I7_IMMUTABLE_REFUSED)
        raise RefusedError(Reason.IMMUTABLE_IDENTIFIER)
    del profile.held[identifier]
    work.changed.append((identifier[0], profile.ordinal))


def take_from_others(work: Work, profile: Profile, new: Identifier) -> None:
    """I7: a unique value held elsewhere is taken from there; M11: in the merge family always (M1)."""
    settings = work.policy.settings(new[0])
    holders = [holder for holder in work.state.holders(new) if holder is not profile]
    if work.policy.merge is None and not settings.unique:
        if holders:
            work.hit(Branch.I7_SHARED)
        return
    for holder in holders:
        if settings.immutable:
            work.hit(Branch.I7_IMMUTABLE_TAKE_REFUSED)
        remove(work, holder, new)
        work.hit(Branch.I7_TAKEN if work.policy.merge is None else Branch.M11_TAKEN)
        if not holder.held:
            work.hit(Branch.I7_TAKEN_ORPHANED)


def make_room(work: Work, profile: Profile, new: Identifier, old: Identifier | None) -> None:
    """I7: the new value replaces that of a unique type; otherwise only `old` goes (M11: it stands beside others)."""
    settings = work.policy.settings(new[0])
    going = {old} if old is not None else set()
    if settings.unique:
        going |= {(new[0], value) for value in profile.values(new[0])}
        if going and old is None:
            work.hit(Branch.I7_REPLACED)
    if settings.immutable and not going:
        work.hit(Branch.I7_IMMUTABLE_SET)
    for identifier in going:
        remove(work, profile, identifier)


def refuse_exceeded(work: Work, before: Profile, profile: Profile, changes: list[ChangeItem]) -> None:
    """M11: refuse a result that breaks M3.2-M3.4; the changes' types count as carried, M5 sees what was before."""
    contents = {identifier: held.added_us for identifier, held in profile.held.items()}
    final = Final(work.policy, [before], contents, {change.type for change in changes}, work.time_us)
    exclusive = exclusive_checks(final, work.hits)
    values, offending = offending_types(final, work.hits)
    identifiers = identifiers_check(final, work.hits)
    work.rounds.append(Round(1, (), (), 0, (*exclusive, *values, identifiers)))
    if not all(check.passed for check in exclusive):
        work.hit(Branch.M11_REFUSED_EXCLUSIVE)
        raise RefusedError(Reason.LIMIT_EXCEEDED)
    if offending:
        work.hit(Branch.M11_REFUSED_VALUES)
        raise RefusedError(Reason.LIMIT_EXCEEDED)
    if not identifiers.passed:
        work.hit(Branch.M11_REFUSED_IDENTIFIERS)
        raise RefusedError(Reason.LIMIT_EXCEEDED)
