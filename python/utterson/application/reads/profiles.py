"""Reads of profiles, their events and their history."""

import asyncio

from utterson.application.lane.context import LaneContext
from utterson.application.lane.lane import Lane
from utterson.application.lane.lanes import Lanes
from utterson.application.lane.operation import CatchUp
from utterson.application.paging import PageTokens, page_limit
from utterson.application.ports.engine import State
from utterson.application.reads.operations import FindProfiles, ReadInTurn
from utterson.application.reads.profile_reading import ProfileReading, profile_not_found
from utterson.application.refusals import RETRY_AFTER_MS, internal_fault, store_refusals
from utterson.domain.chain import Revision, StateDivergedError
from utterson.domain.errors import FieldViolation, Reason, UttersonError
from utterson.domain.records import Page, ProfileRecord
from utterson.domain.rows import EventPosition, HistoryPosition

INT64_MAX = 2**63 - 1
INT32_MAX = 2**31 - 1
NEWEST_EVENT = EventPosition(INT64_MAX, INT64_MAX, INT32_MAX)
NEWEST_DECISION = HistoryPosition(INT64_MAX, INT32_MAX)
# Reads beside the lane before one is made in the lane's own turn, where nothing moves.
BESIDE_LANE_TRIES = 3
IN_LANE_TRIES = 20
TOKEN_POLL_S = 0.01
UNRESOLVED_PROFILE = 0


class ProfilesService:
    """Answers the calls of ProfileService."""

    def __init__(self, lanes: Lanes, context: LaneContext) -> None:
        self._lanes = lanes
        self._context = context
        self._store = context.store.profiles

    async def get_profiles(
        self, workspace: str, profile_ids: list[int], at_least: str, timeout_s: float | None
    ) -> list[ProfileRecord]:
        """Tell profiles, all from one state: that of the newest commit, on whatever replica.

        Raises:
            UttersonError: PROFILE_NOT_FOUND names the first that is missing; REVISION_INVALID, HISTORY_DIVERGED,
                REVISION_NOT_REACHED for `at_least`.
        """
        lane = await self._lanes.lane(workspace)
        with lane.held():
            return await self._get_profiles(lane, profile_ids, at_least, timeout_s)

    async def _get_profiles(
        self, lane: Lane, profile_ids: list[int], at_least: str, timeout_s: float | None
    ) -> list[ProfileRecord]:
        await lane.reach(0)
        if at_least:
            await self._reach_token(lane, at_least, timeout_s)
        reading = ProfileReading(self._store, lane.keys.workspace_key, profile_ids)
        for _ in range(BESIDE_LANE_TRIES):
            with store_refusals():
                head = await reading.read(lambda: lane.state)
            if reading.done:
                return self._records(lane, reading)
            await lane.reach(head.seq)
        for _ in range(IN_LANE_TRIES):
            await lane.run(ReadInTurn(reading))
            if reading.done:
                return self._records(lane, reading)
        raise UttersonError(
            Reason.STORE_UNAVAILABLE,
            "other servers change the workspace too fast; try again",
            retry_after_ms=RETRY_AFTER_MS,
        )

    async def list_events(self, workspace: str, profile_id: int, page_size: int, page_token: str) -> Page[bytes]:
        """List encoded `StoredEvent`s, newest first; profile 0 lists the unresolved ones."""
        limit = page_limit(page_size)
        tokens = PageTokens("events", workspace, profile_id)
        read = tokens.read(page_token, 3)
        lane = await self._lanes.lane(workspace)
        members = [UNRESOLVED_PROFILE] if profile_id == UNRESOLVED_PROFILE else await self._members(lane, profile_id)
        before = NEWEST_EVENT if read is None else EventPosition(read[0][0], read[0][1], min(read[0][2], INT32_MAX))
        with store_refusals():
            rows = await self._store.events_page(lane.keys.workspace_key, members, before, limit + 1)
        next_token = ""
        if len(rows) > limit:
            last = rows[limit - 1].at
            next_token = tokens.write([last.time_us, last.seq, last.position])
        return Page([row.record for row in rows[:limit]], next_token)

    async def list_history(self, workspace: str, profile_id: int, page_size: int, page_token: str) -> Page[bytes]:
        """List encoded `HistoryEntry`s, newest first; a survivor shows the merged ones' too."""
        limit = page_limit(page_size)
        tokens = PageTokens("history", workspace, profile_id)
        read = tokens.read(page_token, 2)
        lane = await self._lanes.lane(workspace)
        members = await self._members(lane, profile_id)
        before = NEWEST_DECISION if read is None else HistoryPosition(read[0][0], min(read[0][1], INT32_MAX))
        with store_refusals():
            rows = await self._store.history_page(lane.keys.workspace_key, members, before, limit + 1)
        next_token = ""
        if len(rows) > limit:
            last = rows[limit - 1].at
            next_token = tokens.write([last.seq, last.position])
        return Page([row.record for row in rows[:limit]], next_token)

    def _records(self, lane: Lane, reading: ProfileReading) -> list[ProfileRecord]:
        try:
            return reading.records()
        except StateDivergedError as error:
            lane.distrust(error)
            raise internal_fault(error, self._context.entropy) from None

    async def _members(self, lane: Lane, profile_id: int) -> list[int]:
        """Tell which serials a profile consists of, as of now."""
        operation = FindProfiles([profile_id])
        await lane.run(operation)
        view = operation.views[0]
        if view is None:
            raise profile_not_found(profile_id)
        return view.members

    async def _reach_token(self, lane: Lane, token: str, timeout_s: float | None) -> None:
        """Wait until the state contains the call that answered a revision token."""
        state = await _loaded(lane)
        wanted = state.read_token(token)
        if wanted is None:
            raise UttersonError(
                Reason.REVISION_INVALID,
                "the revision is not one of this workspace; give one that it answered",
                violations=(FieldViolation("at_least", "must be a revision of this workspace"),),
            )
        limit_s = self._context.limits.at_least_timeout_ms / 1000
        deadline_s = asyncio.get_running_loop().time() + (limit_s if timeout_s is None else min(limit_s, timeout_s))
        while not await self._is_in_log(lane, wanted):
            if asyncio.get_running_loop().time() >= deadline_s:
                raise UttersonError(
                    Reason.REVISION_NOT_REACHED,
                    "the revision was not reached in time; try again",
                    retry_after_ms=RETRY_AFTER_MS,
                )
            await asyncio.sleep(TOKEN_POLL_S)
        await lane.reach(wanted.seq)

    async def _is_in_log(self, lane: Lane, wanted: Revision) -> bool:
        """Tell whether the log holds the entry.

        Raises:
            UttersonError: HISTORY_DIVERGED where another one has its place.
        """
        with store_refusals():
            found = await self._context.store.log.entry_id(lane.keys.workspace_key, wanted.seq)
        if found is not None and not wanted.names(found):
            raise UttersonError(
                Reason.HISTORY_DIVERGED,
                "the revision belongs to a history that was lost; drop it and read without at_least",
            )
        return found is not None


async def _loaded(lane: Lane) -> State:
    """Give the state once it may be looked at; the caller must not wait before it does."""
    while True:
        state = lane.state
        if state is not None:
            return state
        await lane.run(CatchUp())
