"""What the use cases need of the engine. Blind to how it is made; `main` joins the two.

A state is all of one workspace in memory. It belongs to one lane: two of its methods never run at once.
"""

from collections.abc import Sequence
from typing import Protocol

from utterson.domain.calls import CallKind
from utterson.domain.chain import Commit, Head, LogRow, Revision, SnapshotHead, SnapshotSink, WorkspaceKeys
from utterson.domain.decisions import (
    Answer,
    CheckedPolicy,
    ParsedGroup,
    ParsedMessage,
    RefusedCall,
    RepeatedCall,
    ReplyForm,
)
from utterson.domain.errors import UttersonError
from utterson.domain.rows import IdentifierPosition
from utterson.domain.soundness import AuditFinding, AuditSink, ScrubStep


class Plan(Protocol):
    """What a batch of calls would do. Making it changed nothing."""

    @property
    def writes(self) -> bool:
        """Whether there is anything to commit."""
        ...

    @property
    def asks_strong(self) -> bool:
        """Whether a call that changes nothing asks for CONSISTENCY_STRONG."""
        ...

    @property
    def asks_default(self) -> bool:
        """Whether a call that changes nothing leaves the consistency to the server's setting."""
        ...

    @property
    def weight(self) -> int:
        """About how much there is to copy and to take into the state, in effects."""
        ...

    @property
    def unknown(self) -> Sequence[tuple[bytes, int]]:
        """Identifiers, each a digest and its holder, whose values the answers tell and the tables have (rule I5)."""
        ...

    def complete(self, values: Sequence[tuple[bytes, int, str]]) -> None:
        """Put the values of unknown identifiers into the answers, before these are asked for or committed."""
        ...

    def commit(self, keys: WorkspaceKeys) -> Commit:
        """Give the log entry and the columns of a plan that writes."""
        ...

    def answers(self, group: int, form: ReplyForm = ReplyForm.UNARY) -> list[Answer]:
        """Give the answers to one group's calls, in their order; refusals as the group's form wants them."""
        ...

    def decide_after(self, groups: Sequence[ParsedGroup], now_us: int, entry_id: bytes) -> "Plan":
        """Decide calls on the state that this plan leads to; the state itself stays as it is.

        The new plan is of use only once this one is committed and applied.
        """
        ...

    def responses(self, groups: Sequence[ParsedGroup]) -> list[bytes | None]:
        """Give for each group the whole response that its form asks for.

        None where somebody must put the answers together.

        Args:
            groups: the groups that were decided, all of them, in order.
        """
        ...

    def apply(self) -> None:
        """Change the state as the plan says; only after its commit."""
        ...


class ProfileView(Protocol):
    """One profile in the state; `digests` and `holders` lie side by side, by priority, then by time added.

    They may be the first of `identifier_total`.
    """

    @property
    def profile_id(self) -> int: ...  # noqa: D102 - told by the class
    @property
    def serial(self) -> int: ...  # noqa: D102
    @property
    def merged_into(self) -> int: ...  # noqa: D102
    @property
    def members(self) -> list[int]: ...  # noqa: D102
    @property
    def known(self) -> bool: ...  # noqa: D102
    @property
    def merges(self) -> int: ...  # noqa: D102
    @property
    def source_profile_id(self) -> int: ...  # noqa: D102
    @property
    def identifier_total(self) -> int: ...  # noqa: D102
    @property
    def digests(self) -> list[bytes]: ...  # noqa: D102
    @property
    def holders(self) -> list[int]: ...  # noqa: D102


class State(Protocol):
    """All of one workspace in memory, and nothing that is not committed.

    Every method may raise `EnginePanicError`, and those that read the log `StateDivergedError` or
    `FormatUnknownError`; the state is not to be used after that.
    """

    @property
    def head(self) -> Head:
        """The newest entry of the log that the state contains."""
        ...

    @property
    def policy_revision(self) -> int:
        """The number of the policy in force."""
        ...

    @property
    def policy(self) -> bytes:
        """The policy in force, encoded."""
        ...

    @property
    def identifier_count(self) -> int:
        """How many identifiers the state holds."""
        ...

    @property
    def value_cost(self) -> int:
        """About how long the policy takes for one value at the worst, beside what an ordinary one takes."""
        ...

    def identifier_total(self, profile_id: int) -> int | None:
        """Tell how many identifiers a profile holds, without looking at them; None for an id that is nobody's."""
        ...

    @property
    def memory_bytes(self) -> int:
        """How much memory the state takes; 0 once it is not to be used any more."""
        ...

    def discard(self) -> None:
        """Free the memory, on a thread of its own where it is much; the state is not to be used after that."""
        ...

    def decide(self, groups: Sequence[ParsedGroup], now_us: int, entry_id: bytes) -> Plan:
        """Decide calls, in order; refusals are among the answers."""
        ...

    def answer_hit(
        self, group: ParsedGroup, now_us: int, *, default_strong: bool = False, confirmed: bool = False
    ) -> bytes | None:
        """Answer a unary call that changes nothing and is content with this replica's state, ready to send.

        None for any other: one that writes, is refused, repeats another, or asks for a confirmed state, unless the
        answer is held back until the state's head is `confirmed`.
        """
        ...

    def returning_types(self, policy: bytes) -> list[str]:
        """Name the types that a policy takes, the one in force does not, and of which identifiers are held."""
        ...

    def decide_policy(
        self, policy: bytes, earlier: Sequence[bytes], now_us: int, entry_id: bytes
    ) -> Plan | UttersonError:
        """Decide a change of the policy.

        Args:
            policy: the new one, encoded and checked.
            earlier: for each of the returning types the newest policy before the one in force that took it, newest
                first: it tells in which form the type's identifiers are held.
            now_us: the time.
            entry_id: the identity of the log entry.
        """
        ...

    def decide_import(
        self, messages: Sequence[bytes], now_us: int, entry_id: bytes
    ) -> Plan | UttersonError | RepeatedCall:
        """Decide the take-over of an existing graph; all or nothing."""
        ...

    def replay(self, row: LogRow) -> None:
        """Apply the next entry of the log, checking that it is the next and leads to the state it says."""
        ...

    def with_id_eras(self, id_eras: Sequence[int]) -> "State":
        """Give the same state with profile ids of these eras; plans that were made on this one are not of that one."""
        ...

    def scrub(self, rows: int) -> ScrubStep:
        """Take the scrub on by about so many rows, at most to the end of its round."""
        ...

    def profile(
        self, profile_id: int, identifiers_max: int, after: IdentifierPosition | None = None
    ) -> ProfileView | None:
        """Tell one profile by its public id, with the first of its identifiers; the survivor where it was merged.

        Args:
            profile_id: whom to tell.
            identifiers_max: how many of the identifiers at the most.
            after: only those that come after this place.
        """
        ...

    def revision_token(self, revision: Head) -> str:
        """Make the token by which callers know an entry of the log."""
        ...

    def read_token(self, token: str) -> Revision | None:
        """Read a revision token; None where it is not one of this workspace."""
        ...


