"""Closes a database to everybody and opens it again, as an operator or a failover does, while its cluster goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg


class Doors:
    """The doors of one database."""

    def __init__(self, url: str, admin: "asyncpg.Connection[Any]") -> None:
        self.url = url
        self.name = url.partition("?")[0].rpartition("/")[2]
        self.admin = admin

    async def cut(self) -> None:
        """Put everybody out."""
        await self.admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", self.name)

    async def close(self) -> None:
        """Let nobody in, and put everybody out."""
        await self.admin.execute(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS false")
        await self.cut()
        # Until the drivers have noticed.
        await asyncio.sleep(0.05)

    async def open(self) -> None:
        """Let all in again."""
        await self.admin.execute(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS true")


@asynccontextmanager
async def doors_of(url: str) -> AsyncIterator[Doors]:
    """The doors of a database; open again at the end."""
    base, _, options = url.partition("?")
    admin = await asyncpg.connect(f"{base.rpartition('/')[0]}/postgres?{options}")
    doors = Doors(url, admin)
    yield doors
    await doors.open()
    await admin.close()
