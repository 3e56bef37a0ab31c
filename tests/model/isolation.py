"""The isolation family: I1 to I6, I8 and I9. Nothing here joins profiles or copies data between them (I9)."""

from __future__ import annotations

from collections.abc import Callable

from tests.model.hits import Branch
from tests.model.policy import LoginMatch, OnLogout, OnNewKnownUser
from tests.model.records import Answer, Disposition, Identifier, Kind, Outcome, Reason, RefusedError, Round
from tests.model.state import Profile, attach, see
from tests.model.values import Item, refuse_two_values
from tests.model.work import Work

Filter = Callable[[Profile], bool]


def decide(work: Work) -> Answer:
    """Decide an Identify, Login, Logout, Track or Search."""
    refuse_two_values(work.policy, work.usable, work.hits)
    if not work.usable:  # C5
        work.hit(Branch.C5_REFUSED)
        raise RefusedError(Reason.NO_USABLE_IDENTIFIER)
    if work.call.kind is Kind.LOGIN:
        require_login_identifier(work)
    if work.call.kind is Kind.LOGOUT:
        drop_login_identifiers(work)
        found, source = find_for_logout(work), 0
        rule = "I6"
    else:
        found, source = find(work)
        rule = "I3"
    if work.call.kind is Kind.SEARCH:
        return search(work, found)
    outcome = Outcome.MATCHED
    if found is None:
        outcome = Outcome.CREATED
        found = work.state.create(work.time_us)
        found.source = source
    attach_all(work, found, outcome)
    work.store(found, [dict(found.traits)])
    return work.answer(outcome, found, rule)


def carried(work: Work) -> list[Item]:
    """The identifiers that count: usable, and not dropped by I6."""
    return [item for item in work.usable if work.dispositions.get(item.key) is not Disposition.DROPPED]


def carries_login(work: Work) -> bool:
    """Tell whether the call carries a login identifier."""
    return any(work.policy.settings(item.type).login for item in carried(work))


def is_eligible(work: Work, profile: Profile) -> bool:
    """I1, the guard: of the login and of the immutable identifiers that the profile holds, one each must be carried."""
    keys = {item.key for item in carried(work)}
    logins = {key for key in profile.held if work.policy.settings(key[0]).login}
    immutables = {key for key in profile.held if work.policy.settings(key[0]).immutable}
    if logins and not logins & keys:
        work.hit(Branch.I1_GUARDED_LOGIN)
        return False
    if immutables and not immutables & keys:
        work.hit(Branch.I1_GUARDED_IMMUTABLE)
        return False
    if is_strange(work, logins, keys):
        work.hit(Branch.I1_GUARDED_HIGHEST)
        return False
    if logins & keys and any(type_name in {t for t, _ in keys} for type_name, _ in logins - keys):
        work.hit(Branch.I1_ONE_MATCH)
    return True


def is_strange(work: Work, logins: set[Identifier], keys: set[Identifier]) -> bool:
    """I1, HIGHEST: the highest-ranked login type that the profile and the call both have has no value in common."""
    isolation = work.policy.isolation
    if isolation is None or isolation.login_match is LoginMatch.ANY:
        return False
    both = {type_name for type_name, _ in logins} & {type_name for type_name, _ in keys}
    if not both:
        return False
    highest = min(both, key=work.policy.rank)
    return not any(type_name == highest for type_name, _ in logins & keys)


def waterfall(work: Work, passes: Filter) -> Profile | None:
    """I2: walk the priority, narrow the candidates, stop at one; a tie goes to the previous profile or the newest."""
    candidates: list[Profile] = []
    looked_for: list[Identifier] = []
    found: list[tuple[int, Identifier]] = []
    for type_name in sorted({item.type for item in carried(work)}, key=work.policy.rank):
        asked = [item for item in carried(work) if item.type == type_name]
        looked_for.extend((item.type, item.told) for item in asked)
        hits: list[Profile] = []
        for profile in work.state.live():
            holding = [item for item in asked if item.key in profile.held]
            if holding and passes(profile) and is_eligible(work, profile):
                hits.append(profile)
                found.extend((profile.ordinal, (item.type, item.told)) for item in holding)
        if not hits:
            continue
        if not candidates:
            candidates = hits
        else:
            both = [profile for profile in candidates if profile in hits]
            if both and len(both) < len(candidates):
                work.hit(Branch.I2_NARROWED)
            if not both:
                work.hit(Branch.I2_LEFT)
            candidates = both or candidates
        if len(candidates) == 1:
            break
    work.rounds.append(Round(len(work.rounds) + 1, tuple(looked_for), tuple(found[:100]), len(found)))
    return break_tie(work, candidates)


def break_tie(work: Work, candidates: list[Profile]) -> Profile | None:
    """I2: of several candidates the call's previous profile if among them, else the newest."""
    if len(candidates) <= 1:
        return candidates[0] if candidates else None
    previous = work.state.resolve(work.call.previous_profile)
    if previous is not None and previous in candidates:
        work.hit(Branch.I2_TIE_PREVIOUS)
        return previous
    work.hit(Branch.I2_TIE_NEWEST)
    return max(candidates, key=lambda profile: profile.ordinal)


