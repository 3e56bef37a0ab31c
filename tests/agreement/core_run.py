"""Runs turns through the extension, with the table twin as its database, and compares every answer with the model's."""

from __future__ import annotations

from random import Random
from typing import Any, cast

from tests.agreement import states
from tests.agreement.history import check_history, check_import_history
from tests.agreement.loading import load
from tests.agreement.messages import KIND_NUMBERS, batched, import_messages, policy_message, request
from tests.agreement.mismatch import MismatchError, require
from tests.agreement.same import compare_answer, decide, decided_alike, dry_alike, fault_told
from tests.agreement.steps import Answers, Batch, Import, PolicyUpdate, Turn
from tests.agreement.telling import difference, told
from tests.agreement.twin import LogRow, Tables, TwinError, completed
from tests.model.generate import START_US
from tests.model.model import Model, ids_of
from tests.model.policy import RULES_OF_0_1
from tests.model.records import Answer, Call, Kind, PolicyAnswer, Refusal
from utterson import _core
from utterson.v1.identity_service_pb2 import BatchResolveRequest
from utterson.v1.resolution_pb2 import Resolution
from utterson.v1.workspace_service_pb2 import ImportProfilesResponse

WORKSPACE = "soho"
UNKNOWN_ID = 2**52


class CoreRun:
    """One workspace in the extension.

    Args:
        model: the model; it has answered each turn before `take` is called with it.
        policy: the policy in protobuf JSON form.
        seed: seeds keys and entry ids.
    """

    def __init__(self, model: Model, policy: Any, seed: int) -> None:
        self.model = model
        self.random = Random(seed)
        self.keys = (self.random.randbytes(16), self.random.randbytes(16))
        message = policy_message(policy).SerializeToString()
        # A policy that 0.1 kept has no version of the rules.
        checked = _core.check_policy(message, message if model.rules_version == RULES_OF_0_1 else None)
        require(not checked.violations, f"the first policy is refused: {checked.violations}")

        require(warning_count(checked) == model.warnings, "warnings of the first policy")
        genesis = LogRow(0, self.random.randbytes(16), bytes(16), 1, START_US, bytes(48), b"")
        self.tables = Tables(genesis, checked.policy)
        self.workspace = load(self.tables, WORKSPACE, self.keys, self.random)
        self.replica = load(self.tables, WORKSPACE, self.keys, self.random)
        self.earlier_policies: list[bytes] = []  # newest first
        self.id_of: dict[int, int] = {}
        self.ordinal_of: dict[int, int] = {0: 0}

    def ids(self, ordinal: int) -> int:
        """Give the public id of an ordinal; of one that does not exist an id that no profile has."""
        return self.id_of.get(ordinal, UNKNOWN_ID + ordinal)

    def ordinals(self, profile_id: int) -> int:
        """Give the ordinal of a public id that was answered before; -1 for any other."""
        return self.ordinal_of.get(profile_id, -1)

    def learn(self, ordinal: int, profile_id: int) -> None:
        """Note the id of a profile just made."""
        if ordinal in self.id_of:
            return
        require(0 < profile_id < 2**53 and profile_id not in self.ordinal_of, "a profile's id is not fresh")
        self.id_of[ordinal] = profile_id
        self.ordinal_of[profile_id] = ordinal

    def take(self, turn: Turn, expected: Answers) -> None:
        """Run one turn; `expected` is what the model answered.

        Raises:
            MismatchError: model and product disagree.
        """
        choices = Random(turn.salt)
        try:
            match turn.step:
                case Batch():
                    self._batch(turn.step, cast("list[Answer | Refusal]", expected), choices)
                case PolicyUpdate():
                    self._policy(turn.step, expected[0])
                case Import():
                    self._import(turn.step, expected[0])
            if choices.random() < 0.05:
                self.tables.forget()
            if choices.random() < 0.03:
                self.reload(choices)
        except TwinError as error:
            raise MismatchError(f"tables: {error}") from error

    def reload(self, choices: Random) -> None:
        """Go on with a state loaded from the tables, as after a restart."""
        loaded = load(self.tables, WORKSPACE, self.keys, choices)
        require(loaded.state_hash == self.workspace.state_hash, "the state hash after loading")
        require(loaded.head == self.workspace.head, "the head after loading")
        require(loaded.policy == self.workspace.policy, "the policy after loading")
        require(loaded.profile_count == self.workspace.profile_count, "the profiles counted after loading")
        require(loaded.identifier_count == self.workspace.identifier_count, "the identifiers counted after loading")
        self.workspace = loaded

    def _commit(self, plan: _core.Plan) -> None:
        row = self.tables.commit(plan)
        self.workspace.apply(plan)
        self.replica.replay(*row)
        require(self.workspace.state_hash == row.state_hash == self.replica.state_hash, "the state hash of a replay")
        require(self.workspace.head == (row.seq, row.id) == self.replica.head, "the head after an entry")

    def _batch(self, batch: Batch, expected: list[Answer | Refusal], choices: Random) -> None:
        now_us = batch.calls[0].now_us
        groups = self.groups(batch.calls, choices)
        entry_id = self.random.randbytes(16)
        plan = decide(self, groups, (now_us, entry_id))
        if choices.random() < 0.1:
            self._check_purity(batch, plan, (now_us, entry_id))
        answers = [answer for group in range(len(groups)) for answer in plan.answers(group)]
        require(len(answers) == len(batch.calls), "one answer a call")
        writes = [self._may_write(*one) for one in zip(batch.calls, expected, answers, strict=True)]
        require(not plan.writes or any(writes), "a plan writes though nothing was accepted")
        if plan.writes:
            require(plan.entry.commit_time_us == now_us, "the commit time")
            self._commit(plan)
        used: set[tuple[str, str]] = set()
        for position, (call, ours, theirs) in enumerate(zip(batch.calls, expected, answers, strict=True)):
            is_repeat = self._compare(call, ours, theirs) or not used.isdisjoint(ids_of(call))
            if plan.writes and not is_repeat:
                check_history(self.tables, (self.tables.head, position), call, ours, self.ordinals)
            if isinstance(ours, Answer) and not call.validate_only and call.kind is not Kind.SEARCH:
                used.update(ids_of(call))

    def _may_write(self, call: Call, answer: Answer | Refusal, native: object) -> bool:
        is_refused = isinstance(answer, Refusal)
        return not (
            is_refused or call.validate_only or call.kind is Kind.SEARCH or isinstance(native, _core.RepeatedCall)
        )

    def groups(self, calls: tuple[Call, ...], choices: Random) -> list[_core.CallGroup]:
        """Parse calls, each alone or several as one message; a Search stands alone."""
        groups: list[_core.CallGroup] = []
        at = 0
        while at < len(calls):
            size = choices.choice((1, 1, 2, 5, len(calls)))
            run = calls[at : at + size]
            if len(run) == 1 or any(call.kind is Kind.SEARCH for call in run):
                groups.append(self._alone(calls[at]))
                at += 1
                continue
            message = BatchResolveRequest(workspace=WORKSPACE)
            for call in run:
                message.calls.append(batched(request(call, choices.choice(("", WORKSPACE)), self.ids)))
            parsed = _core.parse_batch(message.SerializeToString())
            if isinstance(parsed, _core.Fault):
                raise MismatchError(f"a batch is refused: {parsed.message}")
            require(parsed.size == len(run) and not parsed.faults and len(parsed.groups) == 1, "one group a batch")
            groups.append(parsed.groups[0])
            at += len(run)
        return groups

    def _alone(self, call: Call) -> _core.CallGroup:
        parsed = _core.parse_call(KIND_NUMBERS[call.kind], request(call, WORKSPACE, self.ids).SerializeToString())
        if isinstance(parsed, _core.Fault):
            raise MismatchError(f"a call is refused before it is read: {parsed.message}")
        return parsed

    def _check_purity(self, batch: Batch, plan: _core.Plan, stamp: tuple[int, bytes]) -> None:
        """Deciding changes nothing; explain changes no answer; a dry run answers as the call itself (C9, C10)."""
        before = self.workspace.state_hash
        decided_alike(self, batch.calls, plan, stamp)
        dry_alike(self, batch.calls[0], stamp)
        require(self.workspace.state_hash == before, "a decision changed the state")

    def _compare(self, call: Call, ours: Answer | Refusal, theirs: bytes | _core.Fault | _core.RepeatedCall) -> bool:
        """Compare one answer; tell whether it repeats an earlier one."""
        is_repeat = isinstance(theirs, _core.RepeatedCall)
        if isinstance(theirs, _core.RepeatedCall):
            require(theirs.digest in self.tables.requests, "a repeat of nothing recorded")
            require(theirs.explain == call.explain, "explain of a repeat")
            theirs = _core.repeated_answer(self.tables.requests[theirs.digest].answer, theirs.explain)
        if isinstance(theirs, bytes):
            resolution = Resolution.FromString(theirs)
            if isinstance(ours, Answer) and ours.profile and resolution.profile_id:
                self.learn(ours.profile, resolution.profile_id)
            self._check_revision(resolution, is_repeat=is_repeat)
            compare_answer(call, ours, resolution, self.ordinals)
        else:
            if not isinstance(ours, Refusal):
                raise MismatchError(f"accepted | {fault_told(theirs)}")
            require(ours.reason == fault_told(theirs), f"refused: {ours.reason} | {fault_told(theirs)}")
        return is_repeat

    def _check_revision(self, resolution: Resolution, *, is_repeat: bool) -> None:
        read = self.workspace.read_token(resolution.revision)
        if read is None:
            raise MismatchError("the revision cannot be read")
        seq, head = read[0], self.tables.head.seq
        require(read[1] == self.tables.log[seq].id[:8], "the revision is of another entry")
        is_fit = seq <= head if is_repeat else seq in (head, head - 1)
        require(is_fit, f"the revision's seq is {seq}, the head's {head}")

    def _policy(self, step: PolicyUpdate, expected: object) -> None:
        policy = policy_message(step.policy).SerializeToString()
        checked = _core.check_policy(policy, self.workspace.policy)
        entry_id = self.random.randbytes(16)
        decided = self.workspace.decide_policy(checked.policy or policy, self.earlier_policies, step.now_us, entry_id)
        if isinstance(decided, _core.Fault):
            if not isinstance(expected, Refusal):
                raise MismatchError(f"policy: {expected} | {fault_told(decided)}")
            require(expected == Refusal(expected.code, fault_told(decided)), f"policy: {expected} | {decided.message}")
            return
        if not isinstance(expected, PolicyAnswer):
            raise MismatchError(f"policy: {expected} | accepted")
        require(warning_count(checked) == expected.warnings, "warnings of a policy")
        self.earlier_policies.insert(0, self.workspace.policy)
        self._commit(decided)
        require(self.workspace.policy_revision == expected.policy_revision, "the policy's revision")
        require(self.workspace.policy == checked.policy, "the policy in force")

    def _import(self, step: Import, expected: object) -> None:
        messages = [one.SerializeToString() for one in import_messages(step, WORKSPACE)]
        decided = self.workspace.decide_import(messages, step.now_us, self.random.randbytes(16))
        if isinstance(decided, _core.Fault):
            if not isinstance(expected, Refusal):
                raise MismatchError(f"import: {expected} | {fault_told(decided)}")
            paths = [path for path, _ in decided.violations]
            require(expected.reason == fault_told(decided), f"import: {expected} | {fault_told(decided)} {paths}")
            place = f"messages[{expected.message_index}]"
            require(all(path.startswith(place) for path in paths), f"import: fault at {place} | {paths}")
            return
        require(isinstance(expected, tuple), f"import: {expected} | accepted")
        if isinstance(decided, _core.RepeatedCall):
            recorded = self.tables.requests[decided.digest].answer
        else:
            self._commit(decided)
            recorded = cast("bytes", decided.answers(0)[0])
            check_import_history(self.tables, cast("tuple[int, ...]", expected))
        profile_ids = ImportProfilesResponse.FromString(recorded).profile_ids
        ordinals = cast("tuple[int, ...]", expected)
        require(len(profile_ids) == len(ordinals), "one id a message")
        for ordinal, profile_id in zip(ordinals, profile_ids, strict=True):
            self.learn(ordinal, profile_id)
            require(self.ordinals(profile_id) == ordinal, "the id of an imported profile")

    def check_state(self) -> None:
        """Compare the whole state: tables, memory, model."""
        ours, theirs = self.model.dump(), states.dump(self.tables)
        require(ours == theirs, f"state: {difference(ours, theirs)}")
        for ordinal in self.model.state.profiles:
            self._check_view(ordinal)
        problems = [*self.workspace.check_invariants(), *self.replica.check_invariants()]
        require(not problems, f"invariants: {problems}")

    def _check_view(self, ordinal: int) -> None:
        view, profile = self.workspace.profile(self.ids(ordinal)), self.model.state.resolve(ordinal)
        if view is None or profile is None:
            raise MismatchError(f"profile {ordinal} does not resolve")
        require(self.ordinals(view.profile_id) == profile.ordinal, f"profile {ordinal} reads as another")
        is_merged = ordinal != profile.ordinal
        require(view.merged_into == (self.ids(profile.ordinal) if is_merged else 0), f"merged_into of {ordinal}")
        require(self.ordinals(view.source_profile_id) == profile.source, f"source of {ordinal}")
        require(sorted(view.members) == sorted(self.tables.members()[profile.ordinal]), f"members of {ordinal}")
        told_difference = states.view_difference(view, profile, self.model, self.tables)
        require(not told_difference, told_difference)

    def finish(self, last: Answers | None = None) -> None:
        """At the end of a run: the state, and a state loaded anew that answers the same."""
        self.check_state()
        require(self.workspace.profile(UNKNOWN_ID) is None, "an id that was never given resolves")
        before = self.workspace
        self.reload(self.random)
        require(self.workspace.commit_time_us == before.commit_time_us, "the commit time after loading")
        self.check_state()
        self._same_afterwards(before)

    def _same_afterwards(self, before: _core.State) -> None:
        """A state loaded anew decides as the one that was there all the time, down to the columns."""
        for held in [tuple(profile.held) for profile in self.model.state.live()][:10]:
            values = tuple((key[0], key[1]) for key in held) or (("user_id", "nobody"),)
            call = Call(Kind.IDENTIFY, values[:32], now_us=self.tables.head.commit_time_us + 1, explain=True)
            group, entry_id = self._alone(call), self.random.randbytes(16)
            stamp = (call.now_us, entry_id)
            plans = [
                completed(one, one.decide([group], *stamp), [group], self.tables) for one in (before, self.workspace)
            ]
            require(plans[0].columns() == plans[1].columns(), "the columns of a state loaded anew")
            one, other = (plan.answers(0)[0] for plan in plans)
            require(_plain(one, self) == _plain(other, self), "the answer of a state loaded anew")


def warning_count(checked: _core.CheckedPolicy) -> int:
    """Count the warnings that the model knows too; the product tells more."""
    return sum(warning.startswith("on_new_known_user") for warning in checked.warnings)


def _plain(answer: bytes | _core.Fault | _core.RepeatedCall, run: CoreRun) -> object:
    if isinstance(answer, bytes):
        return told(Resolution.FromString(answer), run.ordinals)
    return fault_told(answer)
