"""The calls of the identity service: which profile is this?"""

import asyncio
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from typing import TypeAlias, TypedDict, Unpack

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from utterson.client.checks import checked_options, checked_search_options, items_of, kind_of, one_of, optional_seconds
from utterson.client.refusal import CallRefused, refusal_of, refusal_of_status
from utterson.client.requests import CallOptions, IdentifierChange, SearchOptions
from utterson.client.retrying import Retrier
from utterson.client.values import (
    Identifiers,
    JsonValue,
    identifier_messages,
    struct_message,
    text,
    whole_number,
)
from utterson.v1 import identifier_pb2, identity_service_pb2_grpc, resolution_pb2
from utterson.v1 import identity_service_pb2 as pb

ResolvedOrRefused: TypeAlias = resolution_pb2.Resolution | CallRefused


class _CommonFields(TypedDict):
    workspace: str
    identifiers: Iterable[identifier_pb2.Identifier]
    previous_profile_id: int
    event_time: Timestamp | None
    request_id: str
    validate_only: bool
    explain: bool
    consistency: resolution_pb2.Consistency.ValueType


class IdentityCalls:
    """The calls of the identity service.

    All of them raise CallRefused where the server says no, and FieldError, a ValueError that names the field, for a
    value that cannot be sent or an option that there is not; `Unpack[CallOptions]` is what each may carry besides.
    """

    def __init__(self, channel: grpc.aio.Channel, retrier: Retrier) -> None:
        self._identity = identity_service_pb2_grpc.IdentityServiceStub(channel)
        self._retrier = retrier

    async def identify(
        self,
        workspace: str,
        identifiers: Identifiers,
        *,
        traits: Mapping[str, JsonValue] | None = None,
        **options: Unpack[CallOptions],
    ) -> resolution_pb2.Resolution:
        """Who is this? (rules I3, M1 to M10)."""
        request = pb.IdentifyRequest(
            **_common(workspace, identifiers, options), traits=struct_message(traits, "traits")
        )
        answer = await self._retrier.run(
            lambda left_s: self._identity.Identify(request, timeout=left_s), timeout_s=options.get("timeout_s")
        )
        return answer.resolution

    async def login(
        self,
        workspace: str,
        identifiers: Identifiers,
        *,
        traits: Mapping[str, JsonValue] | None = None,
        **options: Unpack[CallOptions],
    ) -> resolution_pb2.Resolution:
        """A person logs in (rules I3 and I4); in the merge family as identify."""
        request = pb.LoginRequest(**_common(workspace, identifiers, options), traits=struct_message(traits, "traits"))
        answer = await self._retrier.run(
            lambda left_s: self._identity.Login(request, timeout=left_s), timeout_s=options.get("timeout_s")
        )
        return answer.resolution

    async def logout(
        self, workspace: str, identifiers: Identifiers, **options: Unpack[CallOptions]
    ) -> resolution_pb2.Resolution:
        """A person logs out (rule I6); in the merge family as identify."""
        request = pb.LogoutRequest(**_common(workspace, identifiers, options))
        answer = await self._retrier.run(
            lambda left_s: self._identity.Logout(request, timeout=left_s), timeout_s=options.get("timeout_s")
        )
        return answer.resolution

    async def track(
        self,
        workspace: str,
        identifiers: Identifiers,
        event_name: str,
        *,
        properties: Mapping[str, JsonValue] | None = None,
        message_id: str = "",
        **options: Unpack[CallOptions],
    ) -> resolution_pb2.Resolution:
        """Store an event, or a row of a feed, with the profile that it resolves to."""
        event = pb.Event(
            name=text(event_name, "event_name"),
            properties=struct_message(properties, "properties"),
            message_id=text(message_id, "message_id"),
        )
        request = pb.TrackRequest(**_common(workspace, identifiers, options), event=event)
        answer = await self._retrier.run(
            lambda left_s: self._identity.Track(request, timeout=left_s), timeout_s=options.get("timeout_s")
        )
        return answer.resolution

    async def modify(
        self,
        workspace: str,
        profile_id: int,
        changes: Iterable[IdentifierChange],
        **options: Unpack[CallOptions],
    ) -> resolution_pb2.Resolution:
        """Add, change or remove identifiers of one profile, all or nothing (rules I7 and M11)."""
        common = _common(workspace, (), options)
        request = pb.ModifyRequest(
            **common, profile_id=whole_number(profile_id, "profile_id"), changes=_changes(changes)
        )
        answer = await self._retrier.run(
            lambda left_s: self._identity.Modify(request, timeout=left_s), timeout_s=options.get("timeout_s")
        )
        return answer.resolution

    async def search(
        self, workspace: str, identifiers: Identifiers, **options: Unpack[SearchOptions]
    ) -> resolution_pb2.Resolution:
        """Which profile would identify return? Never writes (rule I8); refused with NOT_FOUND where there is none."""
        checked = checked_search_options(options)
        request = pb.SearchRequest(
            workspace=text(workspace, "workspace"),
            identifiers=identifier_messages(identifiers),
            previous_profile_id=checked.previous_profile_id,
            explain=checked.explain,
            consistency=checked.consistency,
        )
        answer = await self._retrier.run(
            lambda left_s: self._identity.Search(request, timeout=left_s), timeout_s=options.get("timeout_s")
        )
        return answer.resolution

    async def batch_resolve(
        self, workspace: str, calls: Iterable[pb.Call], *, timeout_s: float | None = None
    ) -> list[ResolvedOrRefused]:
        """Make 1 to 1,000 calls in one message; one result a call, in the order of the calls.

        Calls without a request id get one in place, so that the batch can be repeated.
        """
        checked = items_of(calls, pb.Call, "calls", "a Call of identity_service_pb2")
        request = pb.BatchResolveRequest(workspace=text(workspace, "workspace"), calls=map(repeatable, checked))
        answer = await self._retrier.run(
            lambda left_s: self._identity.BatchResolve(request, timeout=left_s), timeout_s=timeout_s
        )
        return [result_of(result) for result in answer.results]

    async def stream_resolve(
        self, messages: AsyncIterable[pb.StreamResolveRequest], *, timeout_s: float | None = None
    ) -> AsyncIterator[pb.StreamResolveResponse]:
        """Make a stream of batches; order kept, one answer a message (see `result_of`).

        A broken stream is not taken up again by itself: repeat the messages that were not answered; their calls,
        given request ids in place, take effect once.

        Args:
            messages: read as fast as the server takes them.
            timeout_s: the deadline of the whole stream, in seconds; None means none.

        Raises:
            CallRefused: the stream was refused or broke.
            FieldError: a message is none; what `messages` itself raises comes as it is.
        """
        kind_of(messages, AsyncIterable, "messages", "an async iterable of StreamResolveRequests")
        sending = _Sending(messages)
        deadline_s = optional_seconds(timeout_s, "timeout_s")
        try:
            async for answer in self._identity.StreamResolve(sending.messages(), timeout=deadline_s):
                yield answer
        except grpc.aio.AioRpcError as error:
            raise sending.fault or refusal_of(error) from None
        except asyncio.CancelledError:
            # gRPC cancels a call whose messages cannot be read, and keeps the reason to itself.
            if sending.fault is None:
                raise
            raise sending.fault from None


