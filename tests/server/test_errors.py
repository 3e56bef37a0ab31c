"""Every reason reaches the caller with its code and the details that fit; nothing else does, and nobody hangs."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator

import grpc
import pytest
from google.rpc import status_pb2

from tests.server.conftest import RECEIVE_BYTES_MAX, Running
from tests.server.statuses import details_of, told
from utterson.application.refusals import internal_fault
from utterson.domain.errors import FieldViolation, Reason, Resource, UttersonError
from utterson.server.limits import VIOLATIONS_BYTES_MAX
from utterson.server.refusals import CODES, encode_status, error_status
from utterson.server.request_id import request_id_of_call
from utterson.v1.identity_service_pb2 import StreamResolveRequest

SECRET = "ed.hyde@example.com"


class PanicLikeError(BaseException):
    """Stands for PyO3's PanicException, which is no Exception either."""


async def refused(
    running: Running, method: str = "IdentityService/Identify", request: bytes = b""
) -> grpc.aio.AioRpcError:
    """Call and give back the refusal."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.call(method, request, timeout_s=5)
    return caught.value


@pytest.mark.parametrize("reason", list(Reason))
async def test_every_reason_has_its_code(running: Running, reason: Reason) -> None:
    running.script.error = UttersonError(reason, "do something else")
    status = told(await refused(running))
    assert status.code.name == CODES[reason].name
    assert status.message == "do something else"
    info = status.details["ErrorInfo"]
    assert (info.reason, info.domain) == (reason.name, "utterson.dev")
    assert ("RetryInfo" in status.details) == (reason is Reason.QUEUE_FULL), "waiting helps where a queue is full"
    assert ("PreconditionFailure" in status.details) == (status.code is grpc.StatusCode.FAILED_PRECONDITION)


async def test_violations_become_a_bad_request(running: Running) -> None:
    violations = (FieldViolation("identifiers[0].value", "is empty"), FieldViolation("request_id", "is too long"))
    running.script.error = UttersonError(Reason.FIELD_INVALID, "fix the fields", violations=violations)
    bad_request = told(await refused(running)).details["BadRequest"]
    assert [(violation.field, violation.description) for violation in bad_request.field_violations] == [
        ("identifiers[0].value", "is empty"),
        ("request_id", "is too long"),
    ]


async def test_more_violations_than_trailers_carry_still_arrive(running: Running) -> None:
    violations = tuple(FieldViolation(f"identifier_types[{index}].name", "x" * 100) for index in range(1000))
    running.script.error = UttersonError(Reason.POLICY_INVALID, "fix the policy", violations=violations)
    told_violations = told(await refused(running)).details["BadRequest"].field_violations
    assert 1 < len(told_violations) < VIOLATIONS_BYTES_MAX
    left_out = 1000 - (len(told_violations) - 1)
    assert told_violations[-1].description == f"{left_out} more violations are not listed"


async def test_a_resource_is_named(running: Running) -> None:
    running.script.error = UttersonError(Reason.PROFILE_NOT_FOUND, "no such profile", resource=Resource("profile", "9"))
    resource = told(await refused(running)).details["ResourceInfo"]
    assert (resource.resource_type, resource.resource_name) == ("profile", "9")


async def test_a_precondition_names_its_subject(running: Running) -> None:
    violations = (FieldViolation("changes[0]", "is immutable"),)
    running.script.error = UttersonError(Reason.IMMUTABLE_IDENTIFIER, "leave it", violations=violations)
    (violation,) = told(await refused(running)).details["PreconditionFailure"].violations
    assert (violation.type, violation.subject, violation.description) == (
        "IMMUTABLE_IDENTIFIER",
        "changes[0]",
        "is immutable",
    )


async def test_a_time_to_retry_is_told(running: Running) -> None:
    running.script.error = UttersonError(Reason.INDEX_LOADING, "try again", retry_after_ms=1_250)
    assert told(await refused(running)).details["RetryInfo"].retry_delay.ToMilliseconds() == 1_250


def test_a_batch_result_is_told_the_same_as_a_call() -> None:
    error = UttersonError(Reason.NO_MATCH, "nobody")
    status = status_pb2.Status.FromString(encode_status(error))
    assert status == error_status(error)
    assert details_of(status)["ErrorInfo"].reason == "NO_MATCH"


FAULTS = [
    RuntimeError(SECRET),
    PanicLikeError(SECRET),
    SystemExit(SECRET),
    asyncio.CancelledError(SECRET),
    TimeoutError(SECRET),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
async def test_a_fault_is_opaque(running: Running, fault: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    fault.__cause__ = ValueError(SECRET)
    running.script.error = fault
    with caplog.at_level(logging.DEBUG):
        status = told(await refused(running))
    assert (status.code, status.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL_FAULT")
    fault_id = status.details["ErrorInfo"].metadata["fault_id"]
    assert fault_id in status.message
    assert fault_id in caplog.text
    assert type(fault).__qualname__ in caplog.text
    assert "ValueError" in caplog.text
    assert SECRET not in caplog.text
    assert SECRET not in str(status)


async def test_a_fault_of_a_lane_is_told_like_one_of_a_handler(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """Its id and the call's request id: each leads to the other, whoever reports which."""
    running.script.error = internal_fault(RuntimeError(SECRET), lambda count: bytes(range(count)))
    with caplog.at_level(logging.DEBUG):
        error = await refused(running)
    status = told(error)
    fault_id = bytes(range(8)).hex()
    assert (status.code, status.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL_FAULT")
    assert status.details["ErrorInfo"].metadata["fault_id"] == fault_id
    (line,) = [record.getMessage() for record in caplog.records if "request id" in record.getMessage()]
    assert fault_id in line
    assert "/utterson.v1.IdentityService/Identify" in line
    assert line.endswith(f"request id {status.trailers['x-request-id']}")
    assert SECRET not in caplog.text + str(status)


def test_a_fault_among_the_results_of_a_batch_is_told_with_its_id(caplog: pytest.LogCaptureFixture) -> None:
    fault = internal_fault(RuntimeError(SECRET), bytes)
    token = request_id_of_call.set("batch-7")
    try:
        status = status_pb2.Status.FromString(encode_status(fault))
    finally:
        request_id_of_call.reset(token)
    assert details_of(status)["ErrorInfo"].metadata["fault_id"] == bytes(8).hex()
    assert f"fault {bytes(8).hex()} is told to a result of a batch, request id batch-7" in caplog.text
    assert SECRET not in caplog.text + str(status)


async def test_a_fault_of_many_results_is_logged_once_and_the_batch_gets_a_request_id(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    fault = internal_fault(RuntimeError(SECRET), os.urandom)

    async def encode() -> None:
        for _ in range(1_000):
            encode_status(fault)

    for _ in range(2):
        caplog.clear()
        running.script.before = encode
        answered = running.unary("IdentityService/BatchResolve", b"")
        await answered
        request_id = dict(await answered.trailing_metadata())["x-request-id"]
        (line,) = [record.getMessage() for record in caplog.records if "is told to" in record.getMessage()]
        assert line.endswith(f"request id {request_id}")


async def messages(count: int) -> AsyncIterator[bytes]:
    """Send numbered messages, and leave the stream open.

    A client of grpc.aio that is sending at the very moment at which its stream is refused tells of an internal error of
    its own instead, whatever the server.
    """
    for sequence in range(count):
        yield StreamResolveRequest(sequence=sequence).SerializeToString()
    await asyncio.Event().wait()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
async def test_a_fault_in_a_stream_is_opaque(
    running: Running, fault: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    running.script.error = fault
    stream = running.stream("IdentityService/StreamResolve", messages(2))
    await stream.read()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream.read()
    status = told(caught.value)
    assert (status.code, status.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL_FAULT")
    assert SECRET not in str(status) + caplog.text
    assert running.identity.streams_open == 0


async def test_a_refusal_in_a_stream_is_told(running: Running) -> None:
    running.script.error = UttersonError(Reason.SHUTTING_DOWN, "try another replica")
    stream = running.stream("IdentityService/StreamResolve", messages(2))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        _ = [answer async for answer in stream]
    assert told(caught.value).reason == "SHUTTING_DOWN"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("method", ["WorkspaceService/GetWorkspace", "WorkspaceService/ImportProfiles"])
async def test_a_fault_behind_other_calls_is_opaque(running: Running, method: str, fault: BaseException) -> None:
    running.script.error = fault
    assert told(await refused(running, method, b"\n\x04soho")).reason == "INTERNAL_FAULT"


@pytest.mark.parametrize(
    "method",
    [
        "WorkspaceService/CreateWorkspace",
        "WorkspaceService/GetWorkspace",
        "WorkspaceService/ListWorkspaces",
        "WorkspaceService/UpdatePolicy",
        "WorkspaceService/ListPolicyRevisions",
        "WorkspaceService/ImportProfiles",
        "ProfileService/GetProfile",
        "ProfileService/BatchGetProfiles",
        "ProfileService/ListTraits",
        "ProfileService/ListIdentifiers",
        "ProfileService/ListEvents",
        "ProfileService/ListHistory",
    ],
)
async def test_malformed_bytes_are_refused_with_details(running: Running, method: str) -> None:
    status = told(await refused(running, method, b"\xff\xff\xff"))
    assert (status.code, status.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_REQUEST")
    assert status.details["BadRequest"].field_violations
    assert running.script.asked == []


async def test_an_oversized_message_is_refused_by_grpc(running: Running) -> None:
    error = await refused(running, request=b"x" * (RECEIVE_BYTES_MAX + 1))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert running.script.asked == []


async def test_an_unknown_method_is_refused_by_grpc(running: Running) -> None:
    error = await refused(running, "IdentityService/Vanish")
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
