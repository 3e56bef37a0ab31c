"""All lanes of the process: made on the first call of a workspace, kept, closed together."""

import asyncio
from collections.abc import Collection

from utterson.application.lane.context import LaneContext
from utterson.application.lane.lane import Lane
from utterson.application.lane.operation import MakeBatch
from utterson.application.refusals import shutting_down, store_unavailable, workspace_not_found
from utterson.domain.chain import StoreFailureError


class Lanes:
    """Finds a workspace's lane. Several first calls share one reading of the workspace.

    Args:
        context: what all lanes share.
        make_batch: makes the operation that decides several groups of calls together.
    """

    def __init__(self, context: LaneContext, make_batch: MakeBatch) -> None:
        self._context = context
        self._make_batch = make_batch
        self._lanes: dict[str, Lane] = {}
        self._opening: dict[str, asyncio.Task[Lane]] = {}
        self._closed = False

    @property
    def open_lanes(self) -> Collection[Lane]:
        """Every lane made so far."""
        return self._lanes.values()

    def open_lane(self, workspace: str) -> Lane | None:
        """Give a workspace's lane if it is there already."""
        return self._lanes.get(workspace)

    async def lane(self, workspace: str) -> Lane:
        """Give a workspace's lane.

        Raises:
            UttersonError: WORKSPACE_NOT_FOUND, STORE_UNAVAILABLE or SHUTTING_DOWN.
        """
        lane = self._lanes.get(workspace)
        if lane is not None:
            return lane
        if self._closed:
            raise shutting_down()
        opening = self._opening.get(workspace)
        if opening is None:
            opening = asyncio.create_task(self._open(workspace))
            self._opening[workspace] = opening
            opening.add_done_callback(lambda done: self._opened(workspace, done))
        # A caller that goes away must not end the reading that others wait for.
        return await asyncio.shield(opening)

    async def close(self, timeout_s: float) -> None:
        """Finish what waits in every lane; new calls are refused."""
        self._closed = True
        if self._lanes:
            await asyncio.gather(*(lane.close(timeout_s) for lane in self._lanes.values()))

    async def _open(self, workspace: str) -> Lane:
        try:
            stored = await self._context.store.workspaces.get(workspace)
        except StoreFailureError as failure:
            raise store_unavailable(failure, workspace) from None
        if stored is None:
            raise workspace_not_found(workspace)
        if self._closed:
            raise shutting_down()
        lane = Lane(stored.keys, self._context, self._make_batch, self._forget)
        self._lanes[workspace] = lane
        return lane

    def _forget(self, lane: Lane) -> None:
        """Let a lane go whose workspace is gone; a workspace that is made under its name gets another one."""
        workspace = lane.keys.workspace
        if self._lanes.get(workspace) is lane:
            del self._lanes[workspace]

    def _opened(self, workspace: str, done: "asyncio.Task[Lane]") -> None:
        self._opening.pop(workspace, None)
        if not done.cancelled():
            done.exception()
