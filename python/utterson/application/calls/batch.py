"""Calls of several groups, decided together: the operation behind every single call, batch request and stream."""

import asyncio
from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from utterson.application.lane.operation import Batch, CommitUnderWay
from utterson.application.ports.engine import Plan, State
from utterson.domain.decisions import ParsedGroup

# Batches that ask for more, in identifiers of an ordinary policy, are decided in a thread: that costs more than a small
# batch takes, and less than others would wait for a large one.
HEAVY_WEIGHT: Final = 4_000
_weight_of: Final = attrgetter("weight")


class CallBatch(Batch):
    """Decides groups of calls in their order; the answers come from the plan.

    Args:
        groups: calls that arrived together each, for one workspace.

    Whoever sets `threaded` has them decided beside the event loop.
    """

    allows_deciding_ahead = True

    def __init__(self, groups: Sequence[ParsedGroup]) -> None:
        self._groups = groups
        self._plan: Plan | None = None
        self._ahead: tuple[State, bytes, Plan] | None = None
        self._weight = sum(map(_weight_of, groups))

    def is_threaded(self, state: State) -> bool:
        """Tell whether deciding takes so long that others would wait for it."""
        return self.threaded or self._weight * state.value_cost > HEAVY_WEIGHT

    @property
    def plan(self) -> Plan:
        """The plan of the last decision."""
        if self._plan is None:
            raise RuntimeError("the calls were not decided")
        return self._plan

    def decide_ahead(self, under_way: CommitUnderWay, now_us: int, entry_id: bytes) -> None:
        """Decide all calls, in order, on the state that a commit under way leads to; not if it takes long."""
        if self.is_threaded(under_way.state):
            return
        plan = under_way.plan.decide_after(self._groups, now_us, entry_id)
        self._ahead = (under_way.state, under_way.entry_id, plan)

    async def decide(self, state: State, now_us: int, entry_id: bytes) -> Plan | None:
        """Decide all calls, in order; what was decided ahead stands if the state came to be the expected one."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] is state and ahead[1] == state.head.id:
            self._plan = ahead[2]
        elif self.is_threaded(state):
            self._plan = await asyncio.to_thread(state.decide, self._groups, now_us, entry_id)
        else:
            self._plan = state.decide(self._groups, now_us, entry_id)
        return self._plan

    def needs_confirmation(self, *, default_strong: bool) -> bool:
        """As the calls ask."""
        return self.plan.asks_strong or (self.plan.asks_default and default_strong)
