"""M8, in both families: which value of a trait wins."""

from __future__ import annotations

from tests.model.hits import Branch, Hits
from tests.model.records import Traits
from tests.model.state import Profile, Trait


def wins(candidate: Trait, present: Trait | None) -> bool:
    """M8: the latest event time wins, at equal times the later call in the order of C8; removals count alike."""
    return present is None or (candidate.time_us, candidate.order) > (present.time_us, present.order)


def write_traits(profile: Profile, traits: Traits | None, time_us: int, order: int, hits: Hits) -> None:
    """M8: write a call's traits; null removes, and the removal keeps its time."""
    for name, value in (traits or {}).items():
        present = profile.traits.get(name)
        candidate = Trait(time_us, order, value, is_removed=value is None)
        if not wins(candidate, present):
            hits[Branch.M8_OLDER] += 1
            continue
        if present is not None:
            hits[Branch.M8_EQUAL if present.time_us == time_us else Branch.M8_NEWER] += 1
        if candidate.is_removed:
            hits[Branch.M8_REMOVED] += 1
        profile.traits[name] = candidate


def join_traits(survivor: Profile, loser: Profile, hits: Hits) -> None:
    """M6 and M8: take over a merged profile's traits; an older value never revives a removed trait."""
    for name, candidate in loser.traits.items():
        present = survivor.traits.get(name)
        if wins(candidate, present):
            survivor.traits[name] = candidate
        elif present is not None and present.is_removed and not candidate.is_removed:
            hits[Branch.M8_NOT_REVIVED] += 1
