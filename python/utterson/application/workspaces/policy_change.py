"""A change of a workspace's policy, in the log's order."""

from collections.abc import Sequence

from utterson.application.lane.operation import Operation
from utterson.application.ports.engine import Plan, State
from utterson.application.workspaces.etag import policy_etag
from utterson.domain.chain import StoredPolicy
from utterson.domain.errors import Reason, UttersonError


class PolicyChange(Operation):
    """Replaces the policy in force.

    Args:
        policy: the new one, encoded and checked.
        etag: that of the policy which the caller saw; empty overwrites whatever is in force.
        kept: the policies that the workspace had when they were read, newest first. Where others changed the policy
            since then nothing is decided, and `is_outdated` says so: they have to be read again.
    """

    def __init__(self, policy: bytes, etag: str, kept: Sequence[StoredPolicy]) -> None:
        self.refusal: UttersonError | None = None
        self.policy = policy
        self.policy_revision = 0
        self.is_outdated = False
        self._etag = etag
        self._kept = kept

    async def decide(self, state: State, now_us: int, entry_id: bytes) -> Plan | None:
        """Compare the etag with the policy in force, then decide."""
        self.refusal = None
        self.is_outdated = False
        self.policy_revision = state.policy_revision
        if self._etag and self._etag != policy_etag(state.policy_revision, state.policy):
            self.refusal = UttersonError(
                Reason.ETAG_MISMATCH,
                "somebody else changed the policy first; read the workspace again and repeat the change on it",
            )
            return None
        newest = self._kept[0].policy_revision if self._kept else 0
        self.is_outdated = newest < self.policy_revision - 1
        if self.is_outdated:
            return None
        earlier = [kept.policy for kept in self._kept if kept.policy_revision < self.policy_revision]
        decided = state.decide_policy(self.policy, earlier, now_us, entry_id)
        if isinstance(decided, UttersonError):
            self.refusal = decided
            return None
        if decided.writes:
            self.policy_revision = state.policy_revision + 1
        return decided

    def needs_confirmation(self, *, default_strong: bool) -> bool:
        """Always: a refusal must not come from an old state."""
        del default_strong
        return True
