"""What every call passes through: field rules, request ids, deadlines, cancellation."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from tests.server.conftest import Running
from tests.server.fakes import FakeImports, FakeProfiles, FakeWorkspaces, Script
from tests.server.statuses import told
from utterson.domain.errors import Reason, UttersonError
from utterson.engine.core_engine import CoreEngine
from utterson.server.byte_budget import ByteBudget
from utterson.server.deadline import Deadline
from utterson.server.draining import Drain
from utterson.server.rpc.layering import LayeredHandlers, standard_layers
from utterson.server.rpc.layers import DeadlineLayer, GuardLayer, Handler, Method, as_generator
from utterson.server.rpc.profile_servicer import profile_handlers
from utterson.server.rpc.workspace_servicer import workspace_handlers
from utterson.server.validation import FieldRules
from utterson.v1 import profile_service_pb2 as profile_messages
from utterson.v1 import workspace_service_pb2 as workspace_messages


def test_the_layers_are_named_and_ordered() -> None:
    names = [layer.name for layer in standard_layers(FieldRules(CoreEngine()), Drain(), ByteBudget(1), 1)]
    assert names == ["guard", "request id", "deadline", "reading", "budget", "validation"]


def test_whatever_is_parsed_here_is_counted_before() -> None:
    """A stream of requests would reach its handler unparsed and uncounted: none may make messages by itself."""
    script = Script()
    handlers = workspace_handlers(FakeWorkspaces(script), FakeImports(script)) | profile_handlers(FakeProfiles(script))
    assert len(handlers) > 8
    for name, handler in handlers.items():
        assert (handler.request_deserializer is None) == handler.request_streaming, name


async def test_every_broken_field_rule_is_told_at_once(running: Running) -> None:
    request = profile_messages.BatchGetProfilesRequest(workspace="So Ho", profile_ids=[1, 0, 2**53])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.call("ProfileService/BatchGetProfiles", request.SerializeToString())
    status = told(caught.value)
    assert (status.code, status.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    fields = [violation.field for violation in status.details["BadRequest"].field_violations]
    assert fields == ["workspace", "profile_ids[1]", "profile_ids[2]"]
    assert status.message.startswith("workspace: ")
    assert status.message.endswith("; the details name all 3 faults")
    assert "So Ho" not in str(status)
    assert running.script.asked == []


@pytest.mark.parametrize(
    ("method", "request_message", "fields"),
    [
        (
            "WorkspaceService/CreateWorkspace",
            workspace_messages.CreateWorkspaceRequest(workspace="soho"),
            ["policy_source"],
        ),
        ("WorkspaceService/UpdatePolicy", workspace_messages.UpdatePolicyRequest(workspace="soho"), ["policy"]),
        ("WorkspaceService/ListWorkspaces", workspace_messages.ListWorkspacesRequest(page_size=-1), ["page_size"]),
        ("WorkspaceService/GetWorkspace", workspace_messages.GetWorkspaceRequest(), ["workspace"]),
        (
            "ProfileService/GetProfile",
            profile_messages.GetProfileRequest(workspace="soho", profile_id=-1),
            ["profile_id"],
        ),
        (
            "ProfileService/BatchGetProfiles",
            profile_messages.BatchGetProfilesRequest(workspace="soho", profile_ids=range(1, 102)),
            ["profile_ids"],
        ),
    ],
)
async def test_field_rules(running: Running, method: str, request_message: object, fields: list[str]) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.call(method, request_message.SerializeToString())  # type: ignore[attr-defined]
    violations = told(caught.value).details["BadRequest"].field_violations
    assert [violation.field for violation in violations] == fields
    assert all(violation.description for violation in violations)


async def test_the_request_id_comes_back(running: Running) -> None:
    answered = running.unary("IdentityService/Identify", b"", metadata=(("x-request-id", "abc-1"),))
    await answered
    assert dict(await answered.trailing_metadata())["x-request-id"] == "abc-1"


async def test_a_call_that_brings_no_request_id_gets_one_if_it_is_refused(running: Running) -> None:
    answered = running.unary("IdentityService/Identify", b"")
    await answered
    assert "x-request-id" not in dict(await answered.trailing_metadata())
    running.script.error = UttersonError(Reason.NO_MATCH, "nobody")
    made = []
    for metadata in ((), (("x-request-id", "x" * 1000),), (("x-request-id", ""),)):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.call("IdentityService/Search", b"", metadata=metadata)
        made.append(told(caught.value).trailers["x-request-id"])
    assert len(set(made)) == 3
    assert all(0 < len(request_id) <= 32 for request_id in made)


async def test_the_request_id_comes_back_with_a_refusal(running: Running) -> None:
    running.script.error = UttersonError(Reason.NO_MATCH, "nobody")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.call("IdentityService/Search", b"", metadata=(("x-request-id", "abc-2"),))
    assert told(caught.value).trailers["x-request-id"] == "abc-2"


class EndlessContext:
    """A context of a call without a deadline."""

    def time_remaining(self) -> None:
        """Tell that there is no deadline."""


class KeepingContext:
    """A context that keeps the error that ends its call, as gRPC's does."""

    error: BaseException | None = None

    def trailing_metadata(self) -> tuple[()]:
        """Tell that there are none yet."""
        return ()

    async def abort_with_status(self, status: grpc.Status) -> None:
        """End the call."""
        del status
        self.error = grpc.aio.AbortError("Locally aborted.")
        raise self.error


