"""A workspace in the extension with the table twin as its database: calls go in, tables and answers come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, TypeAlias

from tests.agreement import states
from tests.agreement.loading import load
from tests.agreement.messages import KIND_NUMBERS, policy_message, request
from tests.agreement.same import fault_told
from tests.agreement.twin import LogRow, Tables, completed
from tests.model.generate import START_US, Generator
from tests.model.model import Model
from tests.model.policy import US_OF_DAY
from tests.model.records import Call, JsonValue
from utterson import _core
from utterson.v1.resolution_pb2 import Resolution

Reply: TypeAlias = "Resolution | str"
WORKSPACE = "soho"
UNKNOWN_ID = 2**52
# Later than the event times of calls: none of them is taken for another (rule C11).
LATE_US = START_US + 1000 * US_OF_DAY


class Ledger:
    """One workspace; profiles are named by serial.

    Args:
        policy: the policy in protobuf JSON form.
        seed: seeds keys and entry ids: two ledgers of one seed give the same ids.
    """

    def __init__(self, policy: Mapping[str, JsonValue], seed: int = 0) -> None:
        self.random = Random(seed)
        self.keys = (self.random.randbytes(16), self.random.randbytes(16))
        policy_bytes = _core.check_policy(policy_message(policy).SerializeToString()).policy
        self.tables = Tables(LogRow(0, bytes(16), bytes(16), 1, START_US, bytes(48), b""), policy_bytes)
        self.workspace = load(self.tables, WORKSPACE, self.keys, self.random)
        self.ids: dict[int, int] = {}

    def call(self, calls: Sequence[Call]) -> list[Reply]:
        """Decide calls together, at the first one's time, and commit."""
        groups = []
        for call in calls:
            made = request(call, WORKSPACE, lambda serial: self.ids.get(serial, UNKNOWN_ID + serial))
            group = _core.parse_call(KIND_NUMBERS[call.kind], made.SerializeToString())
            assert isinstance(group, _core.CallGroup)
            groups.append(group)
        plan = self.workspace.decide(groups, calls[0].now_us, self.random.randbytes(16))
        plan = completed(self.workspace, plan, groups, self.tables)
        answers = [plan.answers(group)[0] for group in range(len(groups))]
        if plan.writes:
            self.tables.commit(plan)
            self.workspace.apply(plan)
        return [self._reply(answer) for answer in answers]

    def _reply(self, answer: bytes | _core.Fault | _core.RepeatedCall) -> Reply:
        if isinstance(answer, _core.Fault):
            return fault_told(answer)
        if isinstance(answer, _core.RepeatedCall):
            answer = _core.repeated_answer(self.tables.requests[answer.digest].answer, answer.explain)
        resolution = Resolution.FromString(answer)
        view = self.workspace.profile(resolution.profile_id)
        if view is not None:
            self.ids.setdefault(view.serial, view.profile_id)
        return resolution

    def restart(self) -> None:
        """Load the state anew from the tables."""
        self.workspace = load(self.tables, WORKSPACE, self.keys, self.random)

    def dump(self) -> dict[str, Any]:
        """Tell all that the tables hold, but for times of commits."""
        return states.dump(self.tables)


def generated_calls(seed: int, count: int) -> tuple[Mapping[str, JsonValue], list[Call]]:
    """Give a policy and calls; each has an event time of its own, long past: when it is committed does not matter."""
    generator = Generator(seed)
    model = Model(generator.policy)
    calls: list[Call] = []
    while len(calls) < count:
        step = generator.next_step(model)
        if isinstance(step, Call):
            model.call(step)
            time_us = step.now_us if step.event_time_us is None else step.event_time_us
            calls.append(replace(step, event_time_us=min(time_us, LATE_US), now_us=LATE_US + 1 + len(calls)))
    return generator.policy, calls


def plain(reply: Reply) -> object:
    """Give a reply without what tells the commit that it came with."""
    if isinstance(reply, Resolution):
        copy = Resolution()
        copy.CopyFrom(reply)
        copy.ClearField("revision")
        return copy
    return reply
