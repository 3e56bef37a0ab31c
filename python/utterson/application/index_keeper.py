"""Keeps one workspace's index: loads it, brings it up to the log's head, drops it when it cannot be trusted."""

import asyncio
import logging

from utterson.application.context import LaneContext
from utterson.application.engine_port import Index, IndexLoader
from utterson.application.faults import workspace_not_found
from utterson.application.load_progress import LoadProgress
from utterson.application.store_port import TailReader
from utterson.domain.chain import IndexDivergedError, LogRow, SnapshotHead, WorkspaceKeys

logger = logging.getLogger("utterson.application")

TAIL_ROWS_MAX = 128
LONG_AGO_S = float("-inf")


class IndexKeeper:
    """Owned by one lane; nothing here runs twice at once.

    `confirmed_at_s` (loop time) is the newest moment for which the index is known to have held everything that was
    committed before it.
    """

    def __init__(self, keys: WorkspaceKeys, context: LaneContext) -> None:
        self.keys = keys
        self.index: Index | None = None
        self.confirmed_at_s = LONG_AGO_S
        self.known_seq = 0
        self._context = context

    async def ready(self) -> Index:
        """Give the index, loaded, and not behind a head that this replica has heard of.

        Raises:
            IndexDivergedError, FormatUnknownError, StoreFailureError, UttersonError (WORKSPACE_NOT_FOUND).
        """
        if self.index is None:
            self.index = await self._load()
        elif self.known_seq > self.index.head.seq:
            await self.catch_up(self._tail)
            # Whoever told of a head that the log does not have was wrong: do not ask again.
            self.known_seq = self.index.head.seq
        return self.index

    async def confirm(self) -> bool:
        """Ask the database for the head, and catch up to it.

        Returns:
            Whether the index stood at the head already.

        Raises:
            IndexDivergedError: the log does not contain the index's head any more (F15).
        """
        index = await self.ready()
        asked_at_s = asyncio.get_running_loop().time()
        head = await self._context.heads.read(self.keys.workspace_key)
        if head is None:
            raise IndexDivergedError("the workspace's log is gone")
        if head == index.head:
            self.confirmed_at_s = asked_at_s
            return True
        if head.seq <= index.head.seq:
            raise IndexDivergedError("the log's head went back")
        await self.catch_up(self._tail)
        self.confirmed_at_s = asked_at_s
        return False

    async def catch_up(self, tail: TailReader) -> None:
        """Apply the entries that the index has not seen; a gap or a dropped payload is a divergence."""
        index = self.index
        if index is None:
            return
        while rows := await tail(index.head.seq, TAIL_ROWS_MAX):
            for row in rows:
                if row.payload is None:
                    raise IndexDivergedError("the log's payload was dropped before this replica read it")
                index.replay(row)
            if len(rows) < TAIL_ROWS_MAX:
                return

    async def catch_up_from_log(self) -> None:
        """Catch up by a query of its own."""
        await self.catch_up(self._tail)

    def drop(self, why: BaseException | str) -> None:
        """Forget the index; the next call loads it anew."""
        reason = why if isinstance(why, str) else f"{type(why).__name__}: {why}"
        logger.warning("workspace %s: index dropped: %s", self.keys.workspace, reason)
        self.index = None
        self.confirmed_at_s = LONG_AGO_S

    async def _tail(self, after_seq: int, limit: int) -> list[LogRow]:
        return await self._context.store.log.tail(self.keys.workspace_key, after_seq, limit)

    async def _load(self) -> Index:
        progress = LoadProgress(self.keys.workspace)

        def begin(snapshot: SnapshotHead) -> IndexLoader:
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
                index = await asyncio.to_thread(loaded[1].finish)
        self.confirmed_at_s = started_at_s
        self.known_seq = index.head.seq
        logger.info(
            "workspace %s: index loaded at %d, %d identifiers",
            self.keys.workspace,
            index.head.seq,
            index.identifier_count,
        )
        return index
