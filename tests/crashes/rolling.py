"""Two servers on one database, restarted in turn under load: `python -m tests.crashes.rolling --restarts 50`.

No call may fail: neither of our client, nor of one of gRPC's own that was given the published service config.
"""

import argparse
import asyncio
import tempfile
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from tests.crashes.server_process import ServerProcess
from utterson.client import SERVICE_CONFIG_OPTION, CallRefused, UttersonClient, service_config
from utterson.v1 import identifier_pb2, identity_service_pb2_grpc
from utterson.v1 import identity_service_pb2 as pb

WORKSPACE = "shop"
DEADLINE_S = 10.0
CALLERS = 24
BATCH_CALLS = 20


@dataclass
class Outcome:
    """What callers met, and how long the servers took to stop."""

    answered: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    stopped_in_s: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        """Write one line."""
        slowest_s = max(self.stopped_in_s, default=0.0)
        return f"answered {dict(self.answered)}, failed {dict(self.failed)}, stopped in {slowest_s:.2f} s at most"


class Callers:
    """Callers of both makes, each making one call after the other."""

    def __init__(self, addresses: list[str], outcome: Outcome) -> None:
        self._target = "ipv4:" + ",".join(addresses)
        self._outcome = outcome
        self._ending = False

    async def run(self) -> None:
        """Call until told to end."""
        # gRPC would name the whole list to the server, which is no name of one.
        options = ((SERVICE_CONFIG_OPTION, service_config()), ("grpc.default_authority", "shop"))
        async with (
            UttersonClient(self._target, timeout_s=DEADLINE_S) as client,
            grpc.aio.insecure_channel(self._target, options=options) as channel,
        ):
            stub = identity_service_pb2_grpc.IdentityServiceStub(channel)
            await asyncio.gather(
                *(self._ours(client) for _ in range(CALLERS)),
                *(self._plain(stub) for _ in range(CALLERS)),
                self._batches(client),
            )

    def end(self) -> None:
        """End after the calls that are under way."""
        self._ending = True

    async def _ours(self, client: UttersonClient) -> None:
        while not self._ending:
            try:
                await client.identify(WORKSPACE, [("user_id", str(uuid.uuid4()))])
                self._outcome.answered["our client"] += 1
            except CallRefused as refusal:
                self._outcome.failed[f"our client: {refusal}"] += 1

    async def _batches(self, client: UttersonClient) -> None:
        while not self._ending:
            calls = [pb.Call(identify=_request("")) for _ in range(BATCH_CALLS)]
            try:
                for result in await client.batch_resolve(WORKSPACE, calls):
                    if isinstance(result, CallRefused):
                        raise result
                self._outcome.answered["batches"] += 1
            except CallRefused as refusal:
                self._outcome.failed[f"batch: {refusal}"] += 1

    async def _plain(self, stub: Any) -> None:
        while not self._ending:
            try:
                await stub.Identify(_request(WORKSPACE), timeout=DEADLINE_S)
                self._outcome.answered["gRPC's retries"] += 1
            except grpc.aio.AioRpcError as error:
                self._outcome.failed[f"gRPC's retries: {error.code().name} {error.details()}"] += 1


def _request(workspace: str) -> pb.IdentifyRequest:
    value = str(uuid.uuid4())
    identifier = identifier_pb2.Identifier(type="user_id", value=value)
    return pb.IdentifyRequest(workspace=workspace, identifiers=[identifier], request_id=value)


async def rolled(folder: Path, restarts: int, *, front: str = "on") -> Outcome:
    """Restart two servers in turn while they are called.

    Args:
        folder: for the database and the logs; others may look into it.
        restarts: how many, both servers together.
        front: the setting of that name.
    """
    settings = {"FRONT": front}
    servers = [ServerProcess(folder / "data", folder / f"log{number}", settings) for number in range(2)]
    outcome = Outcome()
    calling: asyncio.Task[None] | None = None
    try:
        for server in servers:
            await server.start()
        async with UttersonClient(servers[0].address, timeout_s=DEADLINE_S) as client:
            await client.create_workspace(WORKSPACE, preset="identity_graph_rules")
        callers = Callers([server.address for server in servers], outcome)
        calling = asyncio.create_task(callers.run())
        for number in range(restarts):
            await asyncio.sleep(0.5)
            server = servers[number % 2]
            began_s = asyncio.get_running_loop().time()
            await server.stop()
            outcome.stopped_in_s.append(asyncio.get_running_loop().time() - began_s)
            await server.start()
        await asyncio.sleep(0.5)
        callers.end()
        await calling
    finally:
        if calling is not None:
            calling.cancel()
        for server in servers:
            await server.stop()
    return outcome


async def _run(restarts: int, front: str) -> None:
    with tempfile.TemporaryDirectory(prefix="utterson-rolling-") as folder:
        Path(folder).chmod(0o755)  # Postgres may run as another account
        print(await rolled(Path(folder), restarts, front=front))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Rolling restarts of two servers under load.")
    parser.add_argument("--restarts", type=int, default=50)
    parser.add_argument("--front", choices=["on", "off"], default="on")
    chosen = parser.parse_args()
    asyncio.run(_run(chosen.restarts, chosen.front))
