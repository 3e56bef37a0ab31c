"""Policies: presets, contradictions, warnings, changes that stored data forbids."""

from typing import Any

import pytest

from tests.model.model import Model
from tests.model.policy_change import count_warnings
from tests.model.policy_reader import PolicyInvalidError, read_policy
from tests.model.presets import preset, preset_names
from tests.model.records import Call, JsonValue, Kind, PolicyAnswer, Refusal

ISOLATION: JsonValue = {"on_new_known_user": "CREATE_PROFILE", "on_logout": "IDENTIFY"}


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_valid(name: str) -> None:
    """Every preset reads, without a warning."""
    assert count_warnings(read_policy(preset(name))) == 0


CONTRADICTIONS: list[dict[str, Any]] = [
    {},
    {"merge": {}, "isolation": ISOLATION},
    {"merge": {}, "identifier_types": [{"name": "a"}, {"name": "a"}]},
    {"merge": {}, "identifier_types": [{"name": "A"}]},
    {"merge": {}, "identifier_types": [{"name": ""}]},
    {"merge": {}, "blocked": [{"regex": "("}]},
    {"merge": {}, "blocked": [{"regex": "(?=a)"}]},
    {"merge": {}, "blocked": [{"regex": r"(a)\1"}]},
    {"merge": {}, "identifier_types": [{"name": "a", "login": True}]},
    {"merge": {}, "default_type": {"unique": True}},
    {"isolation": ISOLATION, "identifier_types": [{"name": "a", "limit": {"max_values": 1}}]},
    {"isolation": ISOLATION, "identifier_types": [{"name": "a", "unique": True, "immutable": True}]},
    {"isolation": ISOLATION, "identifier_types": [{"name": "a", "login": True, "immutable": True}]},
    {"isolation": {"on_logout": "IDENTIFY"}},
    {"merge": {}, "unlisted_types": "MAYBE"},
    {"merge": {}, "surprise": 1},
]


@pytest.mark.parametrize("policy", CONTRADICTIONS)
def test_contradictions(policy: dict[str, JsonValue]) -> None:
    """Each is refused."""
    with pytest.raises(PolicyInvalidError):
        read_policy(policy)


def test_every_fault_is_named() -> None:
    """Not only the first."""
    with pytest.raises(PolicyInvalidError) as caught:
        read_policy({"identifier_types": [{"name": "A"}, {"name": "b", "immutable": True}]})
    assert len(caught.value.faults) == 3


def test_full_enum_names() -> None:
    """Protobuf JSON has full names, files the short ones."""
    short = read_policy({"merge": {}, "default_type": {"normalization": "EMAIL", "limit": {"window": "DAY"}}})
    full: dict[str, JsonValue] = {"normalization": "NORMALIZATION_EMAIL", "limit": {"window": "WINDOW_DAY"}}
    assert read_policy({"merge": {}, "default_type": full}) == short


@pytest.mark.parametrize(
    ("known_user", "types", "warnings"),
    [
        ("CREATE_PROFILE", [{"name": "a"}], 1),
        ("CREATE_LINKED_PROFILE", [], 1),
        ("CONVERT_ANONYMOUS", [], 0),
        ("CREATE_PROFILE", [{"name": "a", "login": True}], 0),
    ],
)
def test_warnings(known_user: str, types: list[JsonValue], warnings: int) -> None:
    """A new profile for known users without a login type."""
    isolation: JsonValue = {"on_new_known_user": known_user, "on_logout": "IDENTIFY"}
    assert count_warnings(read_policy({"identifier_types": types, "isolation": isolation})) == warnings


@pytest.mark.parametrize(
    ("policy", "is_forbidden"),
    [
        ({"merge": {}, "identifier_types": [{"name": "a"}]}, False),
        ({"merge": {"max_merges": 1}, "identifier_types": [{"name": "a"}, {"name": "b"}]}, False),
        ({"merge": {}, "identifier_types": [{"name": "a", "normalization": "LOWER"}]}, True),
        ({"merge": {}, "identifier_types": [{"name": "a"}, {"name": "b", "normalization": "TRIM"}]}, True),
        ({"merge": {}, "identifier_types": [{"name": "a"}], "default_type": {"normalization": "TRIM"}}, True),
        ({"isolation": ISOLATION, "identifier_types": [{"name": "a"}]}, True),
    ],
)
def test_forbidden_changes(policy: dict[str, JsonValue], *, is_forbidden: bool) -> None:
    """Strategy and normalization stay while profiles exist; without profiles everything may change."""
    model = Model({"merge": {}, "identifier_types": [{"name": "a"}]})
    assert model.update_policy(policy) == PolicyAnswer(2, 0 if "isolation" not in policy else 1)
    model = Model({"merge": {}, "identifier_types": [{"name": "a"}]})
    model.call(Call(Kind.IDENTIFY, (("a", "1"),)))
    answer = model.update_policy(policy)
    assert isinstance(answer, Refusal) == is_forbidden
    assert model.policy_revision == (1 if is_forbidden else 2)
