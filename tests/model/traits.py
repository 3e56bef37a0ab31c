"""M8 and C13, in both families: which value of a trait wins, and how many a profile may have."""

from __future__ import annotations

from tests.model.hits import Branch, Hits
from tests.model.records import Reason, RefusedError, Traits
from tests.model.state import Profile, Trait
from tests.model.structs import struct_bytes

MAX_TRAITS = 1000
MAX_TRAITS_BYTES = 1024 * 1024


def wins(candidate: Trait, present: Trait | None) -> bool:
    """M8: the latest event time wins, at equal times the later call in the order of C8; removals count alike."""
    return present is None or (candidate.time_us, candidate.order) > (present.time_us, present.order)


def write_traits(profile: Profile, traits: Traits | None, time_us: int, order: int, hits: Hits) -> dict[str, Trait]:
    """M8: write a call's traits and return those that won; null removes, and the removal keeps its time."""
    winning = {}
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
        profile.traits[name] = winning[name] = candidate
    return winning


def encoded_bytes(traits: dict[str, Trait]) -> int:
    """C13: the size of a profile's traits as one Struct, a removal as null."""
    return struct_bytes({name: trait.value for name, trait in traits.items()})


def refuse_grown(
    before: list[dict[str, Trait]], winning: dict[str, Trait], after: dict[str, Trait], hits: Hits
) -> None:
    """C13: refuse a call whose own winning traits grow a profile of M beyond 1,000 traits or 1 MiB.

    Args:
        before: the traits of each profile of M as they were; one without traits stands for a profile just made.
        winning: the call's traits that won.
        after: the traits of the profile that the call leads to.
        hits: counts the branches.
    """
    for traits in before:
        grown = traits | winning
        if len(traits) < len(grown) > MAX_TRAITS:
            hits[Branch.C13_COUNT] += 1
            raise RefusedError(Reason.LIMIT_EXCEEDED)
        if encoded_bytes(traits) < encoded_bytes(grown) > MAX_TRAITS_BYTES:
            hits[Branch.C13_BYTES] += 1
            raise RefusedError(Reason.LIMIT_EXCEEDED)
    if len(after) > MAX_TRAITS or encoded_bytes(after) > MAX_TRAITS_BYTES:
        hits[Branch.C13_OVER_BY_MERGE if len(before) > 1 else Branch.C13_NO_GROWTH] += 1


def join_traits(survivor: Profile, loser: Profile, hits: Hits) -> None:
    """M6 and M8: take over a merged profile's traits; an older value never revives a removed trait."""
    for name, candidate in loser.traits.items():
        present = survivor.traits.get(name)
        if wins(candidate, present):
            survivor.traits[name] = candidate
        elif present is not None and present.is_removed and not candidate.is_removed:
            hits[Branch.M8_NOT_REVIVED] += 1
