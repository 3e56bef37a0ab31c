"""C7: a repeated call answers what was recorded, and changes nothing: in one batch, later, and after a restart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.model.records import Call, Event, Kind
from tests.properties.ledger import Ledger, generated_calls, plain

SEEDS = range(25)
CALLS = 40


def with_ids(calls: list[Call], *, by_message: bool) -> list[Call]:
    """Give every call that writes an id of its own: a request id, or a Track a message id."""
    made = []
    for position, call in enumerate(calls):
        if call.kind is Kind.SEARCH or call.validate_only:
            continue
        if not by_message:
            made.append(replace(call, request_id=f"id-{position}"))
        elif call.kind is Kind.TRACK:
            event = replace(call.event or Event(), message_id=f"id-{position}")
            made.append(replace(call, request_id="", event=event))
    return made


def settled(call: Call, ids: dict[int, int]) -> Call:
    """Name profiles that do not exist yet by numbers that never will: a repeated call must send the same ids."""
    names = {name: getattr(call, name) for name in ("profile", "previous_profile")}
    unknown = {name: serial + 1_000_000 for name, serial in names.items() if serial and serial not in ids}
    return replace(call, **unknown)


@pytest.mark.parametrize("by_message", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_repeated_call_changes_nothing(seed: int, by_message: bool) -> None:
    policy, calls = generated_calls(seed, CALLS)
    calls = with_ids(calls, by_message=by_message)
    once, often = Ledger(policy, seed), Ledger(policy, seed)
    first: list[object] = []
    for position, unsettled in enumerate(calls):
        calls[position] = call = settled(unsettled, once.ids)
        expected = once.call([call])[0]
        first.append(plain(expected))
        # Twice in one batch, then once more by itself, at times after a restart.
        twice = often.call([call, call])
        if position % 5 == 0:
            often.restart()
        again = often.call([replace(call, now_us=call.now_us + 1)])
        for answer in (*twice, *again):
            assert plain(answer) == plain(expected)
            if not isinstance(answer, str):
                assert answer.revision == twice[0].revision  # type: ignore[union-attr]
    assert once.dump() == often.dump()
    often.restart()
    before = often.workspace.head
    # All of them once more, in one batch: those that were refused are judged again, so they are left out.
    accepted = [(call, told) for call, told in zip(calls, first, strict=True) if not isinstance(told, str)]
    later = [replace(call, now_us=calls[-1].now_us + 5) for call, _ in accepted]
    assert [plain(answer) for answer in often.call(later)] == [told for _, told in accepted]
    assert often.workspace.head == before
    assert once.dump() == often.dump()
