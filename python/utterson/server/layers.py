"""What every call of the API passes through, outermost first; `layering.py` puts them around the handlers.

A layer wraps a behaviour (what answers a call) in another of the same shape. Behaviours get the request as bytes, or an
iterator of bytes, until the validation layer turns it into a message.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import grpc
from google.protobuf.message import Message

from utterson.domain.errors import Reason, UttersonError
from utterson.server.validation import FieldRules

REQUEST_ID_KEY = "x-request-id"
REQUEST_ID_LENGTH_MAX = 128
# A unary call without a deadline of its own is given up after this long, so that no caller waits for ever.
UNARY_TIMEOUT_S = 30.0
# How often calls that may be too old are looked for.
SWEEP_S_MAX = 1.0

# The id of the call at hand, for whoever writes a log line; empty where the caller sent none and nothing went wrong.
request_id_of_call: ContextVar[str] = ContextVar("request_id_of_call", default="")

# grpc types neither requests nor answers of a handler that serves any method.
Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
UnaryBehaviour = Callable[[Any, Context], Awaitable[Any]]
StreamBehaviour = Callable[[Any, Context], AsyncGenerator[Any, None]]


@dataclass(frozen=True, slots=True)
class Method:
    """The RPC that a layer is put around.

    `path` is its full name, for example `/utterson.v1.ProfileService/GetProfile`; `parse` makes the message that the
    handler wants, None where it takes the bytes as they are.
    """

    path: str
    request_streaming: bool
    parse: Callable[[bytes], Message] | None


class Layer(Protocol):
    """One thing that every call passes through."""

    @property
    def name(self) -> str:
        """The layer's name, for the list of layers."""
        ...

    def around_unary(self, method: Method, behaviour: UnaryBehaviour) -> UnaryBehaviour:
        """Wrap a behaviour that answers once."""
        ...

    def around_stream(self, method: Method, behaviour: StreamBehaviour) -> StreamBehaviour:
        """Wrap a behaviour that answers with a stream."""
        ...


class RequestIdLayer:
    """Sends the caller's `x-request-id` back in the trailers; streams and refused calls that bring none get one."""

    name = "request id"

    def around_unary(self, method: Method, behaviour: UnaryBehaviour) -> UnaryBehaviour:
        """Wrap a behaviour that answers once."""
        del method

        async def identified(request: Any, context: Context) -> Any:
            if request_id := request_id_of_call.get():
                context.set_trailing_metadata(((REQUEST_ID_KEY, request_id),))
                return await behaviour(request, context)
            try:
                return await behaviour(request, context)
            except BaseException:
                _make_request_id(context)
                raise

        return identified

    def around_stream(self, method: Method, behaviour: StreamBehaviour) -> StreamBehaviour:
        """Wrap a behaviour that answers with a stream."""
        del method

        async def identified(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            if request_id := request_id_of_call.get():
                context.set_trailing_metadata(((REQUEST_ID_KEY, request_id),))
            else:
                _make_request_id(context)
            async with aclosing(behaviour(request, context)) as answers:
                async for answer in answers:
                    yield answer

        return identified


def note_request_id(metadata: Iterable[tuple[str, str | bytes]]) -> None:
    """Take note of the id that the caller sent, if it is one; a later layer reads it."""
    for key, value in metadata:
        if key == REQUEST_ID_KEY and isinstance(value, str) and 0 < len(value) <= REQUEST_ID_LENGTH_MAX:
            request_id_of_call.set(value)


def _make_request_id(context: Context) -> None:
    request_id = secrets.token_hex(8)
    request_id_of_call.set(request_id)
    context.set_trailing_metadata(((REQUEST_ID_KEY, request_id),))


class DeadlineLayer:
    """Gives up a unary call that has no deadline of its own; a caller's deadline is kept by grpc itself.

    One timer looks at all open calls from time to time: a timer for each call would cost more than the call.
    """

    name = "deadline"

    def __init__(self, timeout_s: float = UNARY_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        # When each open call began; in that order, as a dictionary keeps it.
        self._began_s: dict[asyncio.Task[Any], float] = {}
        self._given_up: set[asyncio.Task[Any]] = set()
        self._sweeping = False

    def around_unary(self, method: Method, behaviour: UnaryBehaviour) -> UnaryBehaviour:
        """Wrap a behaviour that answers once; an upload may take as long as it takes."""
        if method.request_streaming:
            return behaviour

        async def limited(request: Any, context: Context) -> Any:
            task = asyncio.current_task()
            if task is None or context.time_remaining() is not None:
                return await behaviour(request, context)
            loop = task.get_loop()
            self._began_s[task] = loop.time()
            if not self._sweeping:
                self._sweep_later(loop)
            cancelled_before = task.cancelling()
            try:
                return await behaviour(request, context)
            except asyncio.CancelledError as error:
                if task not in self._given_up or task.uncancel() > cancelled_before:
                    raise
                raise self._refusal() from error
            finally:
                self._began_s.pop(task, None)
                self._given_up.discard(task)

        return limited

    def around_stream(self, method: Method, behaviour: StreamBehaviour) -> StreamBehaviour:
        """Leave streams alone: they may stay open."""
        del method
        return behaviour

    def _sweep_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeping = True
        loop.call_later(min(self._timeout_s, SWEEP_S_MAX), self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeping = False
        too_old_s = loop.time() - self._timeout_s
        while self._began_s:
            task, began_s = next(iter(self._began_s.items()))
            if began_s > too_old_s:
                self._sweep_later(loop)
                return
            del self._began_s[task]
            self._given_up.add(task)
            task.cancel()

    def _refusal(self) -> UttersonError:
        return UttersonError(
            Reason.OUTCOME_UNKNOWN,
            f"no answer within {self._timeout_s:g} s, the limit of calls without a deadline; "
            "repeat with the same request_id",
        )


class ValidationLayer:
    """Turns bytes into messages that keep the field rules; leaves alone what is validated in Rust."""

    name = "validation"

    def __init__(self, rules: FieldRules) -> None:
        self._rules = rules

    def around_unary(self, method: Method, behaviour: UnaryBehaviour) -> UnaryBehaviour:
        """Wrap a behaviour that answers once."""
        parse = method.parse
        if parse is None:
            return behaviour

        async def validated(request: bytes, context: Context) -> Any:
            self._rules.check(method.path, request)
            return await behaviour(parse(request), context)

        return validated

    def around_stream(self, method: Method, behaviour: StreamBehaviour) -> StreamBehaviour:
        """Wrap a behaviour that answers with a stream."""
        parse = method.parse
        if parse is None:
            return behaviour

        async def validated(request: bytes, context: Context) -> AsyncGenerator[Any, None]:
            self._rules.check(method.path, request)
            async with aclosing(behaviour(parse(request), context)) as answers:
                async for answer in answers:
                    yield answer

        return validated


def as_generator(behaviour: Callable[[Any, Context], AsyncIterator[Any]]) -> StreamBehaviour:
    """Give a behaviour that answers with any iterator the shape that layers expect."""

    async def generated(request: Any, context: Context) -> AsyncGenerator[Any, None]:
        answers = behaviour(request, context)
        try:
            async for answer in answers:
                yield answer
        finally:
            if isinstance(answers, AsyncGenerator):
                await answers.aclose()

    return generated
