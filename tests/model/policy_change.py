"""What is told of a policy, and which may follow another while profiles exist."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tests.model.policy import Normalization, OnNewKnownUser, Policy


def count_warnings(policy: Policy) -> int:
    """Told as a warning: CREATE_PROFILE or CREATE_LINKED_PROFILE without a login type."""
    if policy.isolation is None or policy.isolation.on_new_known_user is OnNewKnownUser.CONVERT_ANONYMOUS:
        return 0
    return 0 if policy.has_login_types else 1


def changes_stored_values(old: Policy, new: Policy) -> bool:
    """Tell whether `new` may not follow `old` while profiles exist (docs/api.md, POLICY_CHANGE_FORBIDDEN).

    Forbidden: another strategy; another normalization or region of a type that both policies take, listed or
    accepted though unlisted (C4).
    """
    if (old.merge is None) != (new.merge is None):
        return True
    names = {listed.name for listed in (*old.types, *new.types)} | {""}
    return any(old.takes(name) and new.takes(name) and form(old, name) != form(new, name) for name in names)


def returns_changed(held_types: Collection[str], earlier: Sequence[Policy], old: Policy, new: Policy) -> bool:
    """Tell whether `new` takes back, in another form, a type that `old` does not take and profiles still hold.

    The form is that of the newest earlier policy that took the type; `earlier` is in the order of revisions.
    """
    for name in held_types:
        if old.takes(name) or not new.takes(name):
            continue
        took = next((policy for policy in reversed(earlier) if policy.takes(name)), None)
        if took is not None and form(took, name) != form(new, name):
            return True
    return False


def form(policy: Policy, type_name: str) -> tuple[Normalization, str]:
    """Return what decides how a type's values are stored (C1)."""
    settings = policy.settings(type_name)
    return settings.normalization, settings.region
