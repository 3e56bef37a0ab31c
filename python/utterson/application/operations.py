"""What a lane runs: operations that look at the index and may want something committed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from utterson.application.engine_port import Index, Plan, ProfileView
from utterson.application.etag import policy_etag
from utterson.domain.decisions import ParsedGroup, RepeatedCall
from utterson.domain.errors import Reason, UttersonError


class Operation(Protocol):
    """One turn of the lane. `decide` may be called several times, each time on a newer state."""

    @property
    def threaded(self) -> bool:
        """Whether `decide` leaves the event loop: nobody else may look at the index meanwhile."""
        ...

    async def decide(self, index: Index, now_us: int, entry_id: bytes) -> Plan | None:
        """Look at the index; None where there is nothing to commit."""
        ...

    def needs_confirmation(self, *, default_strong: bool) -> bool:
        """Tell whether a decision that writes nothing must be made on a head that the database confirmed."""
        ...


@dataclass(frozen=True, slots=True)
class CommitUnderWay:
    """A plan that is being committed, the identity of its log entry, and the index that it was made on."""

    index: Index
    entry_id: bytes
    plan: Plan


class CallsOperation:
    """Calls of the hot path, decided together; answers come from the plan."""

    threaded = False

    def __init__(self, groups: Sequence[ParsedGroup]) -> None:
        self._groups = groups
        self._plan: Plan | None = None
        self._ahead: tuple[Index, bytes, Plan] | None = None

    @property
    def plan(self) -> Plan:
        """The plan of the last decision."""
        if self._plan is None:
            raise RuntimeError("the calls were not decided")
        return self._plan

    def decide_ahead(self, under_way: "CommitUnderWay", now_us: int, entry_id: bytes) -> None:
        """Decide all calls, in order, on the state that a commit under way leads to."""
        plan = under_way.plan.decide_after(self._groups, now_us, entry_id)
        self._ahead = (under_way.index, under_way.entry_id, plan)

    async def decide(self, index: Index, now_us: int, entry_id: bytes) -> Plan | None:
        """Decide all calls, in order; what was decided ahead stands if the index came to be in that state."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] is index and ahead[1] == index.head.id:
            self._plan = ahead[2]
        else:
            self._plan = index.decide(self._groups, now_us, entry_id)
        return self._plan

    def needs_confirmation(self, *, default_strong: bool) -> bool:
        """As the calls ask."""
        return self.plan.asks_strong or (self.plan.asks_default and default_strong)


class PolicyOperation:
    """A change of the policy, in the log's order."""

    threaded = False

    def __init__(self, policy: bytes, etag: str) -> None:
        self.refusal: UttersonError | None = None
        self.policy = policy
        self.policy_revision = 0
        self._etag = etag

    async def decide(self, index: Index, now_us: int, entry_id: bytes) -> Plan | None:
        """Compare the etag with the policy in force, then decide."""
        self.refusal = None
        self.policy_revision = index.policy_revision
        if self._etag and self._etag != policy_etag(index.policy_revision, index.policy):
            self.refusal = UttersonError(
                Reason.ETAG_MISMATCH,
                "somebody else changed the policy first; read the workspace again and repeat the change on it",
            )
            return None
        decided = index.decide_policy(self.policy, now_us, entry_id)
        if isinstance(decided, UttersonError):
            self.refusal = decided
            return None
        if decided.writes:
            self.policy_revision = index.policy_revision + 1
        return decided

    def needs_confirmation(self, *, default_strong: bool) -> bool:
        """Always: a refusal must not come from an old state."""
        del default_strong
        return True


class ImportOperation:
    """The take-over of an existing graph. Long: decided in a thread of its own."""

    threaded = True

    def __init__(self, messages: Sequence[bytes]) -> None:
        self.refusal: UttersonError | None = None
        self.repeated: RepeatedCall | None = None
        self.plan: Plan | None = None
        self._messages = messages

    async def decide(self, index: Index, now_us: int, entry_id: bytes) -> Plan | None:
        """Decide the whole graph."""
        self.refusal = self.repeated = self.plan = None
        decided = await asyncio.to_thread(index.decide_import, self._messages, now_us, entry_id)
        if isinstance(decided, UttersonError):
            self.refusal = decided
        elif isinstance(decided, RepeatedCall):
            self.repeated = decided
        else:
            self.plan = decided
        return self.plan

    def needs_confirmation(self, *, default_strong: bool) -> bool:
        """Always: a refusal must not come from an old state."""
        del default_strong
        return True


class LookupOperation:
    """Looks profiles up by their public ids, on a confirmed head."""

    threaded = False

    def __init__(self, profile_ids: Sequence[int]) -> None:
        self.views: list[ProfileView | None] = []
        self._profile_ids = profile_ids

    async def decide(self, index: Index, now_us: int, entry_id: bytes) -> Plan | None:
        """Look up; writes nothing."""
        del now_us, entry_id
        self.views = [index.lookup(profile_id) for profile_id in self._profile_ids]
        return None

    def needs_confirmation(self, *, default_strong: bool) -> bool:
        """Always."""
        del default_strong
        return True


class LookOperation:
    """Lets somebody look at the index once it is loaded and not behind any head that was heard of."""

    threaded = False

    def __init__(self, look: Callable[[Index], object] | None = None) -> None:
        self._look = look

    async def decide(self, index: Index, now_us: int, entry_id: bytes) -> Plan | None:
        """Call the looker, if any; writes nothing."""
        del now_us, entry_id
        if self._look is not None:
            self._look(index)
        return None

    def needs_confirmation(self, *, default_strong: bool) -> bool:
        """Never."""
        del default_strong
        return False
