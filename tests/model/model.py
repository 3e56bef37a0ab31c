"""One workspace as the rules describe it: calls in, answers or refusals out, the whole state in plain Python."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tests.model import isolation, merge, modify
from tests.model.common import ChangeItem, check_fields, fingerprint, refuse_values_as_0_1
from tests.model.hits import Branch, Hits
from tests.model.imports import content_of, import_all, read_messages, refuse_messages_as_0_1
from tests.model.policy import RULES_NOW, RULES_OF_0_1, Policy
from tests.model.policy_change import changes_stored_values, count_warnings, returns_changed
from tests.model.policy_reader import PolicyInvalidError, read_policy
from tests.model.presets import preset
from tests.model.records import (
    CODE_OF_REASON,
    Answer,
    Call,
    ImportMessage,
    JsonValue,
    Kind,
    Outcome,
    PolicyAnswer,
    Reason,
    Refusal,
    RefusedError,
)
from tests.model.state import Dump, Recorded, State, dump
from tests.model.values import Item, sort_out
from tests.model.work import Work, without_explanation

RETENTION_US = 24 * 60 * 60 * 1_000_000
REQUEST = "request"
MESSAGE = "message"


class Model:
    """One workspace.

    Args:
        policy: a policy in protobuf JSON form (short or full enum names), or the name of a preset.
        rules_version: RULES_OF_0_1 for a workspace that 0.1 made; it keeps it whatever policies follow.

    Raises:
        PolicyInvalidError: the policy contradicts itself.
    """

    def __init__(self, policy: Mapping[str, JsonValue] | str, rules_version: int = RULES_NOW) -> None:
        self.rules_version = rules_version
        self.policy: Policy = read_policy(preset(policy) if isinstance(policy, str) else policy, rules_version)
        self.earlier_policies: list[Policy] = []
        self.policy_revision = 1
        self.warnings = count_warnings(self.policy)
        self.state = State()
        self.hits: Hits = Hits()

    def call(self, call: Call) -> Answer | Refusal:
        """Decide one call; a refused call and a dry run leave the state as it was (C2, C9)."""
        try:
            answer = self._decide(call)
        except RefusedError as refused:
            return refusal(refused)
        if not call.explain:
            return without_explanation(answer)
        self.hits[Branch.C10_EXPLAINED] += 1
        return answer

    def update_policy(self, policy: Mapping[str, JsonValue]) -> PolicyAnswer | Refusal:
        """Change the policy; it judges later calls only, nothing is re-evaluated (C8)."""
        try:
            new = read_policy(policy, self.rules_version)
        except PolicyInvalidError:
            self.hits[Branch.POLICY_INVALID] += 1
            return refusal(RefusedError(Reason.POLICY_INVALID))
        if self.state.profiles and changes_stored_values(self.policy, new):
            self.hits[Branch.POLICY_FORBIDDEN] += 1
            return refusal(RefusedError(Reason.POLICY_CHANGE_FORBIDDEN))
        held_types = {name for profile in self.state.profiles.values() for name, _ in profile.held}
        if returns_changed(held_types, self.earlier_policies, self.policy, new):
            self.hits[Branch.POLICY_FORBIDDEN_AGAIN] += 1
            return refusal(RefusedError(Reason.POLICY_CHANGE_FORBIDDEN))
        self.hits[Branch.POLICY_UPDATED] += 1
        self.earlier_policies.append(self.policy)
        self.policy = new
        self.policy_revision += 1
        return PolicyAnswer(self.policy_revision, count_warnings(new))

    def import_profiles(
        self, messages: Sequence[ImportMessage], now_us: int, request_id: str = ""
    ) -> tuple[int, ...] | Refusal:
        """Take over an existing graph, oldest first, all or nothing; a known `request_id` answers what was recorded."""
        try:
            return self._import(messages, now_us, request_id)
        except RefusedError as refused:
            self.hits[Branch.IMPORT_REFUSED] += 1
            return refusal(refused)

    def dump(self) -> Dump:
        """Return the full state in a canonical, comparable form."""
        return dump(self.state)

    def _decide(self, call: Call) -> Answer:
        try:
            items, changes = check_fields(self.policy, call, self.hits)
        except RefusedError:
            self.hits[Branch.C2_REFUSED] += 1
            raise
        is_search = call.kind is Kind.SEARCH  # a Search never writes: its ids mean nothing
        content = fingerprint(call, items, changes)
        if not is_search:
            recorded = self._repeated(call, (items, changes), content)
            if recorded is not None:
                return recorded
        refuse_values_as_0_1(self.policy, items, changes, self.hits)
        working = self.state.copy()
        working.order += 1
        answer = self._decide_new(call, items, changes, working)
        if is_search:
            return answer
        if call.validate_only:
            self.hits[Branch.C9_DRY_RUN] += 1
            if answer.outcome is Outcome.CREATED:
                self.hits[Branch.C9_DRY_CREATE] += 1
                return replace(answer, profile=0)  # nothing was made that has an id
            return answer
        for key in ids_of(call):
            working.requests[key] = Recorded(content, call.now_us, answer)
        self.state = working
        return answer

    def _decide_new(self, call: Call, items: list[Item], changes: list[ChangeItem], working: State) -> Answer:
        time_us = take_time(self.policy, call, self.hits)
        work = Work(
            policy=self.policy,
            policy_revision=self.policy_revision,
            state=working,
            call=call,
            time_us=time_us,
            is_adjusted=call.kind is not Kind.SEARCH and call.event_time_us not in (None, time_us),
            hits=self.hits,
            change_items=changes,
        )
        if call.kind is Kind.MODIFY:
            return modify.decide(work)
        work.items = sort_out(self.policy, items, self.hits, refuses=self.policy.refuses_invalid)
        if self.policy.merge is not None:
            return merge.decide(work)
        return isolation.decide(work)

    def _repeated(self, call: Call, read: tuple[list[Item], list[ChangeItem]], content: str) -> Answer | None:
        """C7: the recorded answer of a known id, the request id looked up first; None for a new call."""
        for key in ids_of(call):
            recorded = self._recorded(key, call.now_us)
            if recorded is None:
                continue
            if recorded.fingerprint != content or not isinstance(recorded.answer, Answer):
                refuse_values_as_0_1(self.policy, *read, self.hits)
                self.hits[Branch.C7_REUSED] += 1
                raise RefusedError(Reason.REQUEST_ID_REUSED)
            if any(item.invalid is not None for item in read[0]) and self.policy.refuses_invalid:
                self.hits[Branch.C7_REPEATED_INVALID] += 1
            self.hits[Branch.C7_REPEATED_REQUEST if key[0] == REQUEST else Branch.C7_REPEATED_MESSAGE] += 1
            if call.validate_only:
                self.hits[Branch.C7_DRY_REPEAT] += 1
            return recorded.answer
        return None

    def _recorded(self, key: tuple[str, str], now_us: int) -> Recorded | None:
        """C7: what an id stands for; forgotten when more than 24 hours have passed."""
        recorded = self.state.requests.get(key)
        if recorded is not None and now_us - recorded.time_us > RETENTION_US:
            self.hits[Branch.C7_EXPIRED] += 1
            return None
        return recorded

    def _import(self, messages: Sequence[ImportMessage], now_us: int, request_id: str) -> tuple[int, ...]:
        read = read_messages(self.policy, messages, request_id, self.hits)
        content = json.dumps(["IMPORT", content_of(messages, read)], sort_keys=True)
        key = (REQUEST, request_id)
        recorded = self._recorded(key, now_us) if request_id else None
        if recorded is not None:
            if recorded.fingerprint != content or isinstance(recorded.answer, Answer):
                refuse_messages_as_0_1(self.policy, read, self.hits)
                self.hits[Branch.C7_REUSED] += 1
                raise RefusedError(Reason.REQUEST_ID_REUSED)
            self.hits[Branch.IMPORT_REPEATED] += 1
            return recorded.answer
        working = self.state.copy()
        ordinals = import_all(self.policy, working, messages, read, now_us, self.hits)
        self.hits[Branch.IMPORTED] += 1
        if request_id:
            working.requests[key] = Recorded(content, now_us, ordinals)
        self.state = working
        return ordinals


def take_time(policy: Policy, call: Call, hits: Hits) -> int:
    """C11: the call's event time; the commit time where it is absent or too far ahead of that.

    A Search commits nothing, and its time plays no part.
    """
    if call.event_time_us is None or call.kind is Kind.SEARCH:
        return call.now_us
    if call.event_time_us <= call.now_us + policy.future_tolerance_us:
        hits[Branch.C11_WITHIN if call.event_time_us > call.now_us else Branch.C11_PAST] += 1
        return call.event_time_us
    if policy.rules_version == RULES_OF_0_1:
        hits[Branch.C11_OF_0_1] += 1
        return call.event_time_us
    hits[Branch.C11_ADJUSTED] += 1
    return call.now_us


def ids_of(call: Call) -> list[tuple[str, str]]:
    """C7: the ids by which a call is once only, the request id first; the two kinds of id do not mix."""
    keys = []
    if call.request_id:
        keys.append((REQUEST, call.request_id))
    if call.kind is Kind.TRACK and call.event is not None and call.event.message_id:
        keys.append((MESSAGE, call.event.message_id))
    return keys


def refusal(refused: RefusedError) -> Refusal:
    """Tell a refusal by its names of the closed lists."""
    return Refusal(CODE_OF_REASON[refused.reason].name, refused.reason.name, refused.message_index)
