"""A server on a real database and the model agree on everything."""

from __future__ import annotations

import itertools

from tests.agreement.command import tell_failure
from tests.agreement.server_command import run_on_server
from tests.agreement.stack import Clock, stack_on
from tests.model.generate import START_US
from utterson.settings.lanes import LaneSettings
from utterson.store.migrate import migrate

CALLS = 1_500
CALLS_WITHOUT_MEMORY = 500


async def test_server_agrees_with_model(module_database_url: str) -> None:
    await migrate(module_database_url)
    clock = Clock(START_US)
    calls = 0
    async with stack_on(module_database_url, clock) as stack:
        for seed in itertools.count(1):
            told = await run_on_server(seed, stack, clock)
            if told.failure:
                tell_failure(told, "--through server")
            assert not told.failure
            calls += told.calls
            if calls >= CALLS:
                break


async def test_server_whose_lanes_rest_all_the_time_agrees_with_model(module_database_url: str) -> None:
    await migrate(module_database_url)
    clock = Clock(START_US)
    calls = 0
    async with stack_on(module_database_url, clock, LaneSettings(state_bytes_max=1, state_idle_ms_min=0)) as stack:
        for seed in itertools.count(10_001):
            told = await run_on_server(seed, stack, clock)
            if told.failure:
                tell_failure(told, "--through server")
            assert not told.failure
            calls += told.calls
            if calls >= CALLS_WITHOUT_MEMORY:
                break
        # Nearly every call finds its workspace gone from the memory.
        assert stack.lanes.rests > calls / 10
