"""Random policies of both families, with small limits, over a small universe of types."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.model.records import JsonValue

PolicyJson = dict[str, JsonValue]
WINDOWS = ("EVER", "DAY", "WEEK", "MONTH", "YEAR")
EXCLUSIVE: PolicyJson = {"max_values": 1, "window": "EVER", "scope": "ALWAYS", "on_exceeded": "DEMOTE_LOWEST"}
# Type names, and the normalizations that suit the values that the generator has for them.
UNIVERSE = {
    "user_id": ("NONE", "TRIM", "LOWER"),
    "email": ("EMAIL", "LOWER", "NONE"),
    "phone": ("PHONE",),
    "device": ("NONE", "LOWER"),
    "cookie": ("NONE", "TRIM"),
    "ios.id": ("NONE",),
}
FORMS = ("NONE", "TRIM", "LOWER")
UNLISTED = ("aa_extra", "zz_extra")
BLOCKED: Sequence[JsonValue] = (
    {"exact": "bad"},
    {"regex": "^[0-]*$"},
    {"exact": "-1"},
    {"regex": "ymous$"},
    {"regex": "(?i)^null"},
    {"exact": "NULL"},
    {"regex": "^[A-Z]{4}"},
    {"regex": "^\\+44"},
    {"regex": "xn--"},
)
LISTS = ("PLACEHOLDERS", "ZEROS", "REPEATED")
TOLERANCES = ("0s", "1s", "0.000001s", "3600s", "86400s", "604800s")
REGIONS = ("GB", "GB", "DE", "US", "MX", "AR", "BR", "")


class PolicyGenerator:
    """Makes policies of one family; a type keeps its normalization, so that most may follow each other."""

    def __init__(self, source: random.Random, *, is_of_0_1: bool = False) -> None:
        self.random = source
        self.is_of_0_1 = is_of_0_1
        self.gone = ""
        self.region = source.choice(REGIONS)
        self.is_merge = source.random() < 0.5
        self.names = list(UNIVERSE)
        source.shuffle(self.names)
        self.names = self.names[: source.randint(2, len(UNIVERSE))]
        self.normalizations = {name: source.choice(choices) for name, choices in UNIVERSE.items()}
        self.default_normalization = source.choice(("NONE", "NONE", "LOWER", "TRIM"))
        self.has_default = source.random() < 0.7

    def policy(self) -> PolicyJson:
        """Return a valid policy."""
        types: list[JsonValue] = [self._type(name) for name in self.names]
        policy: PolicyJson = {"identifier_types": types}
        if self.has_default:
            policy["default_type"] = self._settings(self.default_normalization)
        if self._chance(0.7):
            policy["unlisted_types"] = self.random.choice(("ACCEPT", "ACCEPT", "IGNORE", "IGNORE", "REJECT"))
        if self._chance(0.5):
            policy["blocked"] = [self.random.choice(BLOCKED)]
        if self.is_merge:
            policy["merge"] = self._merge()
        else:
            known_user = ("CREATE_PROFILE", "CREATE_LINKED_PROFILE", "CREATE_LINKED_PROFILE", "CONVERT_ANONYMOUS")
            logout = ("RETURN_TO_ANONYMOUS", "CREATE_ANONYMOUS", "IDENTIFY")
            policy["isolation"] = {
                "on_new_known_user": self.random.choice(known_user),
                "on_logout": self.random.choice(logout),
            }
        if not self.is_of_0_1:
            self._add_new_settings(policy)
        return policy

    def update(self) -> PolicyJson:
        """Return a policy to follow: mostly one that may, at times one that is forbidden or invalid."""
        policy = self.policy()
        if self.gone and self._chance(0.5):
            return self._in_another_form(policy, self.gone)
        if self.is_of_0_1 and self._chance(0.5):
            self._add_new_settings(policy)
        draw = self.random.random()
        if draw < 0.1:
            policy["identifier_types"] = [{"name": "user_id"}, {"name": "user_id"}]
        elif draw < 0.15:
            policy["default_type"] = {"immutable": True}
        elif draw < 0.2:
            policy["blocked"] = [{"regex": "(unclosed"}]
        elif draw < 0.22:
            policy["future_tolerance"] = "604801s"
        elif draw < 0.3:
            for name in ("merge", "isolation"):
                policy.pop(name, None)
            policy["identifier_types"] = [{"name": name} for name in self.names]
            policy["default_type"] = {}
            policy["merge" if not self.is_merge else "isolation"] = (
                {} if not self.is_merge else {"on_new_known_user": "CONVERT_ANONYMOUS", "on_logout": "IDENTIFY"}
            )
        elif draw < 0.4:
            # A type goes for a while, and may return as it was.
            self.gone = self.names[0]
            policy["identifier_types"] = [self._type(name) for name in self.names[1:]]
            policy["unlisted_types"] = "IGNORE"
        elif draw < 0.5:
            # A type changes its form: lawful while nobody holds one, also where the policy does not take it now.
            return self._in_another_form(policy, self.random.choice(self.names))
        elif draw < 0.7:
            self.random.shuffle(self.names)
        return policy

    def _in_another_form(self, policy: PolicyJson, name: str) -> PolicyJson:
        """Let a type return, or stand, in another form."""
        self.gone = ""
        policy["identifier_types"] = [
            self._type(other) if other != name else {"name": name, "normalization": self.random.choice(FORMS)}
            for other in self.names
        ]
        return policy

    def _add_new_settings(self, policy: PolicyJson) -> None:
        """Add what a policy of 0.1 has not."""
        if self._chance(0.4):
            policy["blocked_lists"] = list(self.random.sample(LISTS, self.random.randint(1, 3)))
        if self._chance(0.5):
            policy["invalid_identifiers"] = self.random.choice(("REFUSE", "SET_ASIDE", "SET_ASIDE"))
        if self._chance(0.3):
            policy["future_tolerance"] = self.random.choice(TOLERANCES)
        isolation = policy.get("isolation")
        if isinstance(isolation, dict) and self._chance(0.5):
            isolation["login_match"] = self.random.choice(("ANY", "HIGHEST", "HIGHEST"))

    def _type(self, name: str) -> PolicyJson:
        settings = self._settings(self.normalizations[name])
        settings["name"] = name
        if self.normalizations[name] == "PHONE":
            settings["region"] = self.region
        return settings

    def _settings(self, normalization: str) -> PolicyJson:
        settings: PolicyJson = {"normalization": normalization}
        if self._chance(0.3):
            settings["blocked"] = [self.random.choice(BLOCKED)]
        if self.is_merge:
            if self._chance(0.85):
                settings["limit"] = self._limit()
        elif self._chance(0.45):
            settings["unique"] = True
            settings["login"] = self._chance(0.8)
            settings["immutable"] = settings["login"] is True and self._chance(0.5)
        elif self._chance(0.15):
            settings["login"] = True
        return settings

    def _limit(self) -> PolicyJson:
        if self._chance(0.25):
            return dict(EXCLUSIVE)
        limit: PolicyJson = {"max_values": self.random.choice((0, 1, 1, 2, 2, 3))}
        if self._chance(0.8):
            limit["window"] = self.random.choice(WINDOWS)
        if self._chance(0.8):
            limit["scope"] = self.random.choice(("ALWAYS", "WHEN_PRESENT"))
        if self._chance(0.8):
            limit["on_exceeded"] = self.random.choice(("DEMOTE_LOWEST", "DEMOTE_OFFENDING"))
        return limit

    def _merge(self) -> PolicyJson:
        settings: PolicyJson = {}
        if self._chance(0.8):
            settings["max_merges"] = self.random.choice((0, 1, 2, 3, 20, 20, 2**32 - 1))
        if self._chance(0.7):
            settings["max_identifiers"] = self.random.choice((0, 0, 1, 2, 3, 4, 5, 6, 12))
        return settings

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability
