"""IdentityService: the hot path. Bytes in, bytes out; the engine reads and writes the messages."""

from collections.abc import AsyncIterator, Awaitable

import grpc

from utterson.application.calls.identity import IdentityService
from utterson.domain.calls import CallKind
from utterson.server.rpc.layers import Context, Handler

SERVICE = "utterson.v1.IdentityService"


class IdentityServicer:
    """Hands the bytes of each call to the use cases, and their coroutines back: the layers around await them."""

    def __init__(self, use_cases: IdentityService) -> None:
        self._use_cases = use_cases

    def identify(self, request: bytes, context: Context) -> Awaitable[bytes]:
        """Tell who this is."""
        del context
        return self._use_cases.resolve(CallKind.IDENTIFY, request)

    def login(self, request: bytes, context: Context) -> Awaitable[bytes]:
        """Answer a login."""
        del context
        return self._use_cases.resolve(CallKind.LOGIN, request)

    def logout(self, request: bytes, context: Context) -> Awaitable[bytes]:
        """Answer a logout."""
        del context
        return self._use_cases.resolve(CallKind.LOGOUT, request)

    def track(self, request: bytes, context: Context) -> Awaitable[bytes]:
        """Store an event."""
        del context
        return self._use_cases.resolve(CallKind.TRACK, request)

    def modify(self, request: bytes, context: Context) -> Awaitable[bytes]:
        """Change a profile's identifiers."""
        del context
        return self._use_cases.resolve(CallKind.MODIFY, request)

    def search(self, request: bytes, context: Context) -> Awaitable[bytes]:
        """Tell which profile Identify would return."""
        del context
        return self._use_cases.resolve(CallKind.SEARCH, request)

    def batch_resolve(self, request: bytes, context: Context) -> Awaitable[bytes]:
        """Answer a batch of calls."""
        del context
        return self._use_cases.resolve_batch(request)

    def stream_resolve(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        """Answer a stream of batches, in order."""
        del context
        return self._use_cases.resolve_stream(requests)


def identity_handlers(use_cases: IdentityService) -> dict[str, Handler]:
    """List the handlers by method; without serializers, so that bytes pass through untouched."""
    servicer = IdentityServicer(use_cases)
    return {
        "Identify": grpc.unary_unary_rpc_method_handler(servicer.identify),
        "Login": grpc.unary_unary_rpc_method_handler(servicer.login),
        "Logout": grpc.unary_unary_rpc_method_handler(servicer.logout),
        "Track": grpc.unary_unary_rpc_method_handler(servicer.track),
        "Modify": grpc.unary_unary_rpc_method_handler(servicer.modify),
        "Search": grpc.unary_unary_rpc_method_handler(servicer.search),
        "BatchResolve": grpc.unary_unary_rpc_method_handler(servicer.batch_resolve),
        "StreamResolve": grpc.stream_stream_rpc_method_handler(servicer.stream_resolve),
    }
