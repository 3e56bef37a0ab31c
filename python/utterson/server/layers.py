"""What every call of the API passes through, outermost first; `interceptors.py` puts them around the handlers.

A layer wraps a behaviour (what answers a call) in another of the same shape. Behaviours get the request as bytes, or an
iterator of bytes, until the validation layer turns it into a message.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
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

# The id of the call at hand, for whoever writes a log line.
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
    """Takes the caller's `x-request-id`, or makes one, and sends it back in the trailers."""

    name = "request id"

    def around_unary(self, method: Method, behaviour: UnaryBehaviour) -> UnaryBehaviour:
        """Wrap a behaviour that answers once."""
        del method

        async def identified(request: Any, context: Context) -> Any:
            _identify(context)
            return await behaviour(request, context)

        return identified

    def around_stream(self, method: Method, behaviour: StreamBehaviour) -> StreamBehaviour:
        """Wrap a behaviour that answers with a stream."""
        del method

        async def identified(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            _identify(context)
            async with aclosing(behaviour(request, context)) as answers:
                async for answer in answers:
                    yield answer

        return identified


def _identify(context: Context) -> None:
    request_id = ""
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID_KEY and isinstance(value, str):
            request_id = value
    if not 0 < len(request_id) <= REQUEST_ID_LENGTH_MAX:
        request_id = secrets.token_hex(8)
    request_id_of_call.set(request_id)
    context.set_trailing_metadata(((REQUEST_ID_KEY, request_id),))


class DeadlineLayer:
    """Gives up a unary call that has no deadline of its own; a caller's deadline is kept by grpc itself."""

    name = "deadline"

    def __init__(self, timeout_s: float = UNARY_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s

    def around_unary(self, method: Method, behaviour: UnaryBehaviour) -> UnaryBehaviour:
        """Wrap a behaviour that answers once; an upload may take as long as it takes."""
        if method.request_streaming:
            return behaviour

        async def limited(request: Any, context: Context) -> Any:
            if context.time_remaining() is not None:
                return await behaviour(request, context)
            limit = asyncio.timeout(self._timeout_s)
            try:
                async with limit:
                    return await behaviour(request, context)
            except TimeoutError as error:
                if not limit.expired():
                    raise
                raise UttersonError(
                    Reason.OUTCOME_UNKNOWN,
                    f"no answer within {self._timeout_s:g} s, the limit of calls without a deadline; "
                    "repeat with the same request_id",
                ) from error

        return limited

    def around_stream(self, method: Method, behaviour: StreamBehaviour) -> StreamBehaviour:
        """Leave streams alone: they may stay open."""
        del method
        return behaviour


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
