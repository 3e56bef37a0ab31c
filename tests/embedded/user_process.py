"""A program that uses the embedded Postgres until it is told to leave: `user_process.py <data folder>`.

It writes "ready" when the server answers, and leaves in order when its input ends.
"""

import asyncio
import sys
from pathlib import Path

from utterson.store.embedded import EmbeddedPostgres


async def _main() -> None:
    async with EmbeddedPostgres(Path(sys.argv[1]), start_timeout_s=60):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


asyncio.run(_main())
