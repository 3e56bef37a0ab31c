"""The bare echo: a gRPC server of the same build that does nothing but answer, so what it reaches the transport allows.

Run as `python -m benchmarks.peers.echo_server --listen ADDRESS`. uvloop and bytes handlers; its answers have the size
and the form of the real ones, prepared ahead.
"""

import argparse
from collections.abc import AsyncIterator

import grpc
import uvloop

from utterson.v1.identity_service_pb2 import BatchResolveResponse, CallResult, IdentifyResponse
from utterson.v1.resolution_pb2 import Outcome, Resolution

SEQUENCE_TAG = 0x08
# The results are field 1 of a batch's answer, but field 2 of a stream message's: the first field there is the sequence.
_STREAM_RESULT_TAG = b"\x12"


class Echo:
    """Answers of one size.

    Args:
        answer_bytes: size of the answer to a unary call.
        calls_in_message: how many results the answer to a batch or stream message has.
    """

    def __init__(self, answer_bytes: int, calls_in_message: int) -> None:
        answer = resolution(answer_bytes)
        self._unary = IdentifyResponse(resolution=answer).SerializeToString()
        result = CallResult(resolution=answer)
        self._batch = BatchResolveResponse(results=[result] * calls_in_message).SerializeToString()
        one = BatchResolveResponse(results=[result]).SerializeToString()
        self._stream = (_STREAM_RESULT_TAG + one[1:]) * calls_in_message

    async def unary(self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        """Answer a unary call."""
        del request, context
        return self._unary

    async def batch(self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        """Answer a batch."""
        del request, context
        return self._batch

    async def stream(
        self, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]
    ) -> AsyncIterator[bytes]:
        """Answer each message of a stream with its own sequence number."""
        del context
        async for request in requests:
            yield _sequence(request) + self._stream


def _sequence(request: bytes) -> bytes:
    """Cut the sequence number, tag and all, off the front of a stream message."""
    if request[0] != SEQUENCE_TAG:
        return b""
    end = 1
    while request[end] & 0x80:
        end += 1
    return request[: end + 1]


def resolution(answer_bytes: int) -> Resolution:
    """Build an answer of that size: its token takes what the other fields leave."""
    made = Resolution(profile_id=2**52, outcome=Outcome.OUTCOME_MATCHED, policy_revision=1, revision="x")
    missing = answer_bytes - len(IdentifyResponse(resolution=made).SerializeToString())
    made.revision = "x" * max(1, missing)
    return made


async def main(listen: str, echo: Echo) -> None:
    """Serve until killed."""
    server = grpc.aio.server(
        options=[
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", 32 << 20),
            ("grpc.max_send_message_length", -1),
        ]
    )
    methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Identify": grpc.unary_unary_rpc_method_handler(echo.unary),
        "BatchResolve": grpc.unary_unary_rpc_method_handler(echo.batch),
        "StreamResolve": grpc.stream_stream_rpc_method_handler(echo.stream),
    }
    handler = grpc.method_handlers_generic_handler("utterson.v1.IdentityService", methods)
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(listen)
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True, help="address, HOST:PORT")
    parser.add_argument("--answer-bytes", type=int, default=195, help="size of the answer to a unary call")
    parser.add_argument("--calls-in-message", type=int, default=100, help="results in the answer to a message")
    arguments = parser.parse_args()
    uvloop.run(main(arguments.listen, Echo(arguments.answer_bytes, arguments.calls_in_message)))
