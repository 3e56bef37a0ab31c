"""Comparisons of single answers, and what must not change any: explain and validate_only."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Protocol

from tests.agreement.mismatch import MismatchError, require
from tests.agreement.telling import Ordinals, difference, explanation_difference, model_told, refusal_told, told
from tests.agreement.twin import Tables, completed
from tests.model.records import Answer, Call, Outcome, Refusal
from utterson import _core
from utterson.v1.resolution_pb2 import Resolution


class Decides(Protocol):
    """The part of a run that decides without committing."""

    workspace: _core.State
    tables: Tables

    def groups(self, calls: tuple[Call, ...], choices: Random) -> list[_core.CallGroup]:
        """Parse calls."""
        ...


def decide(run: Decides, groups: list[_core.CallGroup], stamp: tuple[int, bytes]) -> _core.Plan:
    """Decide, with the values that only the tables have."""
    return completed(run.workspace, run.workspace.decide(groups, *stamp), groups, run.tables)


def fault_told(fault: _core.Fault | _core.RepeatedCall) -> str:
    """Tell a fault by the name of its reason; whatever else it says holds no value."""
    if isinstance(fault, _core.RepeatedCall):
        return "a repeat"
    texts = [fault.message, *(text for violation in fault.violations for text in violation)]
    require(not any("@x.com" in text or "0794609" in text for text in texts), "a fault quotes a value")
    return str(refusal_told(fault.reason)["refused"])


def compare_answer(call: Call, ours: Answer | Refusal, theirs: Resolution, ordinals: Ordinals) -> None:
    """Compare one answer with the model's; the explanation where both tell one."""
    expected, given = model_told(ours), told(theirs, ordinals)
    require(expected == given, difference(expected, given))
    require(call.explain or not theirs.HasField("explanation"), "an explanation nobody asked for")
    require(not any("@x.com" in warning for warning in theirs.warnings), "a warning quotes a value")
    if isinstance(ours, Answer) and ours.explanation is not None and theirs.HasField("explanation"):
        found = explanation_difference(ours.explanation, theirs.explanation, ordinals)
        require(not found, f"explanation: {found}")


def decided_alike(run: Decides, calls: tuple[Call, ...], plan: _core.Plan, stamp: tuple[int, bytes]) -> None:
    """The same calls with `explain` turned over lead to the same answers and effects (C10)."""
    turned = tuple(replace(call, explain=not call.explain) for call in calls)
    groups = run.groups(turned, Random(0))
    other = decide(run, groups, stamp)
    require(plan.writes == other.writes, "explain changes whether a plan writes")
    if plan.writes:
        columns, others = plan.columns(), other.columns()
        require(columns[:36] + columns[37:] == others[:36] + others[37:], "explain changes the effects")
        require(plan.entry.state_hash == other.entry.state_hash, "explain changes the state")
    ours, theirs = flat(plan), flat(other)
    for one, two in zip(ours, theirs, strict=True):
        require(without_explanation(one) == without_explanation(two), "explain changes an answer")


def dry_alike(run: Decides, call: Call, stamp: tuple[int, bytes]) -> None:
    """A dry run answers as the call itself would (C9), but for the id of a profile that is not made."""
    answers = []
    for is_dry in (False, True):
        plan = decide(run, run.groups((replace(call, validate_only=is_dry),), Random(0)), stamp)
        require(not (is_dry and plan.writes), "a dry run writes")
        answers.append(without_explanation(flat(plan)[0]))
    wet, dry = answers
    if isinstance(wet, Resolution) and isinstance(dry, Resolution):
        wet.revision = dry.revision = ""
        if wet.outcome == outcome_number(Outcome.CREATED) and dry.profile_id == 0:
            wet.profile_id = 0
    require(wet == dry, "a dry run answers something else")


def outcome_number(outcome: Outcome) -> int:
    """Give the number of an outcome."""
    return list(Outcome).index(outcome) + 1


def flat(plan: _core.Plan) -> list[bytes | _core.Fault | _core.RepeatedCall]:
    """Give a plan's answers in the order of its calls."""
    answers: list[bytes | _core.Fault | _core.RepeatedCall] = []
    for group in range(2**31):
        try:
            answers.extend(plan.answers(group))
        except IndexError:
            break
    return answers


def without_explanation(answer: bytes | _core.Fault | _core.RepeatedCall) -> Resolution | str | bytes:
    """Give an answer in a form that can be compared."""
    if isinstance(answer, _core.Fault):
        return fault_told(answer)
    if isinstance(answer, _core.RepeatedCall):
        return answer.digest
    try:
        resolution = Resolution.FromString(answer)
    except ValueError:
        raise MismatchError("an answer is no Resolution") from None
    resolution.ClearField("explanation")
    return resolution
