"""A server that documents are played against."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from utterson.main import running
from utterson.settings.process import Settings


@pytest.fixture(scope="module")
async def address(module_database_url: str) -> AsyncIterator[str]:
    """The address of a server of this module's own."""
    settings = Settings(listen="127.0.0.1:0", database_url=SecretStr(module_database_url))
    async with running(settings) as server:
        yield f"127.0.0.1:{server.port}"
