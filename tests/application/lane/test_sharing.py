"""How much of the loop one turn takes: all that waits where a workspace is alone, else a slice."""

import asyncio

import asyncpg

from tests.application.conftest import Replica
from utterson.application.lane.sharing import CALLS_SHARED, SHARED_S, Sharing


def test_one_workspace_is_alone_however_often_it_is_called() -> None:
    sharing = Sharing()
    for now_s in range(5):
        sharing.used("soho", now_s)
    assert sharing.calls_max(1000, 5) == 1000


def test_two_share_for_a_while_after_the_last_call_of_one() -> None:
    sharing = Sharing()
    for now_s, workspace in enumerate(["soho", "acme", "soho", "soho"]):
        sharing.used(workspace, now_s)
    assert sharing.calls_max(1000, 3) == CALLS_SHARED
    assert sharing.calls_max(5, 3) == 5
    assert sharing.calls_max(1000, 2 + SHARED_S) == 1000


async def test_turns_are_slices_while_another_workspace_is_called(replica: Replica, url: str) -> None:
    await replica.workspaces.create_workspace("acme", b"policy", None)
    state = await replica.state()
    # The other one's lane is open before: on a busy machine that takes longer than the calls below.
    await replica.call("add:other", "acme")
    blocker = await asyncpg.connect(url)
    async with blocker.transaction():
        await blocker.execute("SELECT 1 FROM workspaces FOR UPDATE")
        waiting = [asyncio.create_task(replica.call("add:first"))]
        await asyncio.sleep(0.1)
        waiting += [asyncio.create_task(replica.call(f"add:{number}")) for number in range(3 * CALLS_SHARED)]
        await asyncio.sleep(0.1)
    await blocker.close()
    await asyncio.gather(*waiting)
    assert len(state.owners) == 3 * CALLS_SHARED + 1
    assert max(state.decided + state.decided_ahead) <= CALLS_SHARED


async def test_a_large_batch_is_decided_beside_the_loop_where_it_is_shared(replica: Replica) -> None:
    await replica.workspaces.create_workspace("acme", b"policy", None)
    state = await replica.state()
    large = [("soho", f"add:{number}") for number in range(CALLS_SHARED + 1)]
    await replica.batch(*large)
    assert state.decided_beside == []
    await replica.call("add:other", "acme")
    await replica.call("add:one")
    assert all(accepted for accepted, _ in await replica.batch(*large))
    assert state.decided_beside == [CALLS_SHARED + 1]