class StateLoader(SnapshotSink, Protocol):
    """Builds a state from the tables' rows."""

    @property
    def rows(self) -> int:
        """How many rows were taken so far; may be asked while another thread feeds."""
        ...

    def finish(self) -> State:
        """Check the rows against the state hash of their head and give the state."""
        ...


class TableAudit(AuditSink, Protocol):
    """Holds the tables' rows against the state hash of their head."""

    @property
    def rows(self) -> int:
        """How many rows were taken so far; may be asked while another thread feeds."""
        ...

    def finish(self) -> dict[AuditFinding, int]:
        """Tell everything that is wrong, each with how often."""
        ...


class Engine(Protocol):
    """The engine's doors."""

    def parse_call(self, kind: CallKind, request: bytes) -> ParsedGroup:
        """Decode one unary request; a faulty field is a fault of its answer, not raised here.

        Raises:
            UttersonError: MALFORMED_REQUEST.
        """
        ...

    def parse_batch(self, request: bytes) -> ParsedMessage:
        """Decode a `BatchResolveRequest`."""
        ...

    def parse_stream_message(self, request: bytes) -> ParsedMessage:
        """Decode a `StreamResolveRequest`."""
        ...

    def group_faults(self, group: ParsedGroup) -> list[UttersonError | RefusedCall | None]:
        """Give what is wrong with each call whatever the workspace: for calls that no workspace decides."""
        ...

    def check_request(self, message: str, request: bytes) -> UttersonError | None:
        """Give the refusal of an encoded request that is over a bound of its lists or no such message, else None."""
        ...

    def imported_workspace(self, message: bytes) -> str | None:
        """Tell the workspace of an encoded `ImportProfilesRequest`; None if it is none."""
        ...

    def imported_count(self, message: bytes) -> int:
        """Count the profiles of an encoded `ImportProfilesRequest`; 0 if it is none."""
        ...

    def encode_unary(self, resolution: bytes) -> bytes:
        """Wrap a resolution into the response of a unary call."""
        ...

    def encode_batch(self, results: Sequence[tuple[bool, bytes]]) -> bytes:
        """Make a `BatchResolveResponse` of (accepted?, resolution or status) pairs."""
        ...

    def encode_stream_message(self, sequence: int, results: Sequence[tuple[bool, bytes]]) -> bytes:
        """Make a `StreamResolveResponse`."""
        ...

    def repeated_answer(self, recorded: bytes, explain: bool) -> bytes:  # noqa: FBT001 - the engine's own form
        """Make the answer to a repeated call from the recorded one."""
        ...

    def check_policy(self, policy: bytes, in_force: bytes | None = None) -> CheckedPolicy:
        """Expand and check a policy, of a workspace that has another one in force or of a new one.

        Raises:
            UttersonError: POLICY_INVALID, with every fault named.
        """
        ...

    def preset_policy(self, name: str) -> CheckedPolicy | None:
        """Give a preset's policy, encoded; None where there is none of the name."""
        ...

    def taken_types(self, policy: bytes, names: Sequence[str]) -> list[str]:
        """Tell which of some identifier types a policy takes that is kept."""
        ...

    def preset_names(self) -> list[str]:
        """Name the presets."""
        ...

    def loader(self, keys: WorkspaceKeys, snapshot: SnapshotHead) -> StateLoader:
        """Begin to build a state from a snapshot of the tables."""
        ...

    def table_audit(self, keys: WorkspaceKeys, snapshot: SnapshotHead) -> TableAudit:
        """Begin to audit a snapshot of the tables."""
        ...
