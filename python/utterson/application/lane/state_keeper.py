"""Keeps one workspace's state: loads it, brings it up to the log's head, drops it when it cannot be trusted."""

import asyncio
import logging

from utterson.application.lane.context import LaneContext
from utterson.application.lane.load_pause import LoadPause
from utterson.application.ports.engine import State, StateLoader
from utterson.application.ports.store import TailReader
from utterson.application.progress import LoadProgress
from utterson.application.refusals import internal_fault, workspace_not_found
from utterson.domain.chain import (
    EnginePanicError,
    Head,
    HistoryLostError,
    LogRow,
    SnapshotHead,
    StateDivergedError,
    StoreFailureError,
    WorkspaceGoneError,
    WorkspaceKeys,
)
from utterson.logs import once_a_second

logger = logging.getLogger("utterson.application")

TAIL_ROWS_MAX = 128
# Entries with a larger payload are replayed in a thread: others would wait for it.
HEAVY_PAYLOAD_BYTES = 256 * 1024
LONG_AGO_S = float("-inf")


class StateKeeper:
    """Owned by one lane; nothing here runs twice at once.

    `keys` are those of the state: they are read with it, and dropped with it. `is_gone` says that at the last look
    there was no workspace of the name.

    `confirmed_at_s` (loop time) is the newest moment for which the state is known to have held everything that was
    committed before it.
    """

    def __init__(self, keys: WorkspaceKeys, context: LaneContext) -> None:
        self.keys = keys
        self.state: State | None = None
        self.is_gone = False
        self.confirmed_at_s = LONG_AGO_S
        self.known_seq = 0
        # Whether a thread has the state: nobody else may look at it meanwhile.
        self.threaded = False
        self._context = context
        self._pause = LoadPause()
        # What showed that the database lost a part of its history, until it knows.
        self._unsettled: HistoryLostError | WorkspaceGoneError | None = None
        # The state of a workspace that did not prove itself: perhaps only the database's id is another one.
        self.aside: State | None = None
        # Where the state stood that was dropped last: the log of the next one must have it.
        self._dropped_at: Head | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing showed that the database lost history, or the database knows of it."""
        return self._unsettled is None

    async def ready(self) -> State:
        """Give the state, loaded, and not behind an entry that this replica has heard of.

        Raises:
            StateDivergedError, FormatUnknownError, StoreFailureError.
            UttersonError: WORKSPACE_NOT_FOUND; INTERNAL_FAULT where the tables and the log disagree, and for a while
                after that.
        """
        state = self.state
        if state is None:
            state = self.state = await self._load_unless_paused()
        elif (wanted := self.known_seq) > state.head.seq:
            await self.catch_up(self._tail)
            # Whoever told of a head that the log does not have was wrong: do not ask again. What was heard of while the
            # log was read is still to come.
            if self.known_seq == wanted:
                self.known_seq = state.head.seq
        return state

    async def confirm(self) -> bool:
        """Ask the database for the head, and catch up to it.

        Returns:
            Whether the state stood at the head already: what was decided on it before is of the head.

        Raises:
            StateDivergedError: the log does not contain the state's head any more.
        """
        before = self.state
        head_before = None if before is None else before.head
        state = await self.ready()
        asked_at_s = asyncio.get_running_loop().time()
        head = await self._context.heads.read(self.keys)
        if head is None:
            raise WorkspaceGoneError("the workspace is gone, or another one")
        if head == state.head:
            self.confirmed_at_s = asked_at_s
            return state is before and head == head_before
        if head.seq <= state.head.seq:
            raise HistoryLostError("the log's head went back")
        await self.catch_up(self._tail)
        self.confirmed_at_s = asked_at_s
        return False

    async def catch_up(self, tail: TailReader) -> None:
        """Apply the entries that the state has not seen; a gap or a dropped payload is a divergence.

        Raises:
            HistoryLostError: the next entry follows another one than the state's head.
        """
        state = self.state
        if state is None:
            return
        while rows := await tail(state.head.seq, TAIL_ROWS_MAX):
            head = state.head
            if rows[0].seq == head.seq + 1 and rows[0].prev != head.id:
                raise HistoryLostError("the log went on without the state's head")
            for row in rows:
                if row.payload is None:
                    raise StateDivergedError("the log's payload was dropped before this replica read it")
                await self._replay(state, row)
            if len(rows) < TAIL_ROWS_MAX:
                return

    async def _replay(self, state: State, row: LogRow) -> None:
        """Take one entry into the state; in a thread what takes long: a large one, or a policy to compile."""
        if len(row.payload or b"") <= HEAVY_PAYLOAD_BYTES and row.policy_revision == state.policy_revision:
            state.replay(row)
            return
        self.threaded = True
        try:
            await asyncio.to_thread(state.replay, row)
        finally:
            self.threaded = False

    async def catch_up_from_log(self) -> None:
        """Catch up by a query of its own."""
        await self.catch_up(self._tail)

    def drop(self, why: BaseException | str) -> None:
        """Forget the state; the next call loads it anew."""
        told = "workspace %s: state dropped: %s"
        if isinstance(why, str):
            # Of the database's trouble, which all workspaces have together.
            logger.warning(told, self.keys.workspace, why, extra=once_a_second(why))
        else:
            logger.warning(told, self.keys.workspace, f"{type(why).__name__}: {why}")
        if self.state is not None:
            self._dropped_at = self.state.head
        self.aside = self.state if isinstance(why, WorkspaceGoneError) else None
        self.state = None
        self.confirmed_at_s = LONG_AGO_S
        if isinstance(why, HistoryLostError | WorkspaceGoneError) and not isinstance(self._unsettled, HistoryLostError):
            self._unsettled = why

    def give_away(self) -> State | None:
        """Forget the state for the memory's sake; it is as good as it was, and whoever gets it frees it."""
        state, self.state = self.state, None
        self.confirmed_at_s = LONG_AGO_S
        return state

    async def _tail(self, after_seq: int, limit: int) -> list[LogRow]:
        return await self._context.store.log.tail(self.keys, after_seq, limit)

    async def _settle(self, why: HistoryLostError | WorkspaceGoneError) -> None:
        """Have the database get a new id where it lost history, before this server makes another profile.

        Where only the database's id is another one, some server saw the loss already.
        """
        stored = await self._context.store.workspaces.get(self.keys.workspace)
        is_gone = stored is None or stored.keys.genesis_id != self.keys.genesis_id
        lost = is_gone or isinstance(why, HistoryLostError)
        await self._context.store.identity.settle(self.keys.database_id, lost=lost)
        self._unsettled = None

    async def _reclaimed(self) -> State | None:
        """Give the state that was put aside, if its workspace is there, and its log still has what it stands at."""
        state, self.aside = self.aside, None
        if state is None:
            return None
        stored = await self._context.store.workspaces.get(self.keys.workspace)
        if stored is None or stored.keys.genesis_id != self.keys.genesis_id:
            return None
        if await self._context.store.log.entry_id(stored.keys, state.head.seq) != state.head.id:
            return None
        self.keys = stored.keys
        logger.info("workspace %s: state kept, the database has another id", self.keys.workspace)
        return state.with_id_eras(self.keys.id_eras)

    async def _load_unless_paused(self) -> State:
        """Load; where the tables make no state, refuse for a while before they are read again."""
        self._pause.check()
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            state = await self._load()
        except (StateDivergedError, EnginePanicError) as error:
            pause_s = self._pause.next_s(loop.time() - began_s)
            about = f"workspace {self.keys.workspace} cannot be loaded, calls are refused for {pause_s:.0f} s: {error}"
            fault = internal_fault(error, self._context.entropy, f"{about}: ")
            self._pause.begin(pause_s, fault)
            raise fault from None
        self._pause.end()
        return state

    async def _load(self) -> State:
        if self._unsettled is not None:
            await self._settle(self._unsettled)
        if (reclaimed := await self._reclaimed()) is not None:
            return reclaimed
        progress = LoadProgress(self.keys.workspace)
        found = before = self.keys

        def begin(keys: WorkspaceKeys, snapshot: SnapshotHead) -> StateLoader:
            nonlocal found
            found = keys
            loader = self._context.engine.loader(keys, snapshot)
            progress.begin(loader, snapshot.rows_expected)
            return loader

        async with self._context.load_slots:
            started_at_s = asyncio.get_running_loop().time()
            timeout_s = self._context.limits.load_timeout_ms / 1000
            async with progress.told():
                loaded = await self._context.store.snapshots.load(self.keys.workspace, begin, timeout_s)
                self.is_gone = loaded is None
                if loaded is None:
                    raise workspace_not_found(self.keys.workspace)
                state = await asyncio.to_thread(loaded[1].finish)
        self.keys = found
        self.confirmed_at_s = started_at_s
        self.known_seq = state.head.seq
        logger.info(
            "workspace %s: state loaded at %d, %d identifiers",
            self.keys.workspace,
            state.head.seq,
            state.identifier_count,
        )
        if await self._lost_what_it_had(state) and found.database_id == before.database_id:
            # The database does not know it yet: it gets another id before this server makes another profile.
            self._unsettled = HistoryLostError("the log does not have what an earlier state stood at")
            return await self._load()
        return state

    async def _lost_what_it_had(self, state: State) -> bool:
        """Tell, the log as well, whether the database has lost the entry that the state before this one stood at.

        A state that was dropped because the database was away would else give way to one of another history without a
        word: a failover that loses commits often begins so.
        """
        had = self._dropped_at
        if had is None or had == state.head:
            self._dropped_at = None
            return False
        found: bytes | None = None
        if had.seq <= state.head.seq:
            try:
                found = await self._context.store.log.entry_id(self.keys, had.seq)
            except StoreFailureError:
                # It is asked again by the next load.
                return False
        self._dropped_at = None
        if found == had.id:
            return False
        told = "workspace %s: history was lost: entry %d, which this server had, is not in the log"
        logger.error(told, self.keys.workspace, had.seq)
        return True
