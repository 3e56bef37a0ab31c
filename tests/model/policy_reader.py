"""Policies: from the protobuf JSON form to plain settings, with every contradiction named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from tests.model.lists import BlockedList
from tests.model.policy import (
    FUTURE_TOLERANCE_US,
    FUTURE_TOLERANCE_US_MAX,
    RULES_NOW,
    TYPE_NAME,
    InvalidIdentifiers,
    IsolationSettings,
    Limit,
    LimitScope,
    LoginMatch,
    MergeSettings,
    Normalization,
    OnExceeded,
    OnLogout,
    OnNewKnownUser,
    Pattern,
    Policy,
    TypeSettings,
    UnlistedTypes,
    Window,
)
from tests.model.records import JsonValue

DURATION = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,9}))?s")
POLICY_FIELDS = {
    "identifier_types",
    "default_type",
    "unlisted_types",
    "blocked",
    "blocked_lists",
    "invalid_identifiers",
    "future_tolerance",
    "merge",
    "isolation",
}


class PolicyInvalidError(Exception):
    """The policy contradicts itself; every fault is named."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


Member = TypeVar("Member", bound=Enum)
Json = Mapping[str, JsonValue]


class PolicyReader:
    """Reads one policy and gathers all its faults."""

    def __init__(self, source: Json, rules_version: int) -> None:
        self.source = source
        self.rules_version = rules_version
        self.faults: list[str] = []

    def read(self) -> Policy:
        """Return the policy, or raise PolicyInvalidError with every fault."""
        source = self.source
        self._only(source, POLICY_FIELDS, "policy")
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
        unlisted = UnlistedTypes.IGNORE if isolation is not None else UnlistedTypes.ACCEPT
        invalid = InvalidIdentifiers.REFUSE if isolation is not None else InvalidIdentifiers.SET_ASIDE
        policy = Policy(
            types=tuple(types),
            default_type=default_type,
            unlisted=self._enum(source, "unlisted_types", "UNLISTED_TYPES", UnlistedTypes, unlisted),
            blocked=(*self._patterns(source, "blocked"), *self._lists()),
            merge=merge,
            isolation=isolation,
            invalid_identifiers=self._enum(
                source, "invalid_identifiers", "INVALID_IDENTIFIERS", InvalidIdentifiers, invalid
            ),
            future_tolerance_us=self._future_tolerance_us(),
            rules_version=self.rules_version,
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
        self._only(fields, {"on_new_known_user", "on_logout", "login_match"}, "isolation")
        for name in ("on_new_known_user", "on_logout"):
            if name not in fields:
                self.faults.append(f"isolation.{name} must be given")
        return IsolationSettings(
            self._enum(fields, "on_new_known_user", "ON_NEW_KNOWN_USER", OnNewKnownUser, OnNewKnownUser.CREATE_PROFILE),
            self._enum(fields, "on_logout", "ON_LOGOUT", OnLogout, OnLogout.IDENTIFY),
            self._enum(fields, "login_match", "LOGIN_MATCH", LoginMatch, LoginMatch.ANY),
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

    def _lists(self) -> tuple[Pattern, ...]:
        """C3: the patterns of the named lists, as they are now."""
        patterns: list[Pattern] = []
        for entry in self._list(self.source, "blocked_lists"):
            name = str(entry).removeprefix("BLOCKED_LIST_")
            if name in BlockedList.__members__:
                patterns.extend(Pattern(regex=expression) for expression in BlockedList[name].patterns)
            else:
                self.faults.append(f"blocked_lists: there is no list {name}")
        return tuple(patterns)

    def _future_tolerance_us(self) -> int:
        """C11: a duration in protobuf JSON form, at most 7 days."""
        text = self.source.get("future_tolerance")
        if text is None:
            return FUTURE_TOLERANCE_US
        found = DURATION.fullmatch(str(text))
        if found is None:
            self.faults.append("future_tolerance: a duration such as 3600s is expected")
            return FUTURE_TOLERANCE_US
        tolerance_us = int(found[1]) * 1_000_000 + int((found[2] or "").ljust(9, "0")[:6])
        if tolerance_us > FUTURE_TOLERANCE_US_MAX:
            self.faults.append("future_tolerance: at most 7 days")
        return tolerance_us

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


def read_policy(source: Json, rules_version: int = RULES_NOW) -> Policy:
    """Read a policy in protobuf JSON form, short or full enum names; raise PolicyInvalidError with every fault."""
    return PolicyReader(source, rules_version).read()
