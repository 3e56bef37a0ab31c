"""Replays one history of one workspace on the reference model and holds everything that was told against it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from google.protobuf.message import DecodeError

from tests.agreement import states
from tests.agreement.mismatch import MismatchError, require
from tests.agreement.telling import difference, model_told, told
from tests.agreement.twin import LogRow
from tests.model.model import Model
from tests.model.records import Answer, Refusal
from tests.simulation.clients import Told
from tests.simulation.truth import Kept
from utterson import _core
from utterson.v1.profile_service_pb2 import StoredEvent
from utterson.v1.resolution_pb2 import Resolution

NO_SUCH_PROFILE = 2**40


@dataclass(frozen=True)
class Placed:
    """A call that took effect: where in its entry, and the answer that was recorded, if it has a request id."""

    position: int
    call: Told
    answer: Resolution | None


class Replay:
    """One workspace's history, from its beginning to where it was cut off or still stands.

    Args:
        kept: its tables, the log among them.
        calls: all calls of the workspace, whatever came of them.
        policies: the first policy under its encoded form, and every one that somebody asked for.
    """

    def __init__(self, kept: Kept, calls: Sequence[Told], policies: dict[bytes, object]) -> None:
        self.kept = kept
        # The state before the entry that is replayed, and after it.
        self.state = empty_state(kept)
        self._after = empty_state(kept)
        self.placed: dict[int, list[Placed]] = defaultdict(list)
        # Of every call that took effect here the number of its entry.
        self.seq_of: dict[int, int] = {}
        self._policies = policies
        self._model = Model(policies[kept.made.new.policy])  # type: ignore[arg-type]
        self._ordinal_of: dict[int, int] = {0: 0}
        self._reads: dict[int, list[Told]] = defaultdict(list)
        self._refused: list[Told] = []
        self._place_all(calls)
        for call in calls:
            seq = self.seq_told(call)
            if call.resolution is not None and not call.writes and seq is not None:
                self._reads[seq].append(call)

    def seq_told(self, call: Told) -> int | None:
        """Tell the number of the entry that an answer names; None where it is not in this history."""
        if call.resolution is None:
            return None
        read = self.state.read_token(call.resolution.revision)
        require(read is not None, f"the revision cannot be read: {call.line()}")
        assert read is not None
        log = self.kept.tables.log
        return read[0] if read[0] < len(log) and log[read[0]].id[:8] == read[1] else None

    def run(self) -> None:
        """Replay everything.

        Raises:
            MismatchError: something disagrees.
        """
        self._check_reads(0)
        before = self.kept.tables.log[0]
        for commit in self.kept.tables.log[1:]:
            is_next = commit.seq == before.seq + 1 and commit.prev == before.id
            require(is_next, f"entry {commit.seq} does not follow the one before")
            require(commit.commit_time_us >= before.commit_time_us, f"time runs backwards at entry {commit.seq}")
            self._entry(commit, before.policy_revision)
            before = self.kept.tables.log[commit.seq]
        ours, theirs = self._model.dump(), states.dump(self.kept.tables)
        require(ours == theirs, f"tables: {difference(ours, theirs)}")
        problems = self.state.check_invariants()
        require(not problems, f"invariants: {problems}")
        for profile_id in self._ordinal_of:
            # One of another era may be that of a profile that was lost.
            is_ours = profile_id == 0 or self.state.profile(profile_id) is not None
            require(is_ours, f"profile id {profile_id} is nobody's")

    def _entry(self, commit: LogRow, policy_revision: int) -> None:
        if commit.policy_revision != policy_revision:
            policy = self.kept.tables.policies[commit.policy_revision]
            require(policy in self._policies, f"entry {commit.seq} has a policy that nobody asked for")
            answer = self._model.update_policy(self._policies[policy])  # type: ignore[arg-type]
            require(not isinstance(answer, Refusal), f"entry {commit.seq}: the model refuses the policy")
        row = self.kept.tables.log[commit.seq]
        self._after.replay(*row)
        for placed in sorted(self.placed[commit.seq], key=lambda one: one.position):
            self._check_reads(commit.seq)
            self._call(placed, commit)
        self._check_reads(commit.seq)
        require(
            not self._reads[commit.seq], f"at {commit.seq} the model says otherwise: {_lines(self._reads[commit.seq])}"
        )
        self.state.replay(*row)
        require(self.state.state_hash == row.state_hash, f"the state hash at entry {commit.seq}")

    def _call(self, placed: Placed, commit: LogRow) -> None:
        call = placed.call
        ours = self._answer(call, commit.commit_time_us)
        if not isinstance(ours, Answer):
            raise MismatchError(f"took effect at {commit.seq}, the model refuses it ({ours.reason}): {call.line()}")
        answers = [] if placed.answer is None else [placed.answer]
        seq = self.seq_told(call)
        # After a loss a call may have taken effect in two histories; it was told of one.
        if seq is not None and call.resolution is not None:
            require(seq == commit.seq, f"took effect at {commit.seq}: {call.line()}")
            answers.append(call.resolution)
        for theirs in answers:
            self._learn(ours.profile, theirs.profile_id)
            self._learn_joined(ours.merged, theirs.merged_profile_ids)
            expected, given = model_told(ours), told(theirs, self._ordinal)
            require(expected == given, f"at {commit.seq}: {difference(expected, given)}: {call.line()}")

    def _answer(self, call: Told, now_us: int) -> Answer | Refusal:
        named = replace(
            call.call,
            now_us=now_us,
            profile=self._named(call.profile_id),
            previous_profile=self._named(call.previous_id),
        )
        return self._model.call(named)

    def _check_reads(self, seq: int) -> None:
        """Hold what was read at this entry against the model as it is now; what agrees is done with."""
        waiting = self._reads[seq]
        if not waiting:
            return
        now_us = self.kept.tables.log[seq].commit_time_us
        self._reads[seq] = [call for call in waiting if not self._agrees(call, now_us)]

    def _agrees(self, call: Told, commit_time_us: int) -> bool:
        before = self._model.state
        ours = self._answer(call, max(commit_time_us, self._decided_at_us(call)))
        self._model.state = before
        assert call.resolution is not None
        return model_told(ours) == told(call.resolution, self._ordinal)

    def _decided_at_us(self, call: Told) -> int:
        """Tell when a call was decided that is in no entry, as far as the time that it was given tells (C11)."""
        assert call.resolution is not None
        if call.resolution.HasField("event_time_adjusted"):
            return call.resolution.event_time_adjusted.ToMicroseconds()
        return (call.call.event_time_us or 0) - self._model.policy.future_tolerance_us

    def _learn(self, ordinal: int, profile_id: int) -> None:
        known = self._ordinal_of.setdefault(profile_id, ordinal)
        require(known == ordinal, f"profile id {profile_id} stands for {known} and for {ordinal}")

    def _learn_joined(self, ordinals: Sequence[int], profile_ids: Sequence[int]) -> None:
        """Learn of profiles that were made and joined within one entry, and of whose making nobody was told."""
        for ordinal, profile_id in zip(ordinals, profile_ids, strict=False):
            if self._ordinal(profile_id) == -1 and ordinal not in self._ordinal_of.values():
                self._learn(ordinal, profile_id)

    def _ordinal(self, profile_id: int) -> int:
        """Tell the ordinal of an id; one that no answer has told of yet is the core's, whose serial is the ordinal."""
        if profile_id not in self._ordinal_of:
            for state in (self.state, self._after):
                view = state.profile(profile_id)
                if view is not None and view.merged_into == 0:
                    self._learn(view.serial, profile_id)
                    break
        return self._ordinal_of.get(profile_id, -1)

    def _named(self, profile_id: int) -> int:
        ordinal = self._ordinal(profile_id)
        return NO_SUCH_PROFILE if ordinal == -1 else ordinal

    def _place_all(self, calls: Sequence[Told]) -> None:
        """Find where each call took effect, and that none did so twice."""
        tables = self.kept.tables
        named: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for (_, _, seq, position), record in tables.events.items():
            named[StoredEvent.FromString(record).name].append((seq, position))
        for call in calls:
            if not call.writes:
                continue
            answer: Resolution | None = None
            places = named.get(call.call.event.name, []) if call.call.event is not None else []
            if call.call.request_id:
                row = tables.requests.get(self.state.request_digest(call.call.request_id))
                in_table = [] if row is None else [(row.seq, row.position)]
                answer = None if row is None else _resolution(row.answer)
                require(call.call.event is None or places == in_table, f"the event and the request id: {call.line()}")
                places = in_table
            require(len(places) <= 1, f"took effect {len(places)} times: {call.line()}")
            for seq, position in places:
                self.placed[seq].append(Placed(position, call, answer))
                self.seq_of[call.number] = seq


def empty_state(kept: Kept) -> _core.State:
    """Make the state that a workspace begins with."""
    new, genesis = kept.made.new, kept.tables.log[0]
    loader = _core.StateLoader(
        new.workspace, new.digest_key, new.id_key, kept.id_eras, 1, new.policy, 0, genesis.id,
        genesis.commit_time_us, genesis.state_hash,
    )  # fmt: skip
    return loader.finish()


def _resolution(recorded: bytes) -> Resolution:
    try:
        return Resolution.FromString(_core.repeated_answer(recorded, False))
    except DecodeError:
        raise MismatchError("a recorded answer is no Resolution") from None


def _lines(calls: Sequence[Told]) -> str:
    return "; ".join(call.line() for call in calls)
