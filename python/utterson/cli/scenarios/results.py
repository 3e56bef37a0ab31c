"""What a run of a scenario brings to light."""

from dataclasses import dataclass
from typing import TypeAlias

from utterson.cli.scenarios.records import Pair, State, StateByType, Step
from utterson.client import CallRefused
from utterson.v1 import resolution_pb2

Answer: TypeAlias = resolution_pb2.Resolution | CallRefused


@dataclass(frozen=True)
class ProfileView:
    """One live profile as the server tells it; identifiers as compared, by priority."""

    profile_id: int
    identifiers: tuple[Pair, ...]
    known: bool
    merges: int
    source_profile_id: int

    def by_type(self) -> StateByType:
        """Tell the identifiers as a scenario's state does: {type: [values, sorted]}."""
        types: StateByType = {}
        for name, value in sorted(self.identifiers):
            types.setdefault(name, []).append(value)
        return types


@dataclass(frozen=True)
class WorkspaceView:
    """All profiles that the scenario knows of: the live ones, and for those merged away the survivor, by symbol."""

    live: dict[str, ProfileView]
    merged_into: dict[str, str]

    def state(self) -> State:
        """Tell the live profiles as a scenario's state does."""
        return {symbol: profile.by_type() for symbol, profile in self.live.items()}


@dataclass(frozen=True)
class StepResult:
    """One step as it went.

    Args:
        number: its place in the scenario, from 1.
        step: what was asked and expected.
        answer: what the server said.
        before: the profiles before the call.
        after: the profiles after it.
        differences: where answer and state differ from the file; empty = the step holds.
    """

    number: int
    step: Step
    answer: Answer
    before: WorkspaceView
    after: WorkspaceView
    differences: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether answer and state are what the file says."""
        return not self.differences
