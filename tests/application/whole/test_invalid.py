"""What cannot be an identifier's value is set aside or refused, and told (docs/rules.md, rules C3 and C12)."""

import pytest

from tests.application.conftest import refusal_of
from tests.application.whole.core import WORKSPACE, Core, core_on
from utterson.domain.errors import Reason
from utterson.v1.identifier_pb2 import Disposition, InvalidReason
from utterson.v1.profile_service_pb2 import StoredEvent
from utterson.v1.resolution_pb2 import Outcome

ZEROS = "00000000-0000-0000-0000-000000000000"
DIRTY = [
    ("", InvalidReason.INVALID_REASON_EMPTY),
    (" \u3000", InvalidReason.INVALID_REASON_EMPTY),
    ("a\u200bb", InvalidReason.INVALID_REASON_FORMAT_CHARACTER),
    ("a\nb", InvalidReason.INVALID_REASON_CONTROL_CHARACTER),
    ("\u0378", InvalidReason.INVALID_REASON_UNASSIGNED_CHARACTER),
    ("ab" * 257, InvalidReason.INVALID_REASON_TOO_LONG),
]


@pytest.mark.parametrize(("value", "reason"), DIRTY, ids=[InvalidReason.Name(reason) for _, reason in DIRTY])
async def test_a_dirty_side_field_does_not_cost_the_event(
    core: Core, value: str, reason: InvalidReason.ValueType
) -> None:
    told = await core.track("bought", ("user_id", "u1"), ("email", value))
    assert told.outcome == Outcome.OUTCOME_CREATED
    assert told.identifiers[1].disposition == Disposition.DISPOSITION_INVALID
    assert told.identifiers[1].invalid_reason == reason
    events = await core.profiles.list_events(WORKSPACE, told.profile_id, 0, "")
    stored = StoredEvent.FromString(events.items[0])
    assert [one.value for one in stored.identifiers] == ["u1", value], "an event tells what was sent"


async def test_placeholders_and_zeros_join_nobody(core: Core) -> None:
    first = await core.identify(("user_id", "u1"), ("idfa", ZEROS), ("email", "NULL"))
    second = await core.identify(("user_id", "u2"), ("idfa", ZEROS), ("email", "null"))
    assert first.profile_id != second.profile_id
    blocked = Disposition.DISPOSITION_BLOCKED
    assert [one.disposition for one in second.identifiers[1:]] == [blocked, blocked]


@pytest.mark.parametrize("value", ["null", ZEROS, ""])
@pytest.mark.parametrize("preset", ["unify", "profile_isolation"])
async def test_a_search_promises_nothing_that_an_identify_does_not_do(url: str, preset: str, value: str) -> None:
    async with core_on(url) as core:
        await core.workspaces.create_workspace(WORKSPACE, None, preset)
        searched = await refusal_of(core.search(("email", value)))
        if preset == "unify":
            assert (await core.identify(("email", value))).outcome == Outcome.OUTCOME_UNRESOLVED
            assert searched.reason is Reason.NO_MATCH
            assert "UNRESOLVED" in searched.message
        else:
            identified = await refusal_of(core.identify(("email", value)))
            assert (searched.reason, searched.message) == (identified.reason, identified.message)
