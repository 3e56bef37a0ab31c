"""Reads of profiles, their events and their history."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from utterson.application.lane.context import LaneContext
from utterson.application.lane.lane import Lane
from utterson.application.lane.lanes import Lanes
from utterson.application.lane.operation import CatchUp
from utterson.application.paging import PageTokens, cut_by_bytes, page_limit
from utterson.application.ports.engine import State
from utterson.application.reads.operations import FindProfiles, ReadInTurn
from utterson.application.reads.profile_reading import IdentifiersReading, ProfileReading, profile_not_found
from utterson.application.refusals import RETRY_AFTER_MS, internal_fault, store_refusals
from utterson.domain.chain import (
    FailureKind,
    Head,
    Revision,
    StateDivergedError,
    StoreFailureError,
    WorkspaceGoneError,
    WorkspaceKeys,
)
from utterson.domain.errors import FieldViolation, Reason, UttersonError
from utterson.domain.records import IdentifierRecord, Page, ProfileRecord, SetTraitRecord
from utterson.domain.rows import EventPosition, HistoryPosition, IdentifierPosition, IdentifierRow

INT64_MAX = 2**63 - 1
INT32_MAX = 2**31 - 1
NEWEST_EVENT = EventPosition(INT64_MAX, INT64_MAX, INT32_MAX)
NEWEST_DECISION = HistoryPosition(INT64_MAX, INT32_MAX)
# Reads beside the lane before one is made in the lane's own turn, where nothing moves.
BESIDE_LANE_TRIES = 3
IN_LANE_TRIES = 20
UNRESOLVED_PROFILE = 0
# A digest travels in a token as two numbers.
DIGEST_HALF_BYTES = 8
# What a trait takes in a list beside its value: name, time, revision, keys and lengths.
TRAIT_BYTES = 384


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of a list is asked for, and from a state that contains which call: see `get_profiles`."""

    size: int
    token: str
    at_least: str


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

        A profile that is asked for twice is read once. One that has more than an answer may hold is told in part: see
        `ProfileRecord`.

        Raises:
            UttersonError: PROFILE_NOT_FOUND names the first that is missing; PROFILE_TOO_LARGE tells how many of the
                profiles fit into one answer; REVISION_INVALID, HISTORY_DIVERGED,
                REVISION_NOT_REACHED for `at_least`.
        """
        lane = await self._lanes.lane(workspace)
        with lane.held():
            reading = ProfileReading(self._store, lambda: lane.keys, profile_ids)
            await self._read(lane, reading, at_least, timeout_s)
            with self._trusted(lane):
                return await reading.records()

    async def _read(self, lane: Lane, reading: ProfileReading, at_least: str, timeout_s: float | None) -> None:
        """Make a reading: beside the lane, or where the state moves too fast in its own turns."""
        await self._reach(lane, at_least, timeout_s)
        for _ in range(BESIDE_LANE_TRIES):
            with store_refusals(lane.keys.workspace):
                head = await reading.read(lambda: lane.state)
            if reading.done:
                return
            if reading.is_large:
                break
            await lane.reach(head.seq)
        for _ in range(IN_LANE_TRIES):
            await lane.run(ReadInTurn(reading))
            if reading.done:
                return
        raise UttersonError(
            Reason.STORE_UNAVAILABLE,
            "other servers change the workspace too fast; try again",
            retry_after_ms=RETRY_AFTER_MS,
        )

    async def list_identifiers(
        self, workspace: str, profile_id: int, page: PageRequest, timeout_s: float | None
    ) -> Page[IdentifierRecord]:
        """List a profile's identifiers, by priority of their types, then by time added.

        Raises:
            UttersonError: as `get_profiles`; PAGE_TOKEN_INVALID.
        """
        limit = page_limit(page.size)
        lane = await self._lanes.lane(workspace)
        with lane.held():
            await lane.reach(0)
            tokens = PageTokens(lane.keys.digest_key, "identifiers", workspace, profile_id)
            after = _identifier_position(tokens.read(page.token, 3))
            reading = IdentifiersReading(self._store, lambda: lane.keys, profile_id, after, limit + 1)
            await self._read(lane, reading, page.at_least, timeout_s)
            with self._trusted(lane):
                rows = reading.identifiers()
        # More are there than are told, or were there and left out for their bytes.
        has_more = bool(rows) and (len(rows) > limit or rows[0].found > len(rows))
        told = rows[:limit]
        revisions = await self._revisions(lane, {row.added_seq for row in told if row.added_seq is not None})
        return Page(
            [
                IdentifierRecord(
                    row.type,
                    row.raw_value,
                    row.normalized_value,
                    row.added_us,
                    row.seen_day,
                    revisions.get(row.added_seq, ""),
                )
                for row in told
            ],
            _token_after(tokens, told[-1]) if has_more else "",
        )

    async def list_traits(
        self, workspace: str, profile_id: int, page: PageRequest, timeout_s: float | None
    ) -> Page[SetTraitRecord]:
        """List a profile's traits by name, those that were removed too.

        Raises:
            UttersonError: as `get_profiles`; PAGE_TOKEN_INVALID.
        """
        limit = page_limit(page.size)
        lane = await self._lanes.lane(workspace)
        await self._reach(lane, page.at_least, timeout_s)
        keys, members = await self._members(lane, profile_id)
        tokens = PageTokens(keys.digest_key, "traits", workspace, profile_id)
        read = tokens.read(page.token, 0)
        with _proven(lane):
            rows = await self._store.traits_page(keys, members, None if read is None else read[1], limit + 1)
        told, has_more = cut_by_bytes(rows, limit, lambda row: len(row.value or b"") + TRAIT_BYTES)
        state = await _loaded(lane)
        traits = [
            SetTraitRecord(row.name, row.value, row.time_us, state.revision_token(Head(row.seq, row.entry_id)))
            for row in told
        ]
        return Page(traits, tokens.write(text_position=told[-1].name) if has_more else "")

    async def list_events(self, workspace: str, profile_id: int, page_size: int, page_token: str) -> Page[bytes]:
        """List encoded `StoredEvent`s, newest first; profile 0 lists the unresolved ones."""
        limit = page_limit(page_size)
        lane = await self._lanes.lane(workspace)
        keys, members = await self._members(lane, profile_id)
        tokens = PageTokens(keys.digest_key, "events", workspace, profile_id)
        read = tokens.read(page_token, 3)
        before = NEWEST_EVENT if read is None else EventPosition(read[0][0], read[0][1], min(read[0][2], INT32_MAX))
        with _proven(lane):
            rows = await self._store.events_page(keys, members, before, limit + 1)
        told, has_more = cut_by_bytes(rows, limit, lambda row: len(row.record))
        last = told[-1].at if has_more else None
        next_token = "" if last is None else tokens.write([last.time_us, last.seq, last.position])
        return Page([row.record for row in told], next_token)

    async def list_history(self, workspace: str, profile_id: int, page_size: int, page_token: str) -> Page[bytes]:
        """List encoded `HistoryEntry`s, newest first; a survivor shows the merged ones' too."""
        limit = page_limit(page_size)
        lane = await self._lanes.lane(workspace)
        keys, members = await self._members(lane, profile_id)
        tokens = PageTokens(keys.digest_key, "history", workspace, profile_id)
        read = tokens.read(page_token, 2)
        before = NEWEST_DECISION if read is None else HistoryPosition(read[0][0], min(read[0][1], INT32_MAX))
        with _proven(lane):
            rows = await self._store.history_page(keys, members, before, limit + 1)
        told, has_more = cut_by_bytes(rows, limit, lambda row: len(row.record))
        last = told[-1].at if has_more else None
        next_token = "" if last is None else tokens.write([last.seq, last.position])
        return Page([row.record for row in told], next_token)

    async def _revisions(self, lane: Lane, seqs: set[int]) -> dict[int | None, str]:
        """Give the revision tokens of entries, by number."""
        if not seqs:
            return {}
        with _proven(lane):
            ids = await self._store.entry_ids(lane.keys, sorted(seqs))
        state = await _loaded(lane)
        return {seq: state.revision_token(Head(seq, entry_id)) for seq, entry_id in ids.items()}

    @contextmanager
    def _trusted(self, lane: Lane) -> Iterator[None]:
        """Drop a state that promises what is not in the tables, and tell that as a fault."""
        try:
            yield
        except StateDivergedError as error:
            lane.distrust(error)
            raise internal_fault(error, self._context.entropy) from None

    async def _reach(self, lane: Lane, at_least: str, timeout_s: float | None) -> None:
        """Wait until the state is there, and contains the call that answered a revision token, if one is given."""
        await lane.reach(0)
        if at_least:
            await self._reach_token(lane, at_least, timeout_s)

    async def _members(self, lane: Lane, profile_id: int) -> tuple[WorkspaceKeys, list[int]]:
        """Tell which serials a profile consists of, as of now, and in which workspace they are counted."""
        if profile_id == UNRESOLVED_PROFILE:
            await lane.reach(0)
            return lane.keys, [UNRESOLVED_PROFILE]
        while True:
            keys = lane.keys
            operation = FindProfiles([profile_id])
            await lane.run(operation)
            view = operation.views[0]
            if keys != lane.keys:
                # Found anew under its name meanwhile: of which of the two the serials are is not known.
                continue
            if view is None:
                raise profile_not_found(profile_id)
            return keys, view.members

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
        await self._check_in_log(lane, wanted)
        limit_s = self._context.limits.at_least_timeout_ms / 1000
        try:
            async with asyncio.timeout(limit_s if timeout_s is None else min(limit_s, timeout_s)):
                await lane.reach(wanted.seq)
        except TimeoutError:
            raise UttersonError(
                Reason.REVISION_NOT_REACHED,
                "the revision was not reached in time; try again",
                retry_after_ms=RETRY_AFTER_MS,
            ) from None

    async def _check_in_log(self, lane: Lane, wanted: Revision) -> None:
        """Make sure that the log holds the entry.

        A token is given out when its entry stands, and the log is read where it is written: an entry that is not there
        was there once.

        Raises:
            UttersonError: HISTORY_DIVERGED where another one has its place, or none.
        """
        with store_refusals(lane.keys.workspace):
            found = await self._context.store.log.entry_id(lane.keys, wanted.seq)
        if found is None or not wanted.names(found):
            raise UttersonError(
                Reason.HISTORY_DIVERGED,
                "the revision belongs to a history that was lost; drop it and read without at_least",
            )


