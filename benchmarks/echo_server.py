"""The alternative of a first reading: a gRPC server of the same build that does nothing but answer.

Run as `python -m benchmarks.echo_server ADDRESS`. Same options, uvloop and bytes handlers as the real server, so what
it reaches is what the transport allows.
"""

import sys

import grpc
import uvloop

UNARY_ANSWER = b"\0" * 195


async def _unary(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
    del request, context
    return UNARY_ANSWER


async def _batch(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
    del context
    return b"\0" * (len(request) * 3 // 2)


async def main(address: str) -> None:
    """Serve until killed."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 32 << 20)])
    methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Identify": grpc.unary_unary_rpc_method_handler(_unary),
        "BatchResolve": grpc.unary_unary_rpc_method_handler(_batch),
    }
    handler = grpc.method_handlers_generic_handler("utterson.v1.IdentityService", methods)
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(address)
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
