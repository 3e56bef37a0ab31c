"""Takes calls from the front, a turn's at once, and brings their answers back together.

Each call has its own guard: whatever goes wrong with one ends that one. A call that can be answered from memory is
answered right here, one that waits for its lane costs neither a task nor a future; only what takes several steps
(a batch request, a stream) runs in a task.
"""

import asyncio
import time
from collections.abc import Sequence
from enum import Enum, auto
from typing import Final, Protocol

from google.protobuf.descriptor import ServiceDescriptor

from utterson.application.calls.identity import IdentityService, unary_response
from utterson.domain.calls import CallKind
from utterson.domain.decisions import Reply
from utterson.server.descriptors import services
from utterson.server.front.pacing import ROUND_S, Pacing
from utterson.server.front.ports import Front, PassedMethod, StreamId, TakenMethod, Token
from utterson.server.front.refusals import encoded_refusal
from utterson.server.front.streams import FrontStream
from utterson.server.guard import refusal_of
from utterson.server.request_id import fresh_request_id, request_id_of_call

_SERVICE: Final = "/utterson.v1.IdentityService/"


class Whole(Enum):
    """What is no single call."""

    BATCH = auto()
    STREAM = auto()


# The methods that are taken. The front tells a call's by its place.
METHODS: Final[tuple[tuple[str, CallKind | Whole], ...]] = (
    (f"{_SERVICE}Identify", CallKind.IDENTIFY),
    (f"{_SERVICE}Login", CallKind.LOGIN),
    (f"{_SERVICE}Logout", CallKind.LOGOUT),
    (f"{_SERVICE}Track", CallKind.TRACK),
    (f"{_SERVICE}Modify", CallKind.MODIFY),
    (f"{_SERVICE}Search", CallKind.SEARCH),
    (f"{_SERVICE}BatchResolve", Whole.BATCH),
    (f"{_SERVICE}StreamResolve", Whole.STREAM),
)
# The fields that tell for which workspace a message is and how many calls it holds; of a unary call, of a batch, of a
# stream's message. tests/contract/test_taken_fields.py holds them to the protos.
UNARY_FIELDS: Final = (1, 0)
BATCH_FIELDS: Final = (1, 2)
STREAM_FIELDS: Final = (2, 3)


def taken_methods() -> list[TakenMethod]:
    """Tell the front what it takes."""
    fields = {Whole.BATCH: BATCH_FIELDS, Whole.STREAM: STREAM_FIELDS}
    return [
        (path, kind is Whole.STREAM, *(fields[kind] if isinstance(kind, Whole) else UNARY_FIELDS))
        for path, kind in METHODS
    ]


def passed_methods(others: Sequence[ServiceDescriptor] = ()) -> list[PassedMethod]:
    """Tell the front what it shall pass through: what it does not take. Other methods there are not.

    Args:
        others: services of the server behind, beside those of the API.
    """
    taken = {path for path, _ in METHODS}
    return [
        (path, bool(method.client_streaming or method.server_streaming))
        for service in (*services(), *others)
        for method in service.methods
        if (path := f"/{service.full_name}/{method.name}") not in taken
    ]


# Calls taken from the front at once. It gives them in turn, connection by connection, so whoever comes new is among the
# next ones.
TAKE_CALLS_MAX: Final = 16
# While so many messages wait for time, no more are taken: in the front they are bounded, and shared fairly.
MESSAGES_WAITING_MAX: Final = 4


class _Cancellable(Protocol):
    def cancel(self) -> object: ...


