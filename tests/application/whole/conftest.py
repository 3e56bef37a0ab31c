"""Replicas with the real engine."""

from collections.abc import AsyncIterator

import pytest

from tests.application.whole.core import WORKSPACE, Core, core_on
from utterson.store.migrate import migrate


@pytest.fixture
async def url(database_url: str) -> str:
    await migrate(database_url)
    return database_url


@pytest.fixture
async def core(url: str) -> AsyncIterator[Core]:
    async with core_on(url) as opened:
        await opened.workspaces.create_workspace(WORKSPACE, None, "identity_graph_rules")
        yield opened


@pytest.fixture
async def other(core: Core, url: str) -> AsyncIterator[Core]:
    async with core_on(url) as opened:
        yield opened
