"""A change of a workspace's policy, in the log's order."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from utterson.application.lane.operation import Operation
from utterson.application.ports.engine import Plan, State
from utterson.application.workspaces.etag import policy_etag
from utterson.domain.errors import Reason, UttersonError


@dataclass(frozen=True, slots=True)
class EarlierPolicies:
    """What was read of a workspace's earlier policies, to judge types that return.

    Args:
        policy_revision: the policy in force when they were read.
        types: the returning types that were looked for.
        policies: for each type the newest earlier policy that took it, encoded; newest first, each once.
    """

    policy_revision: int = 0
    types: frozenset[str] = frozenset()
    policies: Sequence[bytes] = ()


class PolicyChange(Operation):
    """Replaces the policy in force. Decided in a thread: large policies and workspaces take a while.

    Args:
        policy: the new one, encoded and checked.
        etag: that of the policy which the caller saw; empty overwrites whatever is in force.
        earlier: what was read of earlier policies. Where types return of which it does not tell, nothing is decided,
            and `wanted` names them: their policies have to be read, which a turn must not wait for.
        validate_only: find out what the change would do, and do not make it.
    """

    threaded = True

    def __init__(self, policy: bytes, etag: str, earlier: EarlierPolicies, *, validate_only: bool = False) -> None:
        self.refusal: UttersonError | None = None
        self.policy = policy
        self.policy_revision = 0
        self.wanted: frozenset[str] = frozenset()
        self._etag = etag
        self._earlier = earlier
        self._validate_only = validate_only

    async def decide(self, state: State, now_us: int, entry_id: bytes) -> Plan | None:
        """Compare the etag with the policy in force, then decide."""
        self.refusal = None
        self.wanted = frozenset()
        self.policy_revision = state.policy_revision
        if self._etag and self._etag != policy_etag(state.policy_revision, state.policy):
            self.refusal = UttersonError(
                Reason.ETAG_MISMATCH,
                "somebody else changed the policy first; read the workspace again and repeat the change on it",
            )
            return None
        returning = frozenset(await asyncio.to_thread(state.returning_types, self.policy))
        if not self._is_told(returning):
            self.wanted = returning
            return None
        decided = await asyncio.to_thread(state.decide_policy, self.policy, self._earlier.policies, now_us, entry_id)
        if isinstance(decided, UttersonError):
            self.refusal = decided
            return None
        if decided.writes:
            self.policy_revision = state.policy_revision + 1
        return None if self._validate_only else decided

    def needs_confirmation(self, *, default_strong: bool) -> bool:
        """Always: a refusal must not come from an old state."""
        del default_strong
        return True

    def _is_told(self, returning: frozenset[str]) -> bool:
        """Whether what was read of earlier policies is enough: nothing is needed where no type returns."""
        read_for = self._earlier.policy_revision
        return not returning or (read_for == self.policy_revision and returning <= self._earlier.types)
