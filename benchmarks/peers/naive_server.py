"""The naive peer behind a plain gRPC server: generated servicer, a pool of connections, one statement a call.

Run as `python -m benchmarks.peers.naive_server --listen ADDRESS --database-url URL`.
"""

import argparse

import asyncpg
import grpc
import uvloop

from benchmarks.peers.naive_database import REPEATABLE, RESOLVE
from utterson.v1.identity_service_pb2 import IdentifyRequest, IdentifyResponse
from utterson.v1.identity_service_pb2_grpc import IdentityServiceServicer, add_IdentityServiceServicer_to_server
from utterson.v1.resolution_pb2 import Outcome, Resolution

TRIES_MAX = 10


class NaiveServicer(IdentityServiceServicer):
    """Answers Identify of workspaces with the preset `identity_graph_rules`."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def Identify(  # noqa: N802 - the name is the API's
        self, request: IdentifyRequest, context: grpc.aio.ServicerContext[IdentifyRequest, IdentifyResponse]
    ) -> IdentifyResponse:
        """Resolve in the database; a call that met another in its way is sent again."""
        if not request.identifiers:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a call needs an identifier")
        types = [identifier.type for identifier in request.identifiers]
        values = [identifier.value for identifier in request.identifiers]
        for _ in range(TRIES_MAX):
            try:
                row = await self._pool.fetchrow(RESOLVE, request.workspace, types, values)
            except REPEATABLE:
                continue
            if row is not None:
                outcome = Outcome.ValueType(row["outcome"])
                return IdentifyResponse(resolution=Resolution(profile_id=row["resolved"], outcome=outcome))
        return await context.abort(grpc.StatusCode.ABORTED, "too many others at the same profiles")


async def _keep_session(_connection: object) -> None:
    """Skip the driver's reset on release: a round trip a call for nothing."""


async def main(listen: str, database_url: str, connections: int) -> None:
    """Serve until killed."""
    pool = await asyncpg.create_pool(database_url, min_size=connections, max_size=connections, reset=_keep_session)
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    servicer = NaiveServicer(pool)  # type: ignore[abstract]  # the base class refuses the calls that are not there
    add_IdentityServiceServicer_to_server(servicer, server)
    server.add_insecure_port(listen)
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True, help="address, HOST:PORT")
    parser.add_argument("--database-url", required=True, help="address of the naive peer's database")
    parser.add_argument("--connections", type=int, default=8, help="connections to the database")
    arguments = parser.parse_args()
    uvloop.run(main(arguments.listen, arguments.database_url, arguments.connections))
