"""The kit passes on the real thing, and each safeguard that is taken out makes a check fail."""

from collections.abc import AsyncIterator

import pytest

from tests.safeguards.mutations import MUTATIONS, Check, Mutation
from tests.safeguards.world import World, world_on
from utterson.store.migrate import migrate

CHECKS: dict[str, Check] = {mutation.noticed_by.__name__: mutation.noticed_by for mutation in MUTATIONS}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    await migrate(database_url)
    async with world_on(database_url) as opened:
        yield opened


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
async def test_the_real_thing_passes(world: World, check: Check) -> None:
    await check(world)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.safeguard)
async def test_a_safeguard_that_is_missing_is_noticed(
    world: World, mutation: Mutation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mutation.apply(world, monkeypatch)
    noticed = False
    try:
        await mutation.noticed_by(world)
    except Exception as error:
        noticed = True
        print(f"{mutation.safeguard}: {type(error).__name__} {str(error)[:200]}")
    assert noticed, f"nothing notices that this safeguard is missing: {mutation.safeguard}"
