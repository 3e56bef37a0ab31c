"""All lanes of the process: made on the first call of a workspace, kept while they are used, closed together."""

import asyncio
from collections.abc import Collection
from typing import Final
from weakref import WeakValueDictionary

from utterson.application.lane.context import LaneContext
from utterson.application.lane.keeping import LaneUse
from utterson.application.lane.lane import Lane
from utterson.application.lane.names import NameReader
from utterson.application.lane.operation import MakeBatch
from utterson.application.refusals import shutting_down, store_unavailable, workspace_not_found
from utterson.domain.chain import StoreFailureError
from utterson.trimming import trimmer

# What takes longer to free than to hand to another thread.
FREED_AT_ONCE_BYTES: Final = 256 * 1024


class Lanes:
    """Finds a workspace's lane. Several first calls share one reading of the workspace.

    `rests` counts how often a lane was laid to rest because others needed the memory.

    Args:
        context: what all lanes share.
        make_batch: makes the operation that decides several groups of calls together.
    """

    def __init__(self, context: LaneContext, make_batch: MakeBatch) -> None:
        self._context = context
        self._make_batch = make_batch
        self._lanes: dict[str, Lane] = {}
        self._names = NameReader(context.store.workspaces)
        self._opening: dict[str, asyncio.Task[Lane]] = {}
        self._closed = False
        # Somebody may still have a lane that rests: then that one is the workspace's, and never a second beside it.
        self._resting: WeakValueDictionary[str, Lane] = WeakValueDictionary()
        limits = context.limits
        self.rests = 0
        self._use = LaneUse(limits.state_bytes, limits.state_idle_ms_min / 1000, self._lay_to_rest)

    @property
    def memory_bytes(self) -> int:
        """What all lanes take with their states."""
        return self._use.memory_bytes

    @property
    def open_lanes(self) -> Collection[Lane]:
        """Every lane that does not rest."""
        return self._lanes.values()

    def open_lane(self, workspace: str) -> Lane | None:
        """Give a workspace's lane if it is there already."""
        return self._lanes.get(workspace)

    async def lane(self, workspace: str) -> Lane:
        """Give a workspace's lane.

        Raises:
            UttersonError: WORKSPACE_NOT_FOUND, QUEUE_FULL, STORE_UNAVAILABLE or SHUTTING_DOWN.
        """
        lane = self._lanes.get(workspace)
        if lane is not None:
            return lane
        if self._closed:
            raise shutting_down()
        lane = self._resting.get(workspace)
        if lane is not None:
            return lane
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
        self._use.close()
        if self._lanes:
            await asyncio.gather(*(lane.close(timeout_s) for lane in self._lanes.values()))

    async def _open(self, workspace: str) -> Lane:
        try:
            stored = await self._names.read(workspace)
        except StoreFailureError as failure:
            raise store_unavailable(failure, workspace) from None
        if stored is None:
            raise workspace_not_found(workspace)
        if self._closed:
            raise shutting_down()
        lane = Lane(stored.keys, self._context, self._make_batch, self)
        self._lanes[workspace] = lane
        self._use.note(lane)
        return lane

    def note(self, lane: Lane) -> None:
        """Take note of what a lane takes now; one that was closed does not count."""
        if self._lanes.get(lane.keys.workspace) is lane:
            self._use.note(lane)

    def woken(self, lane: Lane) -> None:
        """Keep a lane again that was laid to rest.

        Raises:
            UttersonError: SHUTTING_DOWN.
        """
        if self._closed:
            raise shutting_down()
        self._resting.pop(lane.keys.workspace, None)
        self._lanes[lane.keys.workspace] = lane

    def gone(self, lane: Lane) -> None:
        """Let a lane go whose workspace is gone; a workspace that is made under its name gets another one."""
        self._use.forget(lane)
        if self._lanes.get(lane.keys.workspace) is lane:
            del self._lanes[lane.keys.workspace]

    def _lay_to_rest(self, lane: Lane) -> None:
        self._lanes.pop(lane.keys.workspace, None)
        self._resting[lane.keys.workspace] = lane
        self.rests += 1
        state = lane.rest()
        if state is None:
            return
        trimmer.freed(state.memory_bytes)
        if state.memory_bytes < FREED_AT_ONCE_BYTES:
            state.discard()
        else:
            asyncio.get_running_loop().run_in_executor(None, state.discard)

    def _opened(self, workspace: str, done: "asyncio.Task[Lane]") -> None:
        self._opening.pop(workspace, None)
        if not done.cancelled():
            done.exception()
