"""Imports and policies, cut off between their commit and their answer."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.crashes.rig import Rig, opened_rig, until
from tests.crashes.state import check_stored
from tests.embedded.processes import NEEDS_PROC
from utterson.client import CallRefused, ImportedProfile, RetryLimits, UttersonClient
from utterson.domain.failpoints import FailpointBehaviour, FailpointPlace

pytestmark = NEEDS_PROC

PROFILES = 2_000


@pytest.fixture(scope="module")
async def rig() -> AsyncIterator[Rig]:
    async with opened_rig() as opened:
        yield opened


def graph() -> list[ImportedProfile]:
    return [ImportedProfile([("user_id", f"u{number}")], {"number": str(number)}) for number in range(PROFILES)]


@pytest.mark.parametrize("place", [FailpointPlace.BEFORE_COMMIT, FailpointPlace.AFTER_COMMIT])
async def test_an_import_is_taken_over_once(rig: Rig, place: FailpointPlace) -> None:
    await rig.server.start(place, FailpointBehaviour.KILL)
    workspace = (await rig.caller(0)).workspace
    async with UttersonClient(rig.server.address, retries=RetryLimits(attempts_max=1)) as client:
        with pytest.raises(CallRefused):
            await client.import_profiles(workspace, graph(), request_id="once")
        assert await rig.server.killed_itself()
        committed = place is FailpointPlace.AFTER_COMMIT
        before = await check_stored(rig.cluster.dsn, workspace)
        assert len(before.entry_ids) == 1 + committed
        await rig.server.start()
        await until(lambda: not rig.server.ended)
        ids = await client.import_profiles(workspace, graph(), request_id="once")
        assert len(set(ids)) == PROFILES
        assert await client.import_profiles(workspace, graph(), request_id="once") == ids
    after = await check_stored(rig.cluster.dsn, workspace)
    assert len(after.entry_ids) == 2
    await rig.server.stop()


async def test_a_policy_is_changed_once(rig: Rig) -> None:
    await rig.server.start(FailpointPlace.AFTER_COMMIT, FailpointBehaviour.KILL)
    workspace = (await rig.caller(0)).workspace
    async with UttersonClient(rig.server.address) as client:
        stored = await client.get_workspace(workspace)
        with pytest.raises(CallRefused):
            await client.update_policy(workspace, stored.policy, etag=stored.etag)
        assert await rig.server.killed_itself()
        await rig.server.start()
        # Nobody heard that it took effect; the etag keeps the repetition from doing it again.
        with pytest.raises(CallRefused, match="ETAG_MISMATCH"):
            await client.update_policy(workspace, stored.policy, etag=stored.etag)
        assert (await client.get_workspace(workspace)).policy_revision == 2
    connection = await asyncpg.connect(rig.cluster.dsn)
    found = await connection.fetchval(
        "SELECT count(*) FROM policies JOIN workspaces USING (workspace_key) WHERE workspace = $1", workspace
    )
    await connection.close()
    assert found == 2
    await check_stored(rig.cluster.dsn, workspace)
    await rig.server.stop()
