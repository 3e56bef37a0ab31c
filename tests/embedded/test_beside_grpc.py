"""Programs of another account, as Postgres is when root serves, start while gRPC is busy in this process."""

import os
import subprocess
import sys

import pytest

# Each of them failed every second time or so.
PROGRAMS = 40
BUSY = f"""
import asyncio, subprocess
import utterson.cli
import grpc

async def busy(channel):
    while True:
        try:
            await channel.unary_unary("/a/b")(b"", timeout=1)
        except grpc.RpcError:
            pass

async def main():
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{{port}}")
    callers = [asyncio.create_task(busy(channel)) for _ in range(4)]
    for _ in range({PROGRAMS}):
        ended = await asyncio.to_thread(subprocess.run, ["/bin/true"], user=65534)
        print(ended.returncode)
    for caller in callers:
        caller.cancel()

asyncio.run(main())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts programs of another account")
def test_programs_start_while_grpc_is_busy() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "GRPC_ENABLE_FORK_SUPPORT"}
    command = [sys.executable, "-c", BUSY]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.split() == ["0"] * PROGRAMS
