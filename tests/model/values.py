"""C3, C4, C12 and C6: what becomes of each identifier before a family's own rules look at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.model.hits import Branch, Hits
from tests.model.normalise import form_of, is_unfit_by_0_1, unfit
from tests.model.policy import RULES_OF_0_1, TYPE_NAME, Normalization, Policy, UnlistedTypes
from tests.model.records import Disposition, Identifier, InvalidReason, Reason, RefusedError
from tests.model.unicode_data import trim

# Raw forms that are longer are kept and told without what is beyond.
RAW_BYTES_MAX = 2048

NORMALISATION_BRANCHES = {
    Normalization.TRIM: Branch.C1_TRIM,
    Normalization.LOWER: Branch.C1_LOWER,
    Normalization.EMAIL: Branch.C1_EMAIL,
    Normalization.PHONE: Branch.C1_PHONE,
}
INVALID_BRANCHES = {
    InvalidReason.EMPTY: Branch.C12_EMPTY,
    InvalidReason.CONTROL_CHARACTER: Branch.C12_CONTROL_CHARACTER,
    InvalidReason.FORMAT_CHARACTER: Branch.C12_FORMAT_CHARACTER,
    InvalidReason.UNASSIGNED_CHARACTER: Branch.C12_UNASSIGNED_CHARACTER,
    InvalidReason.TOO_LONG: Branch.C12_TOO_LONG,
    InvalidReason.NOT_A_PHONE_NUMBER: Branch.C12_NOT_A_PHONE_NUMBER,
}


@dataclass(frozen=True)
class Item:
    """One identifier of a call: as sent, after C1 (None: it has no such form), what C2 says of it, what became of it.

    `set_aside` is None for a usable one.
    """

    type: str
    raw: str
    form: str | None
    invalid: InvalidReason | None = None
    set_aside: Disposition | None = None

    @property
    def value(self) -> str:
        """The value as compared; invalid values are duplicates of each other as sent."""
        return self.raw if self.form is None or self.invalid is not None else self.form

    @property
    def told(self) -> str:
        """The raw form as it is kept and told (C1): trimmed and cut where it is long."""
        sent = self.raw.encode()
        if len(sent) <= RAW_BYTES_MAX:
            return self.raw
        return trim(self.raw).encode()[:RAW_BYTES_MAX].decode(errors="ignore")

    @property
    def key(self) -> Identifier:
        """The identifier as it is compared."""
        return (self.type, self.value)


def check_type(type_name: str) -> None:
    """C2: refuse a malformed type."""
    if TYPE_NAME.fullmatch(type_name) is None:
        raise RefusedError(Reason.FIELD_INVALID)


def read_item(policy: Policy, type_name: str, raw: str, hits: Hits) -> Item:
    """Read an identifier: refuse what is refused whatever the policy says (C2), normalise (C1) and judge the value."""
    check_type(type_name)
    if "\0" in raw:
        raise RefusedError(Reason.FIELD_INVALID)
    settings = policy.settings(type_name)
    form = form_of(raw, settings, policy.rules_version, hits)
    if policy.rules_version == RULES_OF_0_1:
        # So it stays: whoever was found by a value is found by it.
        hits[Branch.C1_OF_0_1] += form != raw
        return Item(type_name, raw, form, InvalidReason.UNSPECIFIED if is_unfit_by_0_1(raw, form) else None)
    invalid = unfit(raw, form, hits)
    if invalid is None and form != raw:
        hits[NORMALISATION_BRANCHES[settings.normalization]] += 1
    return Item(type_name, raw, form, invalid)


def refuse_as_0_1(policy: Policy, items: Sequence[Item | None], hits: Hits) -> None:
    """To 0.1 an unfit value was a fault of the shape, in a Modify's `old` too."""
    if policy.rules_version == RULES_OF_0_1 and any(item is not None and item.invalid is not None for item in items):
        hits[Branch.C12_OF_0_1] += 1
        raise RefusedError(Reason.FIELD_INVALID)


