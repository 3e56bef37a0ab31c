"""One consistent reading of profiles: the state's view and the tables' rows, both at the same head.

An answer is bounded whatever its profiles hold: of each the first identifiers and the newest traits are read and told,
and several that do not fit together are refused.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from utterson.application.ports.engine import ProfileView, State
from utterson.application.ports.store import Profiles
from utterson.domain.chain import Head, StateDivergedError, WorkspaceKeys
from utterson.domain.errors import FieldViolation, Reason, Resource, UttersonError
from utterson.domain.records import (
    PROFILES_BYTES_MAX,
    IdentifierRecord,
    ProfileRecord,
    TraitRecord,
)
from utterson.domain.rows import IdentifierPosition, IdentifierRow, ProfileQuery, ProfileRows
from utterson.scheduling import in_slices

# What an answer tells of one profile's identifiers; several may not have more together, for they would not fit.
IDENTIFIERS_MAX: Final = 10_000
IDENTIFIERS_TOGETHER_MAX: Final = 65_536
# What a profile takes in an answer beside its identifiers and traits.
PROFILE_BYTES: Final = 96
# Profiles with more identifiers than this together are looked at in a thread, in a turn of the lane.
LARGE_IDENTIFIERS: Final = 20_000


def profile_not_found(profile_id: int) -> UttersonError:
    """Make the refusal of a look-up of a profile that does not exist."""
    return UttersonError(
        Reason.PROFILE_NOT_FOUND,
        "there is no such profile in the workspace; look it up by an identifier with Search",
        resource=Resource("profile", str(profile_id)),
    )


class ProfileReading:
    """Reads some profiles in one snapshot of the tables; done once the snapshot's head is the state's.

    Args:
        store: the reader of the tables.
        keys: asked for each try: who the workspace is changes where the database lost history.
        profile_ids: whom to read; one that is named twice is read once.
    """

    def __init__(self, store: Profiles, keys: Callable[[], WorkspaceKeys], profile_ids: Sequence[int]) -> None:
        # Whether there is so much to look at that it takes a turn of the lane: known after the first attempt.
        self.is_large = False
        self._store = store
        self._keys = keys
        self._profile_ids = profile_ids
        self._views: dict[int, ProfileView | None] | None = None
        self._rows: ProfileRows | None = None

    @property
    def done(self) -> bool:
        """Whether the rows were read."""
        return self._rows is not None

    async def read(self, current_state: Callable[[], State | None]) -> Head:
        """Try once; tells the snapshot's head.

        Args:
            current_state: asked in the moment in which the snapshot's head is known; None = not to be had.
        """

        def plan(head: Head) -> list[ProfileQuery] | None:
            state = current_state()
            if state is None or state.head != head:
                return None
            totals = (state.identifier_total(profile_id) or 0 for profile_id in set(self._profile_ids))
            if sum(totals) > LARGE_IDENTIFIERS:
                self.is_large = True
                return None
            self._views = self._look(state)
            return self._queries(self._views)

        return await self._read(plan)

    async def read_apart(self, state: State) -> Head:
        """Try once, looking at the state in a thread; it must not move meanwhile. Tells the snapshot's head."""
        views = await asyncio.to_thread(self._look, state)

        def plan(head: Head) -> list[ProfileQuery] | None:
            if state.head != head:
                return None
            self._views = views
            return self._queries(views)

        return await self._read(plan)

    async def _read(self, plan: Callable[[Head], list[ProfileQuery] | None]) -> Head:
        head, self._rows = await self._store.read(self._keys(), plan)
        return head

    def _look(self, state: State) -> dict[int, ProfileView | None]:
        """Look at the profiles; of those that cannot fit any more only whether they are there."""
        views: dict[int, ProfileView | None] = {}
        left = IDENTIFIERS_TOGETHER_MAX
        for profile_id in dict.fromkeys(self._profile_ids):
            view = state.profile(profile_id, min(IDENTIFIERS_MAX, left))
            views[profile_id] = view
            left -= 0 if view is None else len(view.digests)
        return views

    def _queries(self, views: dict[int, ProfileView | None]) -> list[ProfileQuery]:
        distinct = {view.serial: view for view in views.values() if view is not None}
        return [ProfileQuery(view.serial, view.members, view.digests, view.holders) for view in distinct.values()]

    def _read_already(self) -> tuple[list[ProfileView], ProfileRows]:
        """Give what was read: the profiles in the order of the ids, and their rows."""
        if self._views is None or self._rows is None:
            raise RuntimeError("the profiles were not read")
        views = []
        for profile_id in self._profile_ids:
            view = self._views[profile_id]
            if view is None:
                raise profile_not_found(profile_id)
            views.append(view)
        return views, self._rows

    async def records(self) -> list[ProfileRecord]:
        """Put the records together, one an id, in the order of the ids.

        Raises:
            UttersonError: PROFILE_NOT_FOUND for the first id that the workspace does not know; PROFILE_TOO_LARGE where
                they take more than an answer may.
            StateDivergedError: the tables lack an identifier of the state.
        """
        views, rows = self._read_already()
        made: dict[int, ProfileRecord] = {}
        size_bytes = 0
        for fitting, view in enumerate(views):
            # Two ids may be of one profile; each tells whether it was merged away.
            record = made.get(view.serial) or await _record(view, rows)
            made[view.serial] = record
            size_bytes += record.size_bytes
            if size_bytes > PROFILES_BYTES_MAX:
                raise _too_large(fitting)
        return [replace(made[view.serial], merged_into=view.merged_into) for view in views]


