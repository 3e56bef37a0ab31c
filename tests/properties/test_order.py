"""Calls of a batch take effect as if they came one by one, and bad ones touch nothing (C2, C8)."""

from __future__ import annotations

from random import Random

import pytest

from tests.model.records import Call
from tests.properties.ledger import Ledger, generated_calls, plain

SEEDS = range(40)
CALLS = 60


def parts(calls: list[Call], source: Random) -> list[list[Call]]:
    """Cut calls into batches; one that names a profile begins a new one, since its id must be known."""
    batches: list[list[Call]] = [[]]
    size = source.randint(1, 25)
    for call in calls:
        if batches[-1] and (len(batches[-1]) >= size or call.profile or call.previous_profile):
            batches.append([])
            size = source.randint(1, 25)
        batches[-1].append(call)
    return batches


@pytest.mark.parametrize("seed", SEEDS)
def test_a_batch_is_its_calls_one_by_one(seed: int) -> None:
    policy, calls = generated_calls(seed, CALLS)
    together, alone = Ledger(policy, seed), Ledger(policy, seed)
    for batch in parts(calls, Random(seed)):
        answers = together.call(batch)
        expected = [alone.call([call])[0] for call in batch]
        assert [plain(answer) for answer in answers] == [plain(answer) for answer in expected]
        together.ids = dict(alone.ids)  # the id of a profile that the same batch merged away is told to neither caller
    assert together.dump() == alone.dump()
    assert together.workspace.profile_count == alone.workspace.profile_count


@pytest.mark.parametrize("seed", SEEDS)
def test_refused_calls_leave_no_trace(seed: int) -> None:
    policy, calls = generated_calls(seed, CALLS)
    whole, without = Ledger(policy, seed), Ledger(policy, seed)
    refused = 0
    for batch in parts(calls, Random(seed)):
        answers = whole.call(batch)
        good = [call for call, answer in zip(batch, answers, strict=True) if not isinstance(answer, str)]
        refused += len(batch) - len(good)
        if good:
            expected = [plain(answer) for answer in answers if not isinstance(answer, str)]
            assert [plain(answer) for answer in without.call(good)] == expected
            without.ids = dict(whole.ids)
    assert refused > 0
    assert whole.dump() == without.dump()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_refused_call_writes_nothing(seed: int) -> None:
    policy, calls = generated_calls(seed, CALLS)
    ledger = Ledger(policy, seed)
    for call in calls:
        head, state_hash = ledger.workspace.head, ledger.workspace.state_hash
        if isinstance(ledger.call([call])[0], str):
            assert (ledger.workspace.head, ledger.workspace.state_hash) == (head, state_hash)
