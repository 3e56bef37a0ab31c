"""Deadlines, retries, request ids and refusals."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest

from tests.client.failing_server import refusal, serving
from utterson.client import (
    SERVICE_CONFIG_OPTION,
    CallRefused,
    ImportedProfile,
    RetryLimits,
    UttersonClient,
    Violation,
    service_config,
)
from utterson.client.imports import PROFILES_A_MESSAGE, place_of_profile
from utterson.v1 import error_reason_pb2, identity_service_pb2_grpc
from utterson.v1 import identity_service_pb2 as pb

ATTEMPTS_MAX = 4
FAST = RetryLimits(attempts_max=ATTEMPTS_MAX, backoff_s=0.001, backoff_s_max=0.002)
AWAY = refusal(grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE")
UNKNOWN = refusal(grpc.StatusCode.UNAVAILABLE, "OUTCOME_UNKNOWN")
LOADING = refusal(grpc.StatusCode.UNAVAILABLE, "INDEX_LOADING")
WRONG = refusal(grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", fields=["identifiers[0].value", "traits"])
PAIRS = [("email", "ed.hyde@example.com")]


async def test_unavailable_is_tried_again_with_the_same_request_id() -> None:
    async with serving(AWAY, UNKNOWN) as server, UttersonClient(server.address, retries=FAST) as client:
        assert (await client.identify("w", PAIRS)).profile_id == 7
        ids = {request.request_id for request in server.asked}
        assert len(server.asked) == 3
        assert len(ids) == 1
        assert ids != {""}


async def test_calls_have_request_ids_of_their_own_and_keep_the_caller_s() -> None:
    async with serving() as server, UttersonClient(server.address) as client:
        await client.identify("w", PAIRS)
        await client.identify("w", PAIRS)
        await client.identify("w", PAIRS, request_id="mine")
        first, second, third = (request.request_id for request in server.asked)
        assert first != second
        assert third == "mine"


async def test_a_refusal_for_good_is_told_at_once() -> None:
    async with serving(WRONG) as server, UttersonClient(server.address, retries=FAST) as client:
        with pytest.raises(CallRefused) as refused:
            await client.identify("w", PAIRS)
        assert len(server.asked) == 1
    assert refused.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.reason == error_reason_pb2.ERROR_REASON_FIELD_INVALID
    assert refused.value.message == "a sentence"
    assert refused.value.violations == (
        Violation("identifiers[0].value", "say it better"),
        Violation("traits", "say it better"),
    )
    assert str(refused.value) == (
        "INVALID_ARGUMENT (FIELD_INVALID): a sentence; identifiers[0].value: say it better; traits: say it better"
    )


@pytest.mark.parametrize(
    ("message", "violations", "told"),
    [
        ("traits: too deep", [("traits", "too deep")], "traits: too deep"),
        ("the stream is empty", [("", "the stream is empty")], "the stream is empty"),
        ("create_time: is ahead", [("profiles[7].create_time", "is ahead")], "profiles[7].create_time: is ahead"),
        (
            "a: bad; the details name all 2 faults",
            [("a", "bad"), ("b", "bad")],
            "a: bad; the details name all 2 faults; b: bad",
        ),
        ("it grew too large", [("profile/7", "it grew too large")], "profile/7: it grew too large"),
        ("no: it is bad, so there", [("x", "it is bad")], "no: it is bad, so there; x: it is bad"),
        ("no", [("", "left out")], "no; request: left out"),
    ],
)
def test_a_refusal_tells_no_sentence_twice(message: str, violations: list[tuple[str, str]], told: str) -> None:
    faults = tuple(Violation(*fault) for fault in violations)
    reason = error_reason_pb2.ERROR_REASON_FIELD_INVALID
    refused = CallRefused(grpc.StatusCode.INVALID_ARGUMENT, reason, message, violations=faults)
    assert str(refused) == f"INVALID_ARGUMENT (FIELD_INVALID): {told}"


def test_a_fault_with_another_name_has_it_in_the_message_too() -> None:
    faults = (Violation("messages[0].profiles[1].merges", "too many"),)
    reason = error_reason_pb2.ERROR_REASON_FIELD_INVALID
    refused = CallRefused(
        grpc.StatusCode.INVALID_ARGUMENT, reason, "messages[0].profiles[1].merges: too many", violations=faults
    ).naming(place_of_profile)
    assert str(refused) == "INVALID_ARGUMENT (FIELD_INVALID): profiles[1].merges: too many"


async def test_attempts_are_bounded() -> None:
    async with serving(*[AWAY] * 9) as server, UttersonClient(server.address, retries=FAST) as client:
        with pytest.raises(CallRefused) as refused:
            await client.identify("w", PAIRS)
        assert len(server.asked) == ATTEMPTS_MAX
    assert refused.value.reason == error_reason_pb2.ERROR_REASON_STORE_UNAVAILABLE


async def test_without_a_bound_attempts_go_on_until_the_deadline() -> None:
    many = RetryLimits(backoff_s=0.001, backoff_s_max=0.002)
    async with serving(*[AWAY] * 50) as server, UttersonClient(server.address, retries=many) as client:
        assert (await client.identify("w", PAIRS)).profile_id == 7
        assert len(server.asked) == 51


async def test_a_call_that_the_server_cancelled_is_tried_again_where_that_is_safe() -> None:
    cancelled = refusal(grpc.StatusCode.CANCELLED, "")
    async with serving(cancelled, cancelled) as server, UttersonClient(server.address, retries=FAST) as client:
        assert (await client.identify("w", PAIRS)).profile_id == 7
        assert len(server.asked) == 2 + 1
    async with serving(cancelled) as server, UttersonClient(server.address, retries=FAST) as client:
        with pytest.raises(CallRefused) as refused:
            await client.create_workspace("w", preset="unify")
    assert refused.value.code is grpc.StatusCode.CANCELLED


def test_the_document_shows_the_service_config() -> None:
    document = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    [shown] = [line for line in document.splitlines() if line.startswith('{"methodConfig"')]
    assert json.loads(shown) == json.loads(service_config())


async def test_the_published_service_config_has_grpc_try_again() -> None:
    options = ((SERVICE_CONFIG_OPTION, service_config()),)
    async with serving(AWAY, AWAY) as server, grpc.aio.insecure_channel(server.address, options=options) as channel:
        stub = identity_service_pb2_grpc.IdentityServiceStub(channel)
        await stub.Identify(pb.IdentifyRequest(workspace="w", request_id="mine"), timeout=5)
        assert [request.request_id for request in server.asked] == ["mine"] * 3


async def test_the_pause_that_the_server_asks_for_is_kept() -> None:
    full = refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL", retry_after_ms=200)
    async with serving(full) as server, UttersonClient(server.address, retries=FAST) as client:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await client.identify("w", PAIRS)
        assert loop.time() - began_s >= 0.2
        assert len(server.asked) == 2


async def test_resource_exhausted_without_a_time_to_come_back_is_for_good() -> None:
    too_large = refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED")
    async with serving(too_large) as server, UttersonClient(server.address, retries=FAST) as client:
        with pytest.raises(CallRefused):
            await client.identify("w", PAIRS)
        assert len(server.asked) == 1


async def test_the_deadline_is_one_for_all_attempts() -> None:
    slow = refusal(grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE", retry_after_ms=150)
    async with serving(*[slow] * 9) as server, UttersonClient(server.address, retries=FAST) as client:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        with pytest.raises(CallRefused) as refused:
            await client.identify("w", PAIRS, timeout_s=0.4)
        assert loop.time() - began_s < 0.45
        assert 1 < len(server.asked) < ATTEMPTS_MAX
        assert server.deadlines_s == sorted(server.deadlines_s, reverse=True)
        assert server.deadlines_s[0] < 0.45
    assert refused.value.code is grpc.StatusCode.UNAVAILABLE


async def test_calls_have_a_deadline_of_five_seconds_unless_told_otherwise() -> None:
    async with serving() as server, UttersonClient(server.address) as client:
        await client.identify("w", PAIRS)
        assert 4 < server.deadlines_s[0] <= 5.1


async def test_no_server_is_a_refusal_too() -> None:
    async with serving() as server:
        address = server.address
    async with UttersonClient(address, retries=FAST) as client:
        with pytest.raises(CallRefused) as refused:
            await client.identify("w", PAIRS)
    assert refused.value.code is grpc.StatusCode.UNAVAILABLE
    assert refused.value.reason == error_reason_pb2.ERROR_REASON_UNSPECIFIED


async def test_what_cannot_be_repeated_is_tried_again_only_where_nothing_was_done() -> None:
    async with serving(LOADING, UNKNOWN) as server, UttersonClient(server.address, retries=FAST) as client:
        with pytest.raises(CallRefused) as refused:
            await client.create_workspace("w", preset="unify")
        assert server.created == 2
    assert refused.value.reason == error_reason_pb2.ERROR_REASON_OUTCOME_UNKNOWN


async def test_a_batch_can_be_repeated_and_tells_each_call() -> None:
    calls = [
        pb.Call(identify=pb.IdentifyRequest()),
        pb.Call(track=pb.TrackRequest(event=pb.Event(message_id="m1"))),
        pb.Call(track=pb.TrackRequest(event=pb.Event(name="seen"))),
    ]
    async with serving(AWAY) as server, UttersonClient(server.address, retries=FAST) as client:
        answered, refused = await client.batch_resolve("w", calls)
        first, second = server.batches
    assert first == second
    assert first.calls[0].identify.request_id
    assert first.calls[1].track.request_id == "", "its message id makes it repeatable"
    assert first.calls[2].track.request_id
    assert not isinstance(answered, CallRefused)
    assert answered.profile_id == 7
    assert isinstance(refused, CallRefused)
    assert refused.violations == (Violation("identifiers", "say it better"),)


async def test_a_stream_answers_in_order_and_raises_what_ends_it() -> None:
    async def messages() -> AsyncIterator[pb.StreamResolveRequest]:
        for sequence in (1, 2, 3):
            yield pb.StreamResolveRequest(sequence=sequence, calls=[pb.Call(logout=pb.LogoutRequest())])

    async with serving() as server, UttersonClient(server.address) as client:
        answers = [answer.sequence async for answer in client.stream_resolve(messages())]
        assert answers == [1, 2, 3]
    async with serving(AWAY) as server, UttersonClient(server.address) as client:
        with pytest.raises(CallRefused) as refused:
            async for _ in client.stream_resolve(messages()):
                pass
    assert refused.value.reason == error_reason_pb2.ERROR_REASON_STORE_UNAVAILABLE


async def test_an_import_is_sent_whole_again() -> None:
    profiles = [
        ImportedProfile([("email", "a")], {"plan": "gold"}, datetime(2020, 1, 1, tzinfo=UTC), 3),
        ImportedProfile([("email", "b")]),
    ]
    profiles += [ImportedProfile([("email", f"c{number}")]) for number in range(2 * PROFILES_A_MESSAGE - 1)]
    async with serving(UNKNOWN) as server, UttersonClient(server.address, retries=FAST) as client:
        assert await client.import_profiles("w", profiles) == list(range(1, len(profiles) + 1))
        first, second = server.imports
    assert first == second
    assert [len(message.profiles) for message in first] == [PROFILES_A_MESSAGE, PROFILES_A_MESSAGE, 1]
    assert first[0].request_id
    assert first[1].request_id == ""
    gold, plain = first[0].profiles[:2]
    assert gold.traits["plan"] == "gold"
    assert gold.create_time.seconds == 1577836800
    assert gold.merges == 3
    assert not plain.HasField("create_time")
    assert first[2].profiles[0].identifiers[0].value == f"c{2 * PROFILES_A_MESSAGE - 2}"


def test_a_fault_of_an_import_names_the_callers_profile() -> None:
    assert place_of_profile("messages[2].profiles[7].identifiers[0].value") == (
        f"profiles[{2 * PROFILES_A_MESSAGE + 7}].identifiers[0].value"
    )
    assert place_of_profile("messages[2].workspace") == "messages[2].workspace"


async def test_lists_walk_all_pages() -> None:
    async with serving(AWAY) as server, UttersonClient(server.address, retries=FAST) as client:
        names = [workspace.workspace async for workspace in client.list_workspaces(page_size=2)]
    assert names == ["w0", "w1", "w2", "w3", "w4"]


async def test_a_time_without_a_zone_is_no_time() -> None:
    async with UttersonClient("127.0.0.1:1") as client:
        with pytest.raises(ValueError, match="time zone"):
            await client.identify("w", PAIRS, event_time=datetime(2020, 1, 1))
