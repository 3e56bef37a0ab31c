"""A whole server in the test's own process, on any database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from utterson.application.lane.lane import Lane
from utterson.main import running
from utterson.settings.process import Settings


@asynccontextmanager
async def served(database_url: str, **settings: object) -> AsyncIterator[str]:
    """Run a server; gives its address."""
    chosen = {"listen": "127.0.0.1:0", "database_url": database_url, "shutdown_grace_ms": 2_000} | settings
    async with running(Settings.model_validate(chosen)) as server:
        yield f"127.0.0.1:{server.port}"


def lanes() -> list[Lane]:
    """Find the lanes of this process by their tasks."""
    coroutines = [task.get_coro() for task in asyncio.all_tasks() if task.get_name().startswith("lane ")]
    frames = [getattr(coroutine, "cr_frame", None) for coroutine in coroutines]
    return [frame.f_locals["self"] for frame in frames if frame is not None]