def result_of(result: pb.CallResult) -> ResolvedOrRefused:
    """Tell one call's result in a batch or stream: its resolution, or why it was refused."""
    return refusal_of_status(result.error) if result.HasField("error") else result.resolution


def repeatable(call: pb.Call) -> pb.Call:
    """Give a call a request id unless it has an id by which the server knows it again; answer the same call."""
    match call.WhichOneof("call"):
        case "identify":
            call.identify.request_id = call.identify.request_id or _new_request_id()
        case "login":
            call.login.request_id = call.login.request_id or _new_request_id()
        case "logout":
            call.logout.request_id = call.logout.request_id or _new_request_id()
        case "modify":
            call.modify.request_id = call.modify.request_id or _new_request_id()
        case "track":
            if not call.track.event.message_id:
                call.track.request_id = call.track.request_id or _new_request_id()
        case None:
            pass  # the server refuses it
    return call


class _Sending:
    """The messages of a stream, each made repeatable, and what went wrong while they were read."""

    def __init__(self, source: AsyncIterable[object]) -> None:
        self._source = source
        self.fault: Exception | None = None

    async def messages(self) -> AsyncIterator[pb.StreamResolveRequest]:
        place = 0
        try:
            async for given in self._source:
                message = one_of(given, pb.StreamResolveRequest, f"messages[{place}]", "a StreamResolveRequest")
                for call in message.calls:
                    repeatable(call)
                yield message
                place += 1
        except Exception as fault:
            self.fault = fault
            raise


def _changes(changes: object) -> list[identifier_pb2.Change]:
    what = "an IdentifierChange(type, old_value, new_value)"
    return [
        identifier_pb2.Change(
            type=text(change.type, f"changes[{position}].type"),
            old_value=text(change.old_value, f"changes[{position}].old_value"),
            new_value=text(change.new_value, f"changes[{position}].new_value"),
        )
        for position, change in enumerate(items_of(changes, IdentifierChange, "changes", what))
    ]


def _common(workspace: str, identifiers: Identifiers, options: CallOptions) -> _CommonFields:
    checked = checked_options(options)
    return _CommonFields(
        workspace=text(workspace, "workspace"),
        identifiers=identifier_messages(identifiers),
        previous_profile_id=checked.previous_profile_id,
        event_time=checked.event_time,
        request_id=checked.request_id or _new_request_id(),
        validate_only=checked.validate_only,
        explain=checked.explain,
        consistency=checked.consistency,
    )


def _new_request_id() -> str:
    return str(uuid.uuid4())
