"""The last resort around every call: whatever goes wrong inside, the caller gets a status.

No text leaves the server that was not meant for callers, and none of an exception's texts enters the log.
"""

import asyncio
import logging
import secrets
import traceback
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Never

import grpc
from google.rpc import status_pb2
from grpc_status import rpc_status

from utterson.domain.errors import UttersonError
from utterson.server.layers import Context, Method, StreamBehaviour, UnaryBehaviour, request_id_of_call
from utterson.server.status import error_status, fault_status

logger = logging.getLogger(__name__)

CAUSES_MAX = 5


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
                await _refuse(error, method, context)

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
                await _refuse(error, method, context)

        return guarded


async def _refuse(error: BaseException, method: Method, context: Context) -> Never:
    """End the call with a status that tells only what callers may know."""
    if isinstance(error, grpc.aio.AbortError) or _call_is_cancelled(error):
        raise error
    if isinstance(error, UttersonError):
        await _abort(context, error_status(error))
    fault_id = secrets.token_hex(8)
    logger.error(
        "fault %s in %s, request id %s: %s",
        fault_id,
        method.path,
        request_id_of_call.get(),
        _without_texts(error),
    )
    await _abort(context, fault_status(fault_id))


def _without_texts(error: BaseException) -> str:
    """Tell an exception and its causes by kind and place; their texts may hold identifier values."""
    told: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(told) < CAUSES_MAX:
        frames = "".join(traceback.format_tb(cause.__traceback__))
        told.append(f"{type(cause).__module__}.{type(cause).__qualname__}\n{frames}")
        cause = cause.__cause__ or cause.__context__
    return "caused by ".join(told)


def _call_is_cancelled(error: BaseException) -> bool:
    """Tell a cancelled call from a CancelledError from elsewhere, after which nobody would answer the caller."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


async def _abort(context: Context, status: status_pb2.Status) -> Never:
    rich = rpc_status.to_status(status)
    # The status brings its own trailers; the request id would be lost.
    trailers = (*rich.trailing_metadata, *(context.trailing_metadata() or ()))
    await context.abort_with_status(rich._replace(trailing_metadata=trailers))