def is_blocked(policy: Policy, item: Item, hits: Hits) -> bool:
    """C3: a pattern of the type or of the policy meets the value as sent, trimmed, or its form after C1.

    An empty value is C2's alone.
    """
    patterns = (*policy.blocked, *policy.settings(item.type).blocked)
    is_old = policy.rules_version == RULES_OF_0_1  # which looked at the normal form alone
    as_sent = not is_old and any(pattern.matches(trim(item.raw)) for pattern in patterns)
    as_compared = item.form is not None and any(pattern.matches(item.form) for pattern in patterns)
    if not as_sent and not as_compared:
        return False
    if item.invalid is InvalidReason.EMPTY:
        hits[Branch.C3_EMPTY_LEFT] += 1
        return False
    if not as_compared:
        hits[Branch.C3_AS_SENT] += 1
    if not as_sent and not is_old:
        hits[Branch.C3_AS_COMPARED] += 1
    if item.invalid is not None:
        hits[Branch.C3_INVALID] += 1
    return True


def judge(policy: Policy, item: Item, hits: Hits) -> Item:
    """C3, then C4: mark an identifier that is set aside."""
    is_listed = policy.is_listed(item.type)
    if is_blocked(policy, item, hits):
        hits[Branch.C3_BLOCKED if is_listed else Branch.C3_BLOCKED_UNLISTED] += 1
        return replace(item, set_aside=Disposition.BLOCKED)
    is_ignored = judge_type(policy, item.type, hits)
    return replace(item, set_aside=Disposition.IGNORED_TYPE) if is_ignored else item


def judge_type(policy: Policy, type_name: str, hits: Hits) -> bool:
    """C4: tell whether identifiers of a type are set aside; refuse what the policy rejects."""
    if policy.is_listed(type_name):
        return False
    if policy.unlisted is UnlistedTypes.REJECT:
        hits[Branch.C4_REJECTED] += 1
        raise RefusedError(Reason.TYPE_REJECTED)
    is_ignored = policy.unlisted is UnlistedTypes.IGNORE
    hits[Branch.C4_IGNORED if is_ignored else Branch.C4_ACCEPTED] += 1
    return is_ignored


def judge_value(item: Item, hits: Hits, *, refuses: bool) -> Item:
    """C12: refuse a value that cannot be an identifier's, or set it aside."""
    if item.set_aside is not None or item.invalid is None:
        return item
    if refuses:
        hits[Branch.C12_REFUSED] += 1
        raise RefusedError(Reason.FIELD_INVALID)
    hits[INVALID_BRANCHES[item.invalid]] += 1
    return replace(item, set_aside=Disposition.INVALID)


def sort_out(policy: Policy, items: list[Item], hits: Hits, *, refuses: bool) -> list[Item]:
    """C3, C4, C12 and C6, one after the other: the call's identifiers, each once, with those set aside marked.

    C6 looks at what the others left: a value that is blocked as it was sent does not take an unblocked spelling of
    itself along.
    """
    judged = [judge(policy, item, hits) for item in items]
    judged = [judge_value(item, hits, refuses=refuses) for item in judged]
    told: dict[tuple[Identifier, Disposition | None], Item] = {}
    for item in judged:
        if (item.key, item.set_aside) in told:  # C6: after C1 the first counts
            hits[Branch.C6_DUPLICATE_SET_ASIDE if item.set_aside else Branch.C6_DUPLICATE] += 1
            continue
        told[item.key, item.set_aside] = item
    return list(told.values())


def refuse_two_values(policy: Policy, usable: list[Item], hits: Hits) -> None:
    """Section 3: two different values of one unique or immutable type in a call."""
    seen: set[str] = set()
    for item in usable:
        settings = policy.settings(item.type)
        if (settings.unique or settings.immutable) and item.type in seen:
            hits[Branch.ISOLATION_TWO_VALUES] += 1
            raise RefusedError(Reason.TWO_VALUES_OF_UNIQUE_TYPE)
        seen.add(item.type)
