"""One consistent reading of profiles: the state's view and the tables' rows, both at the same head."""

from collections.abc import Callable, Sequence

from utterson.application.ports.engine import ProfileView, State
from utterson.application.ports.store import Profiles
from utterson.domain.chain import Head, StateDivergedError, WorkspaceKeys
from utterson.domain.errors import Reason, Resource, UttersonError
from utterson.domain.records import IdentifierRecord, ProfileRecord, TraitRecord
from utterson.domain.rows import ProfileQuery, ProfileRows


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
        store: reads the rows.
        keys: asked for each try: who the workspace is changes where the database lost history.
        profile_ids: whose they are.
    """

    def __init__(self, store: Profiles, keys: Callable[[], WorkspaceKeys], profile_ids: Sequence[int]) -> None:
        self._store = store
        self._keys = keys
        self._profile_ids = profile_ids
        self._views: list[ProfileView | None] | None = None
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
            self._views = [state.profile(profile_id) for profile_id in self._profile_ids]
            distinct = {view.serial: view for view in self._views if view is not None}
            return [ProfileQuery(view.serial, view.members, view.digests, view.holders) for view in distinct.values()]

        head, self._rows = await self._store.read(self._keys(), plan)
        return head

    def records(self) -> list[ProfileRecord]:
        """Put the records together, one an id, in the order of the ids.

        Raises:
            UttersonError: PROFILE_NOT_FOUND for the first id that the workspace does not know.
        """
        if self._views is None or self._rows is None:
            raise RuntimeError("the profiles were not read")
        records = []
        for profile_id, view in zip(self._profile_ids, self._views, strict=True):
            if view is None:
                raise profile_not_found(profile_id)
            records.append(_record(view, self._rows))
        return records


def _record(view: ProfileView, rows: ProfileRows) -> ProfileRecord:
    identifiers = []
    for digest, holder in zip(view.digests, view.holders, strict=True):
        row = rows.identifiers.get((digest, holder))
        if row is None:
            raise StateDivergedError("an identifier of the state has no row")
        identifiers.append(IdentifierRecord(row.type, row.raw_value, row.normalized_value, row.added_us, row.seen_day))
    trait_rows = rows.traits.get(view.serial, [])
    traits = tuple(TraitRecord(row.name, row.value) for row in trait_rows if row.value is not None)
    return ProfileRecord(
        view.profile_id,
        tuple(identifiers),
        traits,
        view.known,
        view.merges,
        view.source_profile_id,
        rows.create_time_us[view.serial],
        view.merged_into,
    )
