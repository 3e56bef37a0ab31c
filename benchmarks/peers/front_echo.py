"""The echo through the front: asyncio gives every call the same bytes; what it reaches, front and loop allow.

Run as `python -m benchmarks.peers.front_echo --listen ADDRESS`. The product's front with its settings, uvloop, one
`take` and one `answer` a turn of the loop.
"""

import argparse
import asyncio

import uvloop

from benchmarks.peers.echo_server import resolution
from utterson.engine.front import Front
from utterson.main import front_limits
from utterson.server.front.calls import TAKE_CALLS_MAX, taken_methods
from utterson.server.front.listener import BEAT_S
from utterson.server.front.ports import FrontMethods
from utterson.server.front.refusals import front_refusals
from utterson.server.listening import places
from utterson.settings.process import Settings
from utterson.v1.identity_service_pb2 import IdentifyResponse

# Nothing that is not taken is asked for.
NOBODY_BEHIND = "/nonexistent/grpc"


async def main(listen: str, answer_bytes: int) -> None:
    """Serve until killed."""
    limits = front_limits(Settings(listen=listen))
    front = Front(
        listen=places(listen),
        behind=NOBODY_BEHIND,
        methods=FrontMethods([method for method in taken_methods() if method[0].endswith("/Identify")], []),
        services=(),
        limits=limits,
        refusals=front_refusals(limits.message_bytes_max),
    )
    response = IdentifyResponse(resolution=resolution(answer_bytes)).SerializeToString()

    def answer() -> None:
        calls, _, _ = front.take(TAKE_CALLS_MAX)
        front.answer([(call[0], response) for call in calls], [], [])

    asyncio.get_running_loop().add_reader(front.descriptor, answer)
    front.set_serving(True)
    while True:
        front.alive()
        await asyncio.sleep(BEAT_S)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True, help="address, HOST:PORT")
    parser.add_argument("--answer-bytes", type=int, default=195, help="size of the answer to a unary call")
    arguments = parser.parse_args()
    uvloop.run(main(arguments.listen, arguments.answer_bytes))
