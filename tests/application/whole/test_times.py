"""Event times ahead of the server's clock (rule C11): what is taken, what is told, what is stored."""

import time
from collections.abc import AsyncIterator

from google.protobuf.timestamp_pb2 import Timestamp

from tests.application.conftest import refusal_of
from tests.application.whole.core import WORKSPACE, Core, held
from utterson.domain.calls import CallKind
from utterson.domain.errors import Reason
from utterson.v1 import identity_service_pb2 as messages
from utterson.v1.profile_service_pb2 import StoredEvent
from utterson.v1.workspace_service_pb2 import ImportProfilesRequest

IN_2568 = Timestamp(seconds=18_900_000_000)


async def test_a_consent_of_the_year_2568_can_be_withdrawn(core: Core) -> None:
    email = ("email", "a@example.com")
    answer = await core.identify(email, traits={"consent": "given"}, event_time=IN_2568)
    assert abs(answer.event_time_adjusted.seconds - time.time()) < 60
    withdrawn = await core.identify(email, traits={"consent": "withdrawn"})
    assert not withdrawn.HasField("event_time_adjusted")
    (record,) = await core.profiles.get_profiles(WORKSPACE, [answer.profile_id], "", None)
    assert b"withdrawn" in record.traits[0].value
    assert record.create_time_us == answer.event_time_adjusted.ToMicroseconds()


async def test_a_stored_event_tells_the_time_that_was_sent(core: Core) -> None:
    request = messages.TrackRequest(
        workspace=WORKSPACE,
        identifiers=held((("email", "a@example.com"),)),
        event=messages.Event(name="walk", message_id="m"),
        event_time=IN_2568,
    )
    told = [await core.identity.resolve(CallKind.TRACK, request.SerializeToString()) for _ in range(2)]
    assert told[0] == told[1], "a repeat is known by the time as it was sent"
    resolution = messages.TrackResponse.FromString(told[0]).resolution
    page = await core.profiles.list_events(WORKSPACE, resolution.profile_id, 0, "")
    (event,) = map(StoredEvent.FromString, page.items)
    assert (event.event_time_sent, event.event_time) == (IN_2568, resolution.event_time_adjusted)


async def test_an_import_of_the_future_is_a_fault_of_its_line(core: Core) -> None:
    lines = [
        ImportProfilesRequest(workspace=WORKSPACE, identifiers=held((("email", f"{number}@example.com"),)))
        for number in range(3)
    ]
    lines[1].create_time.CopyFrom(IN_2568)

    async def sent() -> AsyncIterator[bytes]:
        for line in lines:
            yield line.SerializeToString()

    error = await refusal_of(core.imports.import_profiles(WORKSPACE, sent()))
    assert error.reason is Reason.FIELD_INVALID
    assert [violation.field for violation in error.violations] == ["messages[1].create_time"]
