"""Something that stands before the reading of workspaces."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.application.conftest import Replica
from utterson.domain.chain import StoredWorkspace


class Reading:
    """Stands before the reading of workspaces: counts, and holds it back until it is opened."""

    def __init__(self, replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = asyncio.Event()
        self.opened.set()
        self.names: list[str] = []
        self.queries = 0
        self._named = replica.store.workspaces.named
        monkeypatch.setattr(replica.store.workspaces, "named", self)

    async def __call__(self, workspaces: Sequence[str]) -> dict[str, StoredWorkspace]:
        self.names += workspaces
        self.queries += 1
        await self.opened.wait()
        return await self._named(workspaces)

    async def asked(self) -> None:
        """Wait until a query is under way."""
        async with asyncio.timeout(5):
            while not self.queries:
                await asyncio.sleep(0)
