"""Every profile id that was ever answered resolves, after restarts too; ids are never reused (M9)."""

from __future__ import annotations

import pytest

from tests.properties.ledger import UNKNOWN_ID, Ledger, generated_calls
from utterson.v1.resolution_pb2 import OUTCOME_CREATED, Resolution

SEEDS = range(30)
CALLS = 120


@pytest.mark.parametrize("seed", SEEDS)
def test_every_answered_id_resolves(seed: int) -> None:
    policy, calls = generated_calls(seed, CALLS)
    ledger = Ledger(policy, seed)
    created: set[int] = set()
    told: set[int] = set()
    for position, call in enumerate(calls):
        answer = ledger.call([call])[0]
        if not isinstance(answer, Resolution):
            continue
        told |= {answer.profile_id, answer.source_profile_id, *answer.merged_profile_ids} - {0}
        told |= {change.profile_id for change in answer.changes}
        if answer.outcome == OUTCOME_CREATED and not call.validate_only and not call.request_id and not call.event:
            assert answer.profile_id not in created
            created.add(answer.profile_id)
        if position % 40 == 0:
            ledger.restart()
    for profile_id in told:
        assert 0 < profile_id < 2**53
        view = ledger.workspace.profile(profile_id)
        assert view is not None
        is_merged = view.profile_id != profile_id
        assert view.merged_into == (view.profile_id if is_merged else 0)
        assert ledger.tables.profiles[view.serial].merged_into == 0
    assert ledger.workspace.profile(UNKNOWN_ID) is None
    assert ledger.workspace.check_invariants() == []
