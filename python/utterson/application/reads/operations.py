"""Turns of the lane in which profiles are read: on a confirmed state, while this replica commits nothing."""

from collections.abc import Sequence

from utterson.application.lane.operation import Operation
from utterson.application.ports.engine import Plan, ProfileView, State
from utterson.application.reads.profile_reading import ProfileReading


class FindProfiles(Operation):
    """Finds profiles by their public ids, without their identifiers.

    Args:
        profile_ids: whom to find; `views` tells them in this order, None for an id that is nobody's.
    """

    def __init__(self, profile_ids: Sequence[int]) -> None:
        self.views: list[ProfileView | None] = []
        self._profile_ids = profile_ids

    async def decide(self, state: State, now_us: int, entry_id: bytes) -> Plan | None:
        """Find them; writes nothing."""
        del now_us, entry_id
        self.views = [state.profile(profile_id, 0) for profile_id in self._profile_ids]
        return None

    def needs_confirmation(self, *, default_strong: bool) -> bool:
        """Always."""
        del default_strong
        return True


class ReadInTurn(Operation):
    """Makes one attempt at a reading while nothing else moves this replica's state."""

    def __init__(self, reading: ProfileReading) -> None:
        self._reading = reading

    def is_threaded(self, state: State) -> bool:
        """Tell whether the profiles are so large that looking at the state takes long."""
        del state
        return self._reading.is_large

    async def decide(self, state: State, now_us: int, entry_id: bytes) -> Plan | None:
        """Read once; where the snapshot is elsewhere, the confirmation that follows brings the state there."""
        del now_us, entry_id
        if self._reading.is_large:
            await self._reading.read_apart(state)
        else:
            await self._reading.read(lambda: state)
        return None

    def needs_confirmation(self, *, default_strong: bool) -> bool:
        """Until the rows were read."""
        del default_strong
        return not self._reading.done