def find(work: Work) -> tuple[Profile | None, int]:
    """I3: the profile found (None: one is to be created) and the source of a new linked profile (0: none)."""
    isolation = work.policy.isolation
    assert isolation is not None
    if work.call.previous_profile and work.state.resolve(work.call.previous_profile) is None:
        work.hit(Branch.I3_PREVIOUS_UNKNOWN)
    if carries_login(work) and isolation.on_new_known_user is not OnNewKnownUser.CONVERT_ANONYMOUS:
        found = waterfall(work, work.is_known)
        if found is not None:
            work.hit(Branch.I3_KNOWN_FOUND)
            return found, 0
        work.hit(Branch.I3_KNOWN_CREATED)
        if isolation.on_new_known_user is OnNewKnownUser.CREATE_LINKED_PROFILE:
            return None, find_source(work)
        return None, 0
    found = waterfall(work, lambda profile: True)
    if found is None:
        work.hit(Branch.I3_ALL_CREATED)
    elif carries_login(work) and not work.is_known(found):
        work.hit(Branch.I3_CONVERTED)
    else:
        work.hit(Branch.I3_ALL_FOUND)
    return found, 0


def find_source(work: Work) -> int:
    """I3: the previous profile if anonymous (it may be orphaned), else the anonymous waterfall's result, else none."""
    previous = work.state.resolve(work.call.previous_profile)
    if previous is not None and not work.is_known(previous):
        work.hit(Branch.I3_LINK_PREVIOUS if previous.held else Branch.I3_LINK_ORPHAN)
        return previous.ordinal
    found = waterfall(work, lambda profile: not work.is_known(profile))
    work.hit(Branch.I3_LINK_NONE if found is None else Branch.I3_LINK_WATERFALL)
    return 0 if found is None else found.ordinal


def require_login_identifier(work: Work) -> None:
    """I4: a Login needs a login identifier left after C3 and C4, where the policy has login types."""
    if not work.policy.has_login_types:
        work.hit(Branch.I4_NO_LOGIN_TYPES)
        return
    if not carries_login(work):
        work.hit(Branch.I4_REFUSED)
        raise RefusedError(Reason.LOGIN_IDENTIFIER_REQUIRED)


def disposition_for(work: Work, profile: Profile, item: Item) -> Disposition:
    """I5: what becomes of an identifier on the resulting profile; the first that applies (docs/api.md)."""
    settings = work.policy.settings(item.type)
    if item.key in profile.held:
        return Disposition.MATCHED
    if settings.immutable and profile.values(item.type):
        return Disposition.KEPT_IMMUTABLE
    if settings.unique and work.state.holders(item.key):
        return Disposition.HELD_BY_OTHER
    return Disposition.ATTACHED


def attach_all(work: Work, profile: Profile, outcome: Outcome) -> None:
    """I5: every identifier goes onto the resulting profile, in the call's order, as far as the rule lets it."""
    branches = {
        Disposition.MATCHED: Branch.I5_MATCHED,
        Disposition.KEPT_IMMUTABLE: Branch.I5_KEPT_IMMUTABLE,
        Disposition.HELD_BY_OTHER: Branch.I5_HELD_BY_OTHER,
        Disposition.ATTACHED: Branch.I5_ATTACHED,
    }
    for item in carried(work):
        disposition = disposition_for(work, profile, item)
        work.dispositions[item.key] = disposition
        work.hit(branches[disposition])
        if disposition is Disposition.MATCHED:
            see(profile, item.key, work.time_us)
        if disposition is Disposition.ATTACHED:
            if work.policy.settings(item.type).unique:
                replace_values(work, profile, item)
            attach(profile, item.key, item.told, work.time_us)
    if outcome is Outcome.CREATED and not profile.held:
        work.hit(Branch.I5_NOTHING_ATTACHABLE)
        raise RefusedError(Reason.IDENTIFIERS_HELD_BY_OTHERS)


def replace_values(work: Work, profile: Profile, item: Item) -> None:
    """I5: a new value of a unique type replaces the old one; that is told, of a login identifier by a warning too."""
    left: list[Identifier] = []
    for value in profile.values(item.type):
        left.append((item.type, profile.held.pop((item.type, value)).raw))
        work.hit(Branch.I5_REPLACED)
    if not left:
        return
    work.replaced[item.key] = tuple(left)
    if work.policy.settings(item.type).login:
        work.hit(Branch.I5_REPLACED_LOGIN)
        work.warnings += 1


def drop_login_identifiers(work: Work) -> None:
    """I6: login identifiers are dropped with a warning, in all three modes; nothing left is refused."""
    for item in work.usable:
        if work.policy.settings(item.type).login:
            work.hit(Branch.I6_DROPPED)
            work.dispositions[item.key] = Disposition.DROPPED
            work.warnings = 1
    if not carried(work):
        work.hit(Branch.I6_NOTHING_LEFT)
        raise RefusedError(Reason.NO_USABLE_IDENTIFIER)


def find_for_logout(work: Work) -> Profile | None:
    """I6: the profile that a Logout leads to; None: one is to be created."""
    isolation = work.policy.isolation
    assert isolation is not None
    if isolation.on_logout is OnLogout.RETURN_TO_ANONYMOUS:
        found = waterfall(work, lambda profile: not work.is_known(profile))
        work.hit(Branch.I6_RETURN_CREATED if found is None else Branch.I6_RETURNED)
        return found
    if isolation.on_logout is OnLogout.CREATE_ANONYMOUS:
        work.hit(Branch.I6_ALWAYS_CREATED)
        return None
    work.hit(Branch.I6_IDENTIFIED)
    found, _ = find(work)
    return found


def search(work: Work, found: Profile | None) -> Answer:
    """I8: tell which profile Identify would return; never write."""
    if found is None:
        work.hit(Branch.I8_NO_MATCH)
        raise RefusedError(Reason.NO_MATCH)
    work.hit(Branch.I8_FOUND)
    for item in carried(work):
        work.dispositions[item.key] = disposition_for(work, found, item)
    return work.answer(Outcome.MATCHED, found, "I8")