async def test_a_refused_call_leaves_nothing_to_the_garbage_collector() -> None:
    async def refusing(request: object, context: object) -> None:
        raise UttersonError(Reason.NO_MATCH, "nobody")

    async def streaming(request: object, context: object) -> AsyncIterator[bytes]:
        yield b"an answer"
        raise UttersonError(Reason.NO_MATCH, "nobody")

    guard, method = GuardLayer(), Method("/a/B", False, None)
    unary: Any = guard.around_unary(method, refusing)
    stream: Any = guard.around_stream(method, as_generator(streaming))
    gc.disable()
    try:
        contexts = [KeepingContext(), KeepingContext()]
        left = [weakref.ref(context) for context in contexts]
        with pytest.raises(grpc.aio.AbortError):
            await unary(b"", contexts[0])
        with pytest.raises(grpc.aio.AbortError):
            [answer async for answer in stream(b"", contexts[1])]
        contexts.clear()
        assert [context() for context in left] == [None, None]
    finally:
        gc.enable()


async def test_a_call_without_a_deadline_is_given_up() -> None:
    limited = DeadlineLayer(Deadline(timeout_s=0.01)).around_unary(Method("/a/B", False, None), _for_ever)
    with pytest.raises(UttersonError) as caught:
        await limited(b"", EndlessContext())  # type: ignore[arg-type]
    assert caught.value.reason is Reason.OUTCOME_UNKNOWN


async def test_only_calls_that_are_too_old_are_given_up() -> None:
    deadline = Deadline(timeout_s=0.2)
    layer = DeadlineLayer(deadline)

    async def lasting(request: float, context: object) -> str:
        del context
        await asyncio.sleep(request)
        return "answered"

    limited: Any = layer.around_unary(Method("/a/B", False, None), lasting)
    old = asyncio.create_task(limited(10.0, EndlessContext()))
    await asyncio.sleep(0.15)
    young = asyncio.create_task(limited(0.2, EndlessContext()))
    assert await young == "answered"
    with pytest.raises(UttersonError):
        await old
    assert (deadline._began_s, deadline._given_up) == ({}, set())


async def test_a_caller_that_goes_away_is_no_deadline() -> None:
    limited: Any = DeadlineLayer(Deadline(timeout_s=10)).around_unary(Method("/a/B", False, None), _for_ever)
    calling = asyncio.create_task(limited(b"", EndlessContext()))
    await asyncio.sleep(0.01)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling


async def _for_ever(request: object, context: object) -> None:
    del request, context
    await asyncio.Event().wait()


async def test_a_timeout_inside_a_call_is_not_taken_for_the_deadline() -> None:
    async def impatient(request: object, context: object) -> None:
        del request, context
        raise TimeoutError

    limited = DeadlineLayer(Deadline(timeout_s=10)).around_unary(Method("/a/B", False, None), impatient)
    with pytest.raises(TimeoutError):
        await limited(b"", EndlessContext())  # type: ignore[arg-type]


async def test_a_cancelled_call_is_cancelled_inside(running: Running) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def wait_for_ever() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.set()
            raise

    running.script.before = wait_for_ever
    call = running.unary("IdentityService/Identify", b"")
    waiting = asyncio.ensure_future(call)
    await asyncio.wait_for(started.wait(), 5)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.wait_for(ended.wait(), 5)


async def test_a_callers_deadline_is_kept(running: Running) -> None:
    running.script.before = asyncio.Event().wait
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.call("IdentityService/Identify", b"", timeout_s=0.1)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


class Details:
    """What grpc tells of a call before it has a handler."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.invocation_metadata: tuple[tuple[str, str], ...] = ()


async def test_every_handler_is_wrapped_once_and_no_other_is_found() -> None:
    bare: Handler = grpc.unary_unary_rpc_method_handler(lambda _request, _context: b"")
    layers = standard_layers(FieldRules(CoreEngine()), Drain(), ByteBudget(1 << 20), 1)
    handlers = LayeredHandlers({"a.B": {"C": bare}}, layers)
    first = handlers.service(Details("/a.B/C"))  # type: ignore[arg-type]
    assert first is not None
    assert first is not bare
    assert handlers.service(Details("/a.B/C")) is first  # type: ignore[arg-type]
    assert handlers.service(Details("/a.B/D")) is None  # type: ignore[arg-type]
