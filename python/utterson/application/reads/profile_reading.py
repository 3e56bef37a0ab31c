"""One consistent reading of profiles: the state's view and the tables' rows, both at the same head.

An answer is bounded whatever its profiles hold: each has its share of what may be read and told, the first of its
identifiers and the newest of its traits.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from utterson.application.ports.engine import ProfileView, State
from utterson.application.ports.store import Profiles
from utterson.domain.chain import Head, StateDivergedError, WorkspaceKeys
from utterson.domain.errors import Reason, Resource, UttersonError
from utterson.domain.records import IdentifierRecord, ProfileRecord, TraitRecord
from utterson.domain.rows import IdentifierRow, ProfileQuery, ProfileRows
from utterson.scheduling import in_slices

# What an answer tells of its profiles together; of one profile not more than the half of its identifiers' bytes.
IDENTIFIERS_MAX: Final = 10_000
IDENTIFIER_BYTES_MAX: Final = 1024 * 1024
TRAIT_BYTES_MAX: Final = 2 * 1024 * 1024
# What an identifier takes in an answer beside its texts: times, lengths, keys.
IDENTIFIER_BYTES: Final = 40
# Profiles with more identifiers than this together are looked at in a thread, in a turn of the lane.
LARGE_IDENTIFIERS: Final = 20_000


def profile_not_found(profile_id: int) -> UttersonError:
    """Make the refusal of a look-up of a profile that does not exist."""
    return UttersonError(
        Reason.PROFILE_NOT_FOUND,
        "there is no such profile in the workspace",
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
        self._identifiers_max = max(IDENTIFIERS_MAX // max(len(profile_ids), 1), 1)
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
            return _queries(self._views)

        return await self._read(plan)

    async def read_apart(self, state: State) -> Head:
        """Try once, looking at the state in a thread; it must not move meanwhile. Tells the snapshot's head."""
        views = await asyncio.to_thread(self._look, state)

        def plan(head: Head) -> list[ProfileQuery] | None:
            if state.head != head:
                return None
            self._views = views
            return _queries(views)

        return await self._read(plan)

    async def _read(self, plan: Callable[[Head], list[ProfileQuery] | None]) -> Head:
        head, self._rows = await self._store.read(self._keys(), plan)
        return head

    def _look(self, state: State) -> dict[int, ProfileView | None]:
        distinct = dict.fromkeys(self._profile_ids)
        return {profile_id: state.profile(profile_id, self._identifiers_max) for profile_id in distinct}

    async def records(self) -> list[ProfileRecord]:
        """Put the records together, one an id, in the order of the ids.

        Raises:
            UttersonError: PROFILE_NOT_FOUND for the first id that the workspace does not know.
            StateDivergedError: the tables lack an identifier of the state.
        """
        if self._views is None or self._rows is None:
            raise RuntimeError("the profiles were not read")
        made: dict[int, ProfileRecord] = {}
        for profile_id in self._profile_ids:
            if profile_id in made:
                continue
            view = self._views[profile_id]
            if view is None:
                raise profile_not_found(profile_id)
            made[profile_id] = await _record(view, self._rows, len(self._profile_ids))
        return [made[profile_id] for profile_id in self._profile_ids]


def _queries(views: dict[int, ProfileView | None]) -> list[ProfileQuery]:
    distinct = {view.serial: view for view in views.values() if view is not None}
    return [ProfileQuery(view.serial, view.members, view.digests, view.holders) for view in distinct.values()]


async def _record(view: ProfileView, rows: ProfileRows, shares: int) -> ProfileRecord:
    """Make the record of one of so many profiles that share an answer."""
    identifiers, size_bytes = list[IdentifierRecord](), 0
    size_bytes_max = min(IDENTIFIER_BYTES_MAX // shares, IDENTIFIER_BYTES_MAX // 2)
    async for key in in_slices(list(zip(view.digests, view.holders, strict=True))):
        row = rows.identifiers.get(key)
        if row is None:
            raise StateDivergedError("an identifier of the state has no row")
        size_bytes += _size_bytes(row)
        if size_bytes > size_bytes_max and identifiers:
            break
        identifiers.append(IdentifierRecord(row.type, row.raw_value, row.normalized_value, row.added_us, row.seen_day))
    found = rows.traits.get(view.serial, [])
    told = [row for row in found if row.newer_bytes <= TRAIT_BYTES_MAX // shares]
    return ProfileRecord(
        view.profile_id,
        tuple(identifiers),
        tuple(TraitRecord(row.name, row.value) for row in told if row.value is not None),
        view.known,
        view.merges,
        view.source_profile_id,
        rows.create_time_us[view.serial],
        view.merged_into,
        identifiers_truncated=len(identifiers) < view.identifier_total,
        traits_truncated=bool(found) and len(told) < found[0].total,
    )


def _size_bytes(row: IdentifierRow) -> int:
    """Tell about how many bytes an identifier takes in an answer."""
    return sum(len(text.encode()) for text in (row.type, row.raw_value, row.normalized_value)) + IDENTIFIER_BYTES
