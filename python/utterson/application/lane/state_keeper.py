"""Keeps one workspace's state: loads it, brings it up to the log's head, drops it when it cannot be trusted."""

import asyncio
import logging

from utterson.application.lane.context import LaneContext
from utterson.application.ports.engine import State, StateLoader
from utterson.application.ports.store import TailReader
from utterson.application.progress import LoadProgress
from utterson.application.refusals import workspace_not_found
from utterson.domain.chain import LogRow, SnapshotHead, StateDivergedError, WorkspaceKeys

logger = logging.getLogger("utterson.application")

TAIL_ROWS_MAX = 128
LONG_AGO_S = float("-inf")


class StateKeeper:
    """Owned by one lane; nothing here runs twice at once.

    `confirmed_at_s` (loop time) is the newest moment for which the state is known to have held everything that was
    committed before it.
    """

    def __init__(self, keys: WorkspaceKeys, context: LaneContext) -> None:
        self.keys = keys
        self.state: State | None = None
        self.confirmed_at_s = LONG_AGO_S
        self.known_seq = 0
        self._context = context

    async def ready(self) -> State:
        """Give the state, loaded, and not behind an entry that this replica has heard of.

        Raises:
            StateDivergedError, FormatUnknownError, StoreFailureError, UttersonError (WORKSPACE_NOT_FOUND).
        """
        if self.state is None:
            self.state = await self._load()
        elif self.known_seq > self.state.head.seq:
            await self.catch_up(self._tail)
            # Whoever told of a head that the log does not have was wrong: do not ask again.
            self.known_seq = self.state.head.seq
        return self.state

    async def confirm(self) -> bool:
        """Ask the database for the head, and catch up to it.

        Returns:
            Whether the state stood at the head already.

        Raises:
            StateDivergedError: the log does not contain the state's head any more.
        """
        state = await self.ready()
        asked_at_s = asyncio.get_running_loop().time()
        head = await self._context.heads.read(self.keys.workspace_key)
        if head is None:
            raise StateDivergedError("the workspace's log is gone")
        if head == state.head:
            self.confirmed_at_s = asked_at_s
            return True
        if head.seq <= state.head.seq:
            raise StateDivergedError("the log's head went back")
        await self.catch_up(self._tail)
        self.confirmed_at_s = asked_at_s
        return False

    async def catch_up(self, tail: TailReader) -> None:
        """Apply the entries that the state has not seen; a gap or a dropped payload is a divergence."""
        state = self.state
        if state is None:
            return
        while rows := await tail(state.head.seq, TAIL_ROWS_MAX):
            for row in rows:
                if row.payload is None:
                    raise StateDivergedError("the log's payload was dropped before this replica read it")
                state.replay(row)
            if len(rows) < TAIL_ROWS_MAX:
                return

    async def catch_up_from_log(self) -> None:
        """Catch up by a query of its own."""
        await self.catch_up(self._tail)

    def drop(self, why: BaseException | str) -> None:
        """Forget the state; the next call loads it anew."""
        reason = why if isinstance(why, str) else f"{type(why).__name__}: {why}"
        logger.warning("workspace %s: state dropped: %s", self.keys.workspace, reason)
        self.state = None
        self.confirmed_at_s = LONG_AGO_S

    def give_away(self) -> State | None:
        """Forget the state for the memory's sake; it is as good as it was, and whoever gets it frees it."""
        state, self.state = self.state, None
        self.confirmed_at_s = LONG_AGO_S
        return state

    async def _tail(self, after_seq: int, limit: int) -> list[LogRow]:
        return await self._context.store.log.tail(self.keys.workspace_key, after_seq, limit)

    async def _load(self) -> State:
        progress = LoadProgress(self.keys.workspace)

        def begin(snapshot: SnapshotHead) -> StateLoader:
            loader = self._context.engine.loader(self.keys, snapshot)
            progress.begin(loader, snapshot.rows_expected)
            return loader

        async with self._context.load_slots:
            started_at_s = asyncio.get_running_loop().time()
            timeout_s = self._context.limits.load_timeout_ms / 1000
            async with progress.told():
                loaded = await self._context.store.snapshots.load(self.keys.workspace_key, begin, timeout_s)
                if loaded is None:
                    raise workspace_not_found(self.keys.workspace)
                state = await asyncio.to_thread(loaded[1].finish)
        self.confirmed_at_s = started_at_s
        self.known_seq = state.head.seq
        logger.info(
            "workspace %s: state loaded at %d, %d identifiers",
            self.keys.workspace,
            state.head.seq,
            state.identifier_count,
        )
        return state
