"""One workspace's state, and the plans that it makes."""

from collections.abc import Sequence
from typing import cast

from utterson import _core
from utterson.domain.chain import (
    LOG_FORMAT_VERSION,
    Commit,
    FormatUnknownError,
    Head,
    LogRow,
    Revision,
    WorkspaceKeys,
)
from utterson.domain.decisions import Answer, ParsedGroup, RepeatedCall, ReplyForm
from utterson.domain.errors import UttersonError
from utterson.domain.rows import IdentifierPosition
from utterson.domain.soundness import ScrubFinding, ScrubStep
from utterson.engine.core_errors import core_errors, decision_errors, refusal, refused
from utterson.engine.row_sink import RowSink


def _answer(native: bytes | _core.Fault | _core.RepeatedCall, form: ReplyForm) -> Answer:
    if isinstance(native, bytes):
        return native
    if isinstance(native, _core.Fault):
        return refused(native, form)
    return RepeatedCall(native.digest, native.explain)


def _handles(groups: Sequence[ParsedGroup]) -> list[_core.CallGroup]:
    return [cast("_core.CallGroup", group.handle) for group in groups]


class Plan:
    """What a batch of calls would do."""

    def __init__(self, workspace: _core.State, native: _core.Plan, groups: Sequence[ParsedGroup] = ()) -> None:
        self._workspace = workspace
        self._native = native
        self._groups = groups
        self.unknown: Sequence[tuple[bytes, int]] = native.unknown
        self.writes = native.writes
        self.weight = native.weight
        self.asks_strong = native.asks_strong
        self.asks_default = native.asks_default

    def complete(self, values: Sequence[tuple[bytes, int, str]]) -> None:
        """Put the values of unknown identifiers into the answers, before these are asked for or committed."""
        with core_errors():
            self._native = self._workspace.complete(self._native, _handles(self._groups), values)
        self.unknown = ()

    def commit(self, keys: WorkspaceKeys) -> Commit:
        """Give the log entry and the columns of a plan that writes."""
        with core_errors():
            entry = self._native.entry
            return Commit(
                keys,
                entry.seq,
                entry.id,
                entry.prev,
                entry.policy_revision,
                entry.commit_time_us,
                entry.state_hash,
                LOG_FORMAT_VERSION,
                entry.payload,
                self._native.columns(),
            )

    def answers(self, group: int, form: ReplyForm = ReplyForm.UNARY) -> list[Answer]:
        """Give the answers to one group's calls, in their order; refusals as the group's form wants them."""
        with core_errors():
            return [_answer(native, form) for native in self._native.answers(group)]

    def responses(self, groups: Sequence[ParsedGroup]) -> list[bytes | None]:
        """Give for each group the whole response that its form asks for; None where that takes single answers."""
        with core_errors():
            return [self._response(place, group) for place, group in enumerate(groups)]

    def _response(self, place: int, group: ParsedGroup) -> bytes | None:
        match group.form:
            case ReplyForm.UNARY:
                return self._native.unary_response(place)
            case ReplyForm.BATCH:
                return self._native.batch_response(place)
            case ReplyForm.STREAM_MESSAGE:
                return self._native.stream_response(place, group.sequence)
            case ReplyForm.ANSWERS:
                return None

    def decide_after(self, groups: Sequence[ParsedGroup], now_us: int, entry_id: bytes) -> "Plan":
        """Decide calls on the state that this plan leads to; the state itself stays as it is."""
        with decision_errors():
            native = self._workspace.decide_after(self._native, _handles(groups), now_us, entry_id)
            return Plan(self._workspace, native, groups)

    def apply(self) -> None:
        """Change the state as the plan says; only after its commit."""
        with core_errors():
            self._workspace.apply(self._native)


