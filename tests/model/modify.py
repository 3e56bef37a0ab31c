"""Modify in both families: I7, and M11's two points of difference."""

from __future__ import annotations

from tests.model.common import ChangeItem, Item, judge
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
from tests.model.work import Work


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
    """I7 and C1-C4: the changes that count; one whose `new` is blocked or whose type is ignored is set aside whole."""
    if any(not change.old and not change.new for change in work.change_items):
        work.hit(Branch.I7_EMPTY_CHANGE)
        raise RefusedError(Reason.EMPTY_CHANGE)
    counting = []
    for change in work.change_items:
        set_aside = judge(work.policy, change.type, change.new, work.hits)
        if set_aside is None:
            counting.append(change)
            continue
        is_blocked = set_aside is Disposition.BLOCKED
        work.hit(Branch.I7_SET_ASIDE_BLOCKED if is_blocked else Branch.I7_SET_ASIDE_IGNORED)
        item = Item(change.type, change.raw_new or change.raw_old, change.new or change.old, set_aside)
        if item.key not in {told.key for told in work.items}:
            work.items.append(item)
    if not counting:
        work.hit(Branch.I7_NONE_LEFT)
        raise RefusedError(Reason.NO_USABLE_IDENTIFIER)
    return counting


def apply(work: Work, profile: Profile, change: ChangeItem) -> None:
    """I7: one change, seeing what the ones before it did."""
    old: Identifier | None = (change.type, change.old) if change.old else None
    if old is not None and old not in profile.held:
        work.hit(Branch.I7_OLD_NOT_HELD)
        work.warnings += 1
        old = None
    if not change.new:
        if old is not None:
            work.hit(Branch.I7_REMOVED)
            remove(work, profile, old)
        return
    new: Identifier = (change.type, change.new)
    if new in profile.held:
        hold_again(work, profile, new, old)
        return
    work.hit(Branch.I7_ADDED if old is None else Branch.I7_CHANGED)
    take_from_others(work, profile, new)
    make_room(work, profile, new, old)
    attach(profile, new, change.raw_new, work.time_us)
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