def _identifier_position(read: tuple[list[int], str] | None) -> IdentifierPosition | None:
    """Read the place after which a page of identifiers begins out of its token."""
    if read is None:
        return None
    (added_us, *halves), type_name = read
    digest = b"".join(half.to_bytes(DIGEST_HALF_BYTES, "big", signed=True) for half in halves)
    return IdentifierPosition(type_name, added_us, digest)


def _token_after(tokens: PageTokens, last: IdentifierRow) -> str:
    parts = (last.digest[:DIGEST_HALF_BYTES], last.digest[DIGEST_HALF_BYTES:])
    halves = (int.from_bytes(half, "big", signed=True) for half in parts)
    return tokens.write([last.added_us, *halves], last.type)


@contextmanager
def _proven(lane: Lane) -> Iterator[None]:
    """Turn a failed read into its refusal; where the workspace is another one by now, the lane finds it anew."""
    with store_refusals(lane.keys.workspace):
        try:
            yield
        except StoreFailureError as failure:
            if failure.kind is FailureKind.GONE:
                lane.distrust(WorkspaceGoneError("the workspace is gone, or another one"))
            raise


async def _loaded(lane: Lane) -> State:
    """Give the state once it may be looked at; the caller must not wait before it does."""
    while True:
        state = lane.state
        if state is not None:
            return state
        await lane.run(CatchUp())
