"""Policies as plain settings; policy_reader.py reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

TYPE_NAME = re.compile(r"[a-z][a-z0-9_.]{0,62}")
US_OF_DAY = 86_400_000_000
# The versions of the rules by which workspaces compare: those that 0.1 made, and those made now.
RULES_OF_0_1 = 0
RULES_NOW = 1
FUTURE_TOLERANCE_US = 3_600_000_000
FUTURE_TOLERANCE_US_MAX = 7 * US_OF_DAY


class Normalization(Enum):
    """How values are normalised before they are compared (C1)."""

    NONE = "NONE"
    TRIM = "TRIM"
    LOWER = "LOWER"
    EMAIL = "EMAIL"
    PHONE = "PHONE"


class UnlistedTypes(Enum):
    """What happens to identifiers of unlisted types (C4)."""

    ACCEPT = "ACCEPT"
    IGNORE = "IGNORE"
    REJECT = "REJECT"


class Window(Enum):
    """The rolling time over which added values count, in microseconds; None counts all."""

    EVER = None
    DAY = US_OF_DAY
    WEEK = 7 * US_OF_DAY
    MONTH = 30 * US_OF_DAY
    YEAR = 365 * US_OF_DAY


class LimitScope(Enum):
    """When a limit is checked."""

    ALWAYS = "ALWAYS"
    WHEN_PRESENT = "WHEN_PRESENT"


class OnExceeded(Enum):
    """What is demoted when a limit would be exceeded."""

    DEMOTE_LOWEST = "DEMOTE_LOWEST"
    DEMOTE_OFFENDING = "DEMOTE_OFFENDING"


class InvalidIdentifiers(Enum):
    """What happens to a value that cannot be an identifier's (C12)."""

    REFUSE = "REFUSE"
    SET_ASIDE = "SET_ASIDE"


class LoginMatch(Enum):
    """Which login identifiers a profile and a call must have in common (I1)."""

    ANY = "ANY"
    HIGHEST = "HIGHEST"


class OnNewKnownUser(Enum):
    """What a login identifier that no known profile holds leads to (I3)."""

    CREATE_PROFILE = "CREATE_PROFILE"
    CREATE_LINKED_PROFILE = "CREATE_LINKED_PROFILE"
    CONVERT_ANONYMOUS = "CONVERT_ANONYMOUS"


class OnLogout(Enum):
    """What a Logout leads to (I6)."""

    RETURN_TO_ANONYMOUS = "RETURN_TO_ANONYMOUS"
    CREATE_ANONYMOUS = "CREATE_ANONYMOUS"
    IDENTIFY = "IDENTIFY"


@dataclass(frozen=True)
class Pattern:
    """A blocked value: `exact` compares with a text, `regex` searches in it (C3)."""

    exact: str | None = None
    regex: re.Pattern[str] | None = None

    def matches(self, text: str) -> bool:
        """Tell whether the pattern blocks the text."""
        if self.regex is not None:
            return self.regex.search(text) is not None
        return text == self.exact


@dataclass(frozen=True)
class Limit:
    """How many values of one type a profile may hold (M3); 0 means no limit."""

    max_values: int = 0
    window: Window = Window.EVER
    scope: LimitScope = LimitScope.ALWAYS
    on_exceeded: OnExceeded = OnExceeded.DEMOTE_LOWEST

    @property
    def is_exclusive(self) -> bool:
        """M3.2: limit 1, EVER, ALWAYS, DEMOTE_LOWEST."""
        return self == Limit(1, Window.EVER, LimitScope.ALWAYS, OnExceeded.DEMOTE_LOWEST)


@dataclass(frozen=True)
class TypeSettings:
    """One identifier type and its settings."""

    name: str = ""
    unique: bool = False
    login: bool = False
    immutable: bool = False
    normalization: Normalization = Normalization.NONE
    region: str = ""
    blocked: tuple[Pattern, ...] = ()
    limit: Limit = Limit()


@dataclass(frozen=True)
class MergeSettings:
    """Settings of the merge family; absent means 100 and 1000 (docs/rules.md, Merge family)."""

    max_merges: int = 100
    max_identifiers: int = 1000


@dataclass(frozen=True)
class IsolationSettings:
    """Settings of the isolation family."""

    on_new_known_user: OnNewKnownUser
    on_logout: OnLogout
    login_match: LoginMatch = LoginMatch.ANY


@dataclass(frozen=True)
class Policy:
    """The rules of one workspace; exactly one of `merge` and `isolation` is set.

    `blocked` has the patterns of the named lists too. `rules_version` is the workspace's: RULES_OF_0_1 keeps the forms
    of C1, refuses invalid values and leaves event times as they are, whatever the policy says.
    """

    types: tuple[TypeSettings, ...]
    default_type: TypeSettings
    unlisted: UnlistedTypes
    blocked: tuple[Pattern, ...]
    merge: MergeSettings | None
    isolation: IsolationSettings | None
    invalid_identifiers: InvalidIdentifiers
    future_tolerance_us: int
    rules_version: int

    @property
    def refuses_invalid(self) -> bool:
        """C12: whether a value that cannot be an identifier's refuses the call."""
        return self.rules_version == RULES_OF_0_1 or self.invalid_identifiers is InvalidIdentifiers.REFUSE

    def is_listed(self, type_name: str) -> bool:
        """Tell whether the policy lists the type."""
        return any(listed.name == type_name for listed in self.types)

    def takes(self, type_name: str) -> bool:
        """C4: tell whether the policy takes the type, listed or accepted though unlisted."""
        return self.is_listed(type_name) or self.unlisted is UnlistedTypes.ACCEPT

    def settings(self, type_name: str) -> TypeSettings:
        """C4: a listed type's own settings; the default ones under ACCEPT; else none at all."""
        for listed in self.types:
            if listed.name == type_name:
                return listed
        if self.unlisted is UnlistedTypes.ACCEPT:
            return self.default_type
        return TypeSettings()

    def rank(self, type_name: str) -> tuple[int, str]:
        """Smaller is more trusted; C4: unlisted types after all listed ones, in alphabetical order."""
        for position, listed in enumerate(self.types):
            if listed.name == type_name:
                return (position, "")
        return (len(self.types), type_name)

    @property
    def has_login_types(self) -> bool:
        """I4: a listed login type, or the default type's `login` under ACCEPT."""
        if self.unlisted is UnlistedTypes.ACCEPT and self.default_type.login:
            return True
        return any(listed.login for listed in self.types)