class FrontCalls:
    """The calls that the front has handed over and that are not answered yet.

    Args:
        front: where they come from and go to.
        identity: the use cases.
    """

    def __init__(self, front: Front, identity: IdentityService) -> None:
        self._front = front
        self._identity = identity
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[Token, _Cancellable] = {}
        self._streams: dict[StreamId, FrontStream] = {}
        self._responses: list[tuple[Token, bytes]] = []
        self._identified: list[tuple[Token, bytes, str]] = []
        self._refusals: list[tuple[Token, int, str, bytes, str]] = []
        self._bring_soon = False
        self._pacing = Pacing()

    def take(self) -> None:
        """Take what waits in the front, for 2 ms; the loop calls this while the descriptor is readable."""
        ends_at_s = time.perf_counter() + ROUND_S
        calls_max = TAKE_CALLS_MAX if self._pacing.waiting < MESSAGES_WAITING_MAX else 0
        while self._take(calls_max) and time.perf_counter() < ends_at_s:
            pass
        self._bring()

    def _take(self, calls_max: int) -> bool:
        """Take some calls, and tell whether to go on: there may be more, and none of these has yet to show its work."""
        calls, gone, closed = self._front.take(calls_max)
        for token in gone:
            waiting = self._waiting.pop(token, None)
            if waiting is not None:
                waiting.cancel()
        # What is answered in here leaves at the end, without a turn of the loop in between.
        self._bring_soon = True
        is_light = True
        for token, place, request, request_id, stream in calls:
            path, kind = METHODS[place]
            if request is None or kind is Whole.STREAM:
                is_light = False
                self._stream(stream, path, request_id).take(token, request)
            elif kind is Whole.BATCH:
                is_light = False
                self._begin_batch(token, path, request, request_id)
            else:
                self._begin(token, path, kind, request, request_id)
        for stream in closed:
            over = self._streams.pop(stream, None)
            if over is not None:
                over.cancel()
        return is_light and len(calls) == calls_max > 0

    def _begin(self, token: Token, path: str, kind: CallKind, request: bytes, request_id: str | None) -> None:
        receiver = _Receiver(self, token, path, request_id)
        try:
            response = self._identity.begin(kind, request, receiver)
        except BaseException as error:
            self.refuse(token, path, request_id, error)
            return
        if response is None:
            self._waiting[token] = receiver
        else:
            self._responses.append((token, response))

    def _begin_batch(self, token: Token, path: str, request: bytes, request_id: str | None) -> None:
        self._waiting[token] = self._loop.create_task(self._answer_batch(token, path, request, request_id))

    def _stream(self, stream: StreamId, path: str, request_id: str | None) -> FrontStream:
        """Give a stream under way, or begin it. It is known until the front says that it is over."""
        found = self._streams.get(stream)
        if found is None:
            found = FrontStream(self, self._identity, self._pacing, path, request_id)
            self._streams[stream] = found
        return found

    async def _answer_batch(self, token: Token, path: str, request: bytes, request_id: str | None) -> None:
        # Not that of whoever ran when the task was made.
        request_id_of_call.set(request_id or "")
        try:
            await self._pacing.begin()
            response = await self._identity.resolve_batch(request)
        except BaseException as error:
            self.refuse(token, path, request_id_of_call.get() or None, error)
            return
        made = request_id_of_call.get() if request_id is None else ""
        self.respond(token, response, made)

    def respond(self, token: Token, response: bytes, made_request_id: str = "") -> None:
        """Answer a call.

        Args:
            token: the call.
            response: the message.
            made_request_id: what the call was given as request id on the way, else empty.
        """
        self._waiting.pop(token, None)
        if made_request_id:
            self._identified.append((token, response, made_request_id))
        else:
            self._responses.append((token, response))
        self._bring_later()

    def refuse(self, token: Token, path: str, request_id: str | None, error: BaseException) -> None:
        """Refuse a call with what its caller may know of an error."""
        self._waiting.pop(token, None)
        told_id = request_id or fresh_request_id()
        # For the log. This may run in the context of the loop's reader or of a lane, which outlive the call.
        before = request_id_of_call.set(told_id)
        try:
            refusal = refusal_of(error, path)
            if refusal is not None:
                told = encoded_refusal(refusal)
                self._refusals.append((token, told.code, told.message, told.details, told_id))
        finally:
            request_id_of_call.reset(before)
        self._bring_later()

    def _bring_later(self) -> None:
        """Bring the answers of this turn of the loop together, at its end."""
        if not self._bring_soon:
            self._bring_soon = True
            self._loop.call_soon(self._bring)

    def _bring(self) -> None:
        self._bring_soon = False
        if self._responses or self._identified or self._refusals:
            responses, self._responses = self._responses, []
            identified, self._identified = self._identified, []
            refusals, self._refusals = self._refusals, []
            self._front.answer(responses, identified, refusals)


class _Receiver:
    """Waits for the reply to one call in a future's stead."""

    __slots__ = ("_calls", "_done", "_path", "_request_id", "_token")

    def __init__(self, calls: FrontCalls, token: Token, path: str, request_id: str | None) -> None:
        self._calls = calls
        self._token = token
        self._path = path
        self._request_id = request_id
        self._done = False

    def done(self) -> bool:
        return self._done

    def cancel(self) -> None:
        self._done = True

    def set_result(self, reply: Reply, /) -> None:
        self._done = True
        try:
            response = unary_response(reply)
        except Exception as error:
            self._calls.refuse(self._token, self._path, self._request_id, error)
        else:
            self._calls.respond(self._token, response)

    def set_exception(self, error: BaseException, /) -> None:
        self._done = True
        self._calls.refuse(self._token, self._path, self._request_id, error)
