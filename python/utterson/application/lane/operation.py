"""What a lane runs in its turns. The lane knows these protocols; each operation lives with its use case."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from utterson.application.ports.engine import Plan, State
from utterson.domain.decisions import ParsedGroup


class Operation(Protocol):
    """What has a turn of the lane. `decide` may be called several times, each time on a newer state.

    `threaded` says that `decide` leaves the event loop, so that nobody else may look at the state meanwhile.
    `allows_deciding_ahead` says that calls may be decided on its plan while that is being committed: plans that take
    long to apply and to take back do not.
    """

    threaded: bool = False
    allows_deciding_ahead: bool = False

    def is_threaded(self, state: State) -> bool:
        """Tell whether `decide` leaves the event loop with this state: always or never, unless told otherwise."""
        del state
        return self.threaded

    async def decide(self, state: State, now_us: int, entry_id: bytes) -> Plan | None:
        """Look at the state; None where there is nothing to commit."""
        ...

    def needs_confirmation(self, *, default_strong: bool) -> bool:
        """Tell whether a decision that writes nothing must be made on a head that the database confirmed."""
        ...


@dataclass(frozen=True, slots=True)
class CommitUnderWay:
    """A plan that is being committed, the identity of its log entry, and the state that it was made on."""

    state: State
    entry_id: bytes
    plan: Plan


class Batch(Operation, Protocol):
    """Groups of calls that are decided together in one turn."""

    @property
    def plan(self) -> Plan:
        """The plan of the last decision, which answers the calls."""
        ...

    def decide_ahead(self, under_way: CommitUnderWay, now_us: int, entry_id: bytes) -> None:
        """Decide on the state that a commit under way leads to; stands if the state comes to be that one."""
        ...


MakeBatch: TypeAlias = Callable[[Sequence[ParsedGroup]], Batch]


class CatchUp(Operation):
    """Decides nothing: its turn loads the state and brings it up to the newest entry that was heard of."""

    async def decide(self, state: State, now_us: int, entry_id: bytes) -> Plan | None:
        """Find the state ready."""
        del state, now_us, entry_id
        return None

    def needs_confirmation(self, *, default_strong: bool) -> bool:
        """Never: whoever needs a confirmed state runs an operation that says so."""
        del default_strong
        return False
