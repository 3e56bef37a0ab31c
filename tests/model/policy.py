"""Policies: from the protobuf JSON form to plain settings, with every contradiction named."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from tests.model.records import JsonValue

TYPE_NAME = re.compile(r"[a-z][a-z0-9_.]{0,62}")
US_OF_DAY = 86_400_000_000


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
    """A blocked value: `exact` compares with the normalised value, `regex` searches in it (C3)."""

    exact: str | None = None
    regex: re.Pattern[str] | None = None

    def matches(self, value: str) -> bool:
        """Tell whether the normalised value is blocked by this pattern."""
        if self.regex is not None:
            return self.regex.search(value) is not None
        return value == self.exact


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


@dataclass(frozen=True)
class Policy:
    """The rules of one workspace; exactly one of `merge` and `isolation` is set."""

    types: tuple[TypeSettings, ...]
    default_type: TypeSettings
    unlisted: UnlistedTypes
    blocked: tuple[Pattern, ...]
    merge: MergeSettings | None
    isolation: IsolationSettings | None

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


class PolicyInvalidError(Exception):
    """The policy contradicts itself; every fault is named."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


Member = TypeVar("Member", bound=Enum)
Json = Mapping[str, JsonValue]


class PolicyReader:
    """Reads one policy and gathers all its faults."""

    def __init__(self, source: Json) -> None:
        self.source = source
        self.faults: list[str] = []

    def read(self) -> Policy:
        """Return the policy, or raise PolicyInvalidError with every fault."""
        source = self.source
        known = {"identifier_types", "default_type", "unlisted_types", "blocked", "merge", "isolation"}
        self._only(source, known, "policy")
        merge = self._merge(source["merge"]) if source.get("merge") is not None else None
        isolation = self._isolation(source["isolation"]) if source.get("isolation") is not None else None
        if ("merge" in source) == ("isolation" in source):
            self.faults.append("strategy: give exactly one of merge and isolation")
        types = [
            self._type(entry, f"identifier_types[{n}]")
            for n, entry in enumerate(self._list(source, "identifier_types"))
        ]
        default_source = source.get("default_type")
        default_type = TypeSettings() if default_source is None else self._type(default_source, "default_type", False)
        family_default = UnlistedTypes.IGNORE if isolation is not None else UnlistedTypes.ACCEPT
        policy = Policy(
            types=tuple(types),
            default_type=default_type,
            unlisted=self._enum(source, "unlisted_types", "UNLISTED_TYPES", UnlistedTypes, family_default),
            blocked=self._patterns(source, "blocked"),
            merge=merge,
            isolation=isolation,
        )
        self._contradictions(policy)
        if self.faults:
            raise PolicyInvalidError(self.faults)
        return policy

    def _contradictions(self, policy: Policy) -> None:
        seen: set[str] = set()
        for listed in policy.types:
            if listed.name in seen:
                self.faults.append(f"two types named {listed.name}")
            seen.add(listed.name)
        for settings in (*policy.types, policy.default_type):
            if policy.merge is not None and (settings.unique or settings.login or settings.immutable):
                self.faults.append("unique, login and immutable belong to the isolation family (M11)")
            if policy.isolation is not None and settings.limit != Limit():
                self.faults.append("limit belongs to the merge family")
            if settings.immutable and not (settings.unique and settings.login):
                self.faults.append("immutable needs unique and login")

    def _merge(self, source: JsonValue) -> MergeSettings:
        fields = self._dict(source)
        self._only(fields, {"max_merges", "max_identifiers"}, "merge")
        return MergeSettings(self._number(fields, "max_merges", 100), self._number(fields, "max_identifiers", 1000))

    def _isolation(self, source: JsonValue) -> IsolationSettings:
        fields = self._dict(source)
        self._only(fields, {"on_new_known_user", "on_logout"}, "isolation")
        for name in ("on_new_known_user", "on_logout"):
            if name not in fields:
                self.faults.append(f"isolation.{name} must be given")
        return IsolationSettings(
            self._enum(fields, "on_new_known_user", "ON_NEW_KNOWN_USER", OnNewKnownUser, OnNewKnownUser.CREATE_PROFILE),
            self._enum(fields, "on_logout", "ON_LOGOUT", OnLogout, OnLogout.IDENTIFY),
        )

    def _type(self, source: JsonValue, path: str, is_listed: bool = True) -> TypeSettings:
        fields = self._dict(source)
        known = {"name", "unique", "login", "immutable", "normalization", "region", "blocked", "limit"}
        self._only(fields, known, path)
        name = str(fields.get("name", ""))
        if is_listed and TYPE_NAME.fullmatch(name) is None:
            self.faults.append(f"{path}.name is malformed")
        if not is_listed and name:
            self.faults.append(f"{path}.name must be empty")
        limit = Limit()
        if fields.get("limit") is not None:
            given = self._dict(fields["limit"])
            self._only(given, {"max_values", "window", "scope", "on_exceeded"}, f"{path}.limit")
            if "isolation" in self.source:
                self.faults.append(f"{path}.limit belongs to the merge family")
            limit = Limit(
                self._number(given, "max_values", 0),
                self._window(given),
                self._enum(given, "scope", "LIMIT_SCOPE", LimitScope, LimitScope.ALWAYS),
                self._enum(given, "on_exceeded", "ON_EXCEEDED", OnExceeded, OnExceeded.DEMOTE_LOWEST),
            )
        return TypeSettings(
            name=name,
            unique=bool(fields.get("unique", False)),
            login=bool(fields.get("login", False)),
            immutable=bool(fields.get("immutable", False)),
            normalization=self._enum(fields, "normalization", "NORMALIZATION", Normalization, Normalization.NONE),
            region=str(fields.get("region", "")),
            blocked=self._patterns(fields, "blocked"),
            limit=limit,
        )

    def _patterns(self, fields: Json, name: str) -> tuple[Pattern, ...]:
        patterns = []
        for entry in self._list(fields, name):
            given = self._dict(entry)
            if len(given) != 1 or not set(given) <= {"exact", "regex"}:
                self.faults.append(f"{name}: give exactly one of exact and regex")
            elif "exact" in given:
                patterns.append(Pattern(exact=str(given["exact"])))
            else:
                compiled = compile_linear(str(given["regex"]))
                if compiled is None:
                    self.faults.append(f"{name}: the expression does not compile")
                else:
                    patterns.append(Pattern(regex=compiled))
        return tuple(patterns)

    def _window(self, fields: Json) -> Window:
        name = str(fields.get("window", "EVER")).removeprefix("WINDOW_").replace("UNSPECIFIED", "EVER")
        if name not in Window.__members__:
            self.faults.append("window: unknown name")
            return Window.EVER
        return Window[name]

    def _enum(self, fields: Json, name: str, prefix: str, members: type[Member], default: Member) -> Member:
        text = str(fields.get(name, default.name)).removeprefix(prefix + "_")
        if text == "UNSPECIFIED":
            if members in (OnNewKnownUser, OnLogout):
                self.faults.append(f"{name} must be given")
            return default
        if text not in members.__members__:
            self.faults.append(f"{name}: unknown name")
            return default
        return members[text]

    def _only(self, fields: Json, known: set[str], path: str) -> None:
        self.faults.extend(f"{path}.{name}: no such field" for name in fields if name not in known)

    def _number(self, fields: Json, name: str, default: int) -> int:
        value = fields.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**32:
            self.faults.append(f"{name} must be a number from 0 on")
            return default
        return value

    def _dict(self, source: JsonValue) -> dict[str, JsonValue]:
        if isinstance(source, dict):
            return source
        self.faults.append("an object is expected")
        return {}

    def _list(self, fields: Json, name: str) -> list[JsonValue]:
        value = fields.get(name) or []
        if isinstance(value, list):
            return value
        self.faults.append(f"{name}: a list is expected")
        return []


def compile_linear(expression: str) -> re.Pattern[str] | None:
    """Compile an RE2-like expression; None where it does not compile, or needs more than linear time (C3)."""
    if re.search(r"\(\?(=|!|<=|<!|>|\(|P=)|\\[1-9]|[*+?}]\+", expression):
        return None
    try:
        return re.compile(expression)
    except re.error:
        return None


def read_policy(source: Json) -> Policy:
    """Read a policy in protobuf JSON form, short or full enum names; raise PolicyInvalidError with every fault."""
    return PolicyReader(source).read()


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
