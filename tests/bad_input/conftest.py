"""One server a file, and two rules for every test: nothing changes, and no value is logged."""

import logging
from collections.abc import AsyncIterator

import pytest

from tests.bad_input.refusals import CANARY
from tests.bad_input.target import Target, opened
from tests.conftest import fresh_database
from tests.crashes.in_process import served
from tests.listeners import FRONTS
from utterson.store.embedded import EmbeddedPostgres


@pytest.fixture(scope="module", params=FRONTS, ids=lambda front: f"front-{front}")
async def served_target(postgres_cluster: EmbeddedPostgres, request: pytest.FixtureRequest) -> AsyncIterator[Target]:
    async with fresh_database(postgres_cluster) as url, served(url, front=request.param) as address:
        async for target in opened(address, url):
            yield target


@pytest.fixture
async def target(served_target: Target, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Target]:
    """The server; whatever the test does with it is refused, so it must leave no trace."""
    caplog.set_level(logging.DEBUG, logger="utterson")
    before = await served_target.state()
    yield served_target
    assert await served_target.state() == before
    assert CANARY not in caplog.text
