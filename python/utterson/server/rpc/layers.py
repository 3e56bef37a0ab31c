"""What every call of the API passes through, in gRPC's terms; `layering.py` puts the layers around the handlers.

A layer wraps a behaviour (what answers a call) in another of the same shape. Behaviours get the request as bytes, or an
iterator of bytes, until the validation layer turns it into a message. What a layer does is decided in the rooms that
all listeners share; here it meets gRPC's contexts.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Never, Protocol, TypeAlias

import grpc
from google.protobuf.message import Message
from google.rpc import status_pb2
from grpc_status import rpc_status

from utterson.application.refusals import shutting_down
from utterson.server.deadline import Deadline
from utterson.server.draining import Drain
from utterson.server.guard import refusal_of
from utterson.server.limits import UNARY_TIMEOUT_S
from utterson.server.refusals import error_status, no_message
from utterson.server.request_id import REQUEST_ID_KEY, make_request_id, request_id_of_call
from utterson.server.validation import FieldRules

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


class GuardLayer:
    """Turns every exception into a status.

    Without it grpc sends no status at all after a BaseException (PyO3's PanicException is one), and the text of any
    other exception as it is.
    """

    name = "guard"

    def around_unary(self, method: Method, behaviour: UnaryBehaviour) -> UnaryBehaviour:
        """Wrap a behaviour that answers once."""

        async def guarded(request: Any, context: Context) -> Any:
            try:
                return await behaviour(request, context)
            except BaseException as error:
                ended = await _ended(error, method, context)
            # grpc keeps the error that ends the call, and with it this frame: what that named would be garbage that
            # only the collector finds.
            del request, context
            try:
                raise ended
            finally:
                del ended

        return guarded

    def around_stream(self, method: Method, behaviour: StreamBehaviour) -> StreamBehaviour:
        """Wrap a behaviour that answers with a stream."""

        async def guarded(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            try:
                async with aclosing(behaviour(request, context)) as answers:
                    async for answer in answers:
                        yield answer
            except GeneratorExit:
                raise
            except BaseException as error:
                ended = await _ended(error, method, context)
            else:
                return
            del request, context
            try:
                raise ended
            finally:
                del ended

        return guarded


async def _ended(error: BaseException, method: Method, context: Context) -> BaseException:
    """End the call, and give what is to be raised then, without the frames through which it came."""
    try:
        await _refuse(error, method, context)
    except BaseException as raised:
        return raised.with_traceback(None)


async def _refuse(error: BaseException, method: Method, context: Context) -> Never:
    """End the call with a status that tells only what callers may know."""
    if isinstance(error, grpc.aio.AbortError):
        raise error
    refusal = refusal_of(error, method.path)
    if refusal is None:
        raise error
    await _abort(context, error_status(refusal))


async def _abort(context: Context, status: status_pb2.Status) -> Never:
    rich = rpc_status.to_status(status)
    # The status brings its own trailers; the request id would be lost.
    trailers = (*rich.trailing_metadata, *(context.trailing_metadata() or ()))
    await context.abort_with_status(rich._replace(trailing_metadata=trailers))


class RequestIdLayer:
    """Sends the caller's `x-request-id` back in the trailers; streams and refused calls that bring none get one."""

    name = "request id"

    def around_unary(self, method: Method, behaviour: UnaryBehaviour) -> UnaryBehaviour:
        """Wrap a behaviour that answers once."""
        del method

        async def identified(request: Any, context: Context) -> Any:
            if request_id := request_id_of_call.get():
                _send_request_id(context, request_id)
                return await behaviour(request, context)
            try:
                answer = await behaviour(request, context)
            except BaseException:
                _send_request_id(context, request_id_of_call.get() or make_request_id())
                raise
            if request_id := request_id_of_call.get():
                # Made on the way, for a fault among the results of a batch.
                _send_request_id(context, request_id)
            return answer

        return identified

    def around_stream(self, method: Method, behaviour: StreamBehaviour) -> StreamBehaviour:
        """Wrap a behaviour that answers with a stream."""
        del method

        async def identified(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            _send_request_id(context, request_id_of_call.get() or make_request_id())
            async with aclosing(behaviour(request, context)) as answers:
                async for answer in answers:
                    yield answer

        return identified


def _send_request_id(context: Context, request_id: str) -> None:
    context.set_trailing_metadata(((REQUEST_ID_KEY, request_id),))


class ReadingLayer:
    """Reads the message of a call that has one, and says so where there is none; reads streams until the server stops.

    A server that stops takes no new calls: what arrives in between is told so, instead of being cut.
    """

    name = "reading"

    def __init__(self, drain: Drain) -> None:
        self._drain = drain

    def around_unary(self, method: Method, behaviour: UnaryBehaviour) -> UnaryBehaviour:
        """Wrap a behaviour that answers once."""

        async def read(requests: AsyncIterator[bytes], context: Context) -> Any:
            return await behaviour(await self._request(method, requests, context), context)

        return read

    def around_stream(self, method: Method, behaviour: StreamBehaviour) -> StreamBehaviour:
        """Wrap a behaviour that answers with a stream."""

        async def read(requests: AsyncIterator[bytes], context: Context) -> AsyncGenerator[Any, None]:
            async with aclosing(behaviour(await self._request(method, requests, context), context)) as answers:
                async for answer in answers:
                    yield answer

        return read

    async def _request(
        self, method: Method, requests: AsyncIterator[bytes], context: Context
    ) -> bytes | AsyncIterator[bytes]:
        """Give what the behaviour takes: the message, or all of them."""
        if self._drain.has_begun:
            raise shutting_down()
        if method.request_streaming:
            return self._drain.read(requests)
        try:
            # Not from the iterator, which would have to be closed afterwards.
            message = await self._drain.limited(context.read(), UNARY_TIMEOUT_S)
        except TimeoutError:
            raise no_message() from None
        if not isinstance(message, bytes):
            # gRPC's mark of the end.
            raise no_message()
        return message


class DeadlineLayer:
    """Gives up a unary call that has no deadline of its own; a caller's deadline is kept by grpc itself."""

    name = "deadline"

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def around_unary(self, method: Method, behaviour: UnaryBehaviour) -> UnaryBehaviour:
        """Wrap a behaviour that answers once; an upload may take as long as it takes."""
        if method.request_streaming:
            return behaviour

        def limited(request: Any, context: Context) -> Awaitable[Any]:
            answer = behaviour(request, context)
            return answer if context.time_remaining() is not None else self._deadline.limited(answer)

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