class IdentifiersReading(ProfileReading):
    """Reads a page of one profile's identifiers, in the same way.

    Args:
        store: the reader of the tables.
        keys: as for profiles.
        profile_id: whose identifiers.
        after: the place after which the page begins; None = at the first.
        limit: how many are read at the most.
    """

    def __init__(
        self,
        store: Profiles,
        keys: Callable[[], WorkspaceKeys],
        profile_id: int,
        after: IdentifierPosition | None,
        limit: int,
    ) -> None:
        super().__init__(store, keys, [profile_id])
        self._after = after
        self._limit = limit

    def _look(self, state: State) -> dict[int, ProfileView | None]:
        return {profile_id: state.profile(profile_id, self._limit, self._after) for profile_id in self._profile_ids}

    def _queries(self, views: dict[int, ProfileView | None]) -> list[ProfileQuery]:
        known = (view for view in views.values() if view is not None)
        return [ProfileQuery(view.serial, [], view.digests, view.holders) for view in known]

    def identifiers(self) -> list[IdentifierRow]:
        """Give the identifiers: fewer than asked for where they take more than an answer may.

        Raises:
            UttersonError: PROFILE_NOT_FOUND.
            StateDivergedError: the tables lack an identifier of the state.
        """
        (view,), rows = self._read_already()
        return _identifiers(view, rows)


def _too_large(fitting: int) -> UttersonError:
    """Make the refusal of profiles that take more together than an answer may.

    The code is FAILED_PRECONDITION: the same request is right where less is stored, and asking again does not help.
    """
    return UttersonError(
        Reason.PROFILE_TOO_LARGE,
        f"the profiles take more than 3 MiB together: ask for the first {fitting}, then for the others",
        violations=(FieldViolation("profile_ids", f"the first {fitting} fit into one answer"),),
    )


def _identifiers(view: ProfileView, rows: ProfileRows) -> list[IdentifierRow]:
    """Give the rows of a profile's first identifiers; those that follow were left out for their bytes."""
    keys = zip(view.digests, view.holders, strict=True)
    told = [row for key in keys if (row := rows.identifiers.get(key)) is not None]
    found = told[0].found if told else 0
    if found < len(view.digests) and (told or not rows.is_cut):
        raise StateDivergedError("an identifier of the state has no row")
    return told


async def _record(view: ProfileView, rows: ProfileRows) -> ProfileRecord:
    """Make the record of a profile."""
    told = _identifiers(view, rows)
    identifiers = [
        IdentifierRecord(row.type, row.raw_value, row.normalized_value, row.added_us, row.seen_day)
        async for row in in_slices(told)
    ]
    traits = rows.traits.get(view.serial, [])
    size_bytes = sum(row.size_bytes for row in told) + sum(row.size_bytes for row in traits)
    return ProfileRecord(
        view.profile_id,
        tuple(identifiers),
        tuple(TraitRecord(row.name, row.value) for row in traits),
        view.known,
        view.merges,
        view.source_profile_id,
        rows.create_time_us[view.serial],
        view.merged_into,
        identifiers_truncated=len(identifiers) < view.identifier_total,
        traits_truncated=bool(traits) and len(traits) < traits[0].total,
        size_bytes=PROFILE_BYTES + size_bytes,
    )