class State:
    """One workspace's state: committed state only. Its lane owns it."""

    def __init__(self, native: _core.State) -> None:
        self._native = native

    @property
    def head(self) -> Head:
        """The entry that the state stands at."""
        with core_errors():
            return Head(*self._native.head)

    @property
    def policy_revision(self) -> int:
        """The number of the policy in force."""
        with core_errors():
            return self._native.policy_revision

    @property
    def policy(self) -> bytes:
        """The policy in force, encoded."""
        with core_errors():
            return self._native.policy

    @property
    def identifier_count(self) -> int:
        """How many identifiers the state holds."""
        with core_errors():
            return self._native.identifier_count

    @property
    def memory_bytes(self) -> int:
        """How much memory the state takes; 0 once it is broken or discarded."""
        return self._native.memory_bytes

    def discard(self) -> None:
        """Free the memory; the state is broken after that."""
        self._native.discard()

    def decide(self, groups: Sequence[ParsedGroup], now_us: int, entry_id: bytes) -> Plan:
        """Decide calls, in order."""
        with decision_errors():
            return Plan(self._native, self._native.decide(_handles(groups), now_us, entry_id), groups)

    def answer_hit(
        self, group: ParsedGroup, now_us: int, *, default_strong: bool = False, confirmed: bool = False
    ) -> bytes | None:
        """Answer a unary call that changes nothing, ready to send; None for any other."""
        with decision_errors():
            handle = cast("_core.CallGroup", group.handle)
            return self._native.answer_hit(handle, now_us, default_strong=default_strong, confirmed=confirmed)

    def returning_types(self, policy: bytes) -> list[str]:
        """Name the types that a policy takes, the one in force does not, and of which identifiers are held."""
        with decision_errors():
            return self._native.returning_types(policy)

    def decide_policy(
        self, policy: bytes, earlier: Sequence[bytes], now_us: int, entry_id: bytes
    ) -> Plan | UttersonError:
        """Decide a change of the policy; `earlier` has for each returning type the newest policy that took it."""
        with decision_errors():
            decided = self._native.decide_policy(policy, earlier, now_us, entry_id)
            return refusal(decided) if isinstance(decided, _core.Fault) else Plan(self._native, decided)

    def decide_import(
        self, messages: Sequence[bytes], now_us: int, entry_id: bytes
    ) -> Plan | UttersonError | RepeatedCall:
        """Decide the take-over of an existing graph."""
        with decision_errors():
            decided = self._native.decide_import(messages, now_us, entry_id)
            if isinstance(decided, _core.Fault):
                return refusal(decided)
            if isinstance(decided, _core.RepeatedCall):
                return RepeatedCall(decided.digest, decided.explain)
            return Plan(self._native, decided)

    def replay(self, row: LogRow) -> None:
        """Apply the next entry of the log."""
        if row.format_version > LOG_FORMAT_VERSION:
            raise FormatUnknownError(f"log format {row.format_version} is newer than {LOG_FORMAT_VERSION}")
        with core_errors():
            self._native.replay(
                row.seq,
                row.id,
                row.prev,
                row.policy_revision,
                row.commit_time_us,
                row.state_hash,
                b"" if row.payload is None else row.payload,
            )

    def with_id_eras(self, id_eras: Sequence[int]) -> "State":
        """Give the same state with profile ids of these eras; plans that were made on this one are not of that one."""
        with core_errors():
            self._native.set_id_eras(id_eras)
            return State(self._native)

    def scrub(self, rows: int) -> ScrubStep:
        """Take the scrub on by about so many rows, at most to the end of its round."""
        with decision_errors():
            walked, round_over, finding = self._native.scrub(rows)
            return ScrubStep(walked, round_over, None if finding is None else ScrubFinding(finding))

    @property
    def value_cost(self) -> int:
        """About how long the policy takes for one value at the worst, beside what an ordinary one takes."""
        with core_errors():
            return self._native.value_cost

    def identifier_total(self, profile_id: int) -> int | None:
        """Tell how many identifiers a profile holds, without looking at them; None for an id that is nobody's."""
        with core_errors():
            return self._native.identifier_total(profile_id)

    def profile(
        self, profile_id: int, identifiers_max: int, after: IdentifierPosition | None = None
    ) -> _core.ProfileView | None:
        """Tell one profile by its public id, with the first of its identifiers, or the first after a place."""
        place = None if after is None else (after.type, after.added_us, after.digest)
        with core_errors():
            return self._native.profile(profile_id, identifiers_max, place)

    def revision_token(self, revision: Head) -> str:
        """Make the token by which callers know an entry of the log."""
        with core_errors():
            return self._native.revision_token(revision.seq, revision.id)

    def read_token(self, token: str) -> Revision | None:
        """Read a revision token; None where it is not one of this workspace."""
        with core_errors():
            read = self._native.read_token(token)
            return None if read is None else Revision(*read)

    @property
    def state_hash(self) -> bytes:
        """The hash of the whole state: equal on every replica at the same head."""
        with core_errors():
            return self._native.state_hash


class StateLoader(RowSink[_core.StateLoader]):
    """Builds a state from the tables' rows."""

    def requests(self, chunk: bytes) -> None:
        """Take rows of request ids."""
        with core_errors():
            self._native.requests(chunk)

    def finish(self) -> State:
        """Check the rows against the state hash of their head and give the state."""
        with core_errors():
            return State(self._native.finish())
