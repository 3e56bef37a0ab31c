"""The merge family with all limits off: profiles are the connected components of the identifiers seen together."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.generate import START_US
from tests.model.records import Call, Identifier, Kind
from tests.properties.ledger import Ledger
from utterson.v1.resolution_pb2 import Resolution

POLICY: dict[str, Any] = {"merge": {"max_merges": 2**32 - 1, "max_identifiers": 0}}
IDENTIFIERS = st.tuples(st.sampled_from(["user_id", "email", "device"]), st.integers(1, 12).map(str))
EVENTS = st.lists(st.lists(IDENTIFIERS, min_size=1, max_size=4), min_size=1, max_size=40)


def components(events: list[list[Identifier]]) -> set[frozenset[Identifier]]:
    """Join what was seen together."""
    parts: list[set[Identifier]] = []
    for event in events:
        joined = set(event)
        apart = []
        for part in parts:
            if part & joined:
                joined |= part
            else:
                apart.append(part)
        parts = [*apart, joined]
    return {frozenset(part) for part in parts}


@settings(max_examples=200, deadline=None)
@given(events=EVENTS, batch=st.integers(1, 10), restarts=st.booleans())
def test_profiles_are_connected_components(events: list[list[Identifier]], batch: int, restarts: bool) -> None:
    ledger = Ledger(POLICY)
    answered: list[tuple[list[Identifier], int]] = []
    for start in range(0, len(events), batch):
        some = events[start : start + batch]
        calls = [Call(Kind.IDENTIFY, tuple(event), now_us=START_US + 1 + start) for event in some]
        for event, answer in zip(some, ledger.call(calls), strict=True):
            assert isinstance(answer, Resolution)
            answered.append((event, answer.profile_id))
        if restarts:
            ledger.restart()
    profiles = ledger.dump()["profiles"].values()
    held = [frozenset((kind, value) for kind, value, *_ in profile["identifiers"]) for profile in profiles]
    assert set(held) == components(events)
    assert len(held) == len(set(held))
    for event, profile_id in answered:
        view = ledger.workspace.profile(profile_id)
        assert view is not None
        # Every id ever answered reads as the profile that holds what it was answered for (M9).
        holder = ledger.dump()["profiles"][view.serial]["identifiers"]
        assert set(event) <= {(kind, value) for kind, value, *_ in holder}
