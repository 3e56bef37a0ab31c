"""Puts the layers around every handler of the API, once, when the server is built."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc
from grpc import HandlerCallDetails

from utterson.server.byte_budget import ByteBudget
from utterson.server.deadline import Deadline
from utterson.server.draining import Drain
from utterson.server.request_id import note_request_id
from utterson.server.rpc.budget_layer import BudgetLayer
from utterson.server.rpc.layers import (
    DeadlineLayer,
    GuardLayer,
    Handler,
    Layer,
    Method,
    ReadingLayer,
    RequestIdLayer,
    ValidationLayer,
    as_generator,
)
from utterson.server.validation import FieldRules


def standard_layers(rules: FieldRules, drain: Drain, budget: ByteBudget, upload_timeout_s: float) -> tuple[Layer, ...]:
    """List what every call passes through, outermost first.

    The guard comes first, so that nothing that goes wrong in another layer leaves a caller without a status. The budget
    comes before anything is made of a request.
    """
    return (
        GuardLayer(),
        RequestIdLayer(),
        DeadlineLayer(Deadline()),
        ReadingLayer(drain),
        BudgetLayer(budget, upload_timeout_s),
        ValidationLayer(rules),
    )


class LayeredHandlers(grpc.GenericRpcHandler):
    """Finds the handlers of the API, which have all layers around them.

    Not an interceptor: that would cost every call two coroutines to find what never changes.

    Args:
        services: the handlers by service and method.
        layers: what every call passes through, outermost first.
    """

    def __init__(self, services: Mapping[str, Mapping[str, Handler]], layers: Sequence[Layer]) -> None:
        self._handlers = {
            path: _wrapped(path, handler, layers)
            for service, methods in services.items()
            for path, handler in ((f"/{service}/{name}", handler) for name, handler in methods.items())
        }

    def service(self, handler_call_details: HandlerCallDetails) -> "Handler | None":
        """Find the handler of a method. grpc asks within the call's own task, so what is noted is the call's."""
        handler = self._handlers.get(handler_call_details.method)
        if handler is not None:
            note_request_id(handler_call_details.invocation_metadata or ())
        return handler


def _wrapped(path: str, handler: Handler, layers: Sequence[Layer]) -> Handler:
    method = Method(path, handler.request_streaming, handler.request_deserializer)
    # grpc types behaviours as synchronous; those of grpc.aio are not.
    behaviour: Any = handler.unary_unary or handler.stream_unary or handler.unary_stream or handler.stream_stream
    if handler.response_streaming:
        behaviour = as_generator(behaviour)
    for layer in reversed(layers):
        around = layer.around_stream if handler.response_streaming else layer.around_unary
        behaviour = around(method, behaviour)
    # All are told to gRPC as if they streamed their requests: one that should bring a message and brings none is never
    # answered otherwise, nor ever forgotten. The reading layer takes the message out.
    make: Callable[..., Handler] = (
        grpc.stream_stream_rpc_method_handler if handler.response_streaming else grpc.stream_unary_rpc_method_handler
    )
    return make(behaviour, request_deserializer=None, response_serializer=handler.response_serializer)
