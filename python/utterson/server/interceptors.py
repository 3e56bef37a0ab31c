"""Puts the layers around every handler of the API, once a method."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
from grpc import HandlerCallDetails

from utterson.server.guard import GuardLayer
from utterson.server.layers import (
    DeadlineLayer,
    Handler,
    Layer,
    Method,
    RequestIdLayer,
    ValidationLayer,
    as_generator,
)
from utterson.server.validation import FieldRules

API_PREFIX = "/utterson."


def standard_layers(rules: FieldRules) -> tuple[Layer, ...]:
    """List what every call passes through, outermost first.

    The guard comes first, so that nothing that goes wrong in another layer leaves a caller without a status.
    """
    return (GuardLayer(), RequestIdLayer(), DeadlineLayer(), ValidationLayer(rules))


class LayerInterceptor(grpc.aio.ServerInterceptor):
    """Answers with handlers that have all layers around them; services of others (health, reflection) stay bare.

    Args:
        layers: what every call passes through, outermost first.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = tuple(layers)
        self._handlers: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[HandlerCallDetails], Awaitable["Handler | None"]],
        handler_call_details: HandlerCallDetails,
    ) -> "Handler | None":
        """Find the handler of a method; wrapped when it is first called, kept from then on."""
        path = handler_call_details.method
        wrapped = self._handlers.get(path)
        if wrapped is not None:
            return wrapped
        handler = await continuation(handler_call_details)
        if handler is None or not path.startswith(API_PREFIX):
            return handler
        wrapped = self._wrap(path, handler)
        self._handlers[path] = wrapped
        return wrapped

    def _wrap(self, path: str, handler: Handler) -> Handler:
        method = Method(path, handler.request_streaming, handler.request_deserializer)
        # grpc types behaviours as synchronous; those of grpc.aio are not.
        behaviour: Any = handler.unary_unary or handler.stream_unary or handler.unary_stream or handler.stream_stream
        if handler.response_streaming:
            behaviour = as_generator(behaviour)
        for layer in reversed(self._layers):
            around = layer.around_stream if handler.response_streaming else layer.around_unary
            behaviour = around(method, behaviour)
        return _MAKERS[handler.request_streaming, handler.response_streaming](
            behaviour, request_deserializer=None, response_serializer=handler.response_serializer
        )


_MAKERS: dict[tuple[bool, bool], Callable[..., Handler]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
