"""Answers of both sides in one plain form, so that a difference can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, cast

from google.protobuf.timestamp_pb2 import Timestamp

from tests.agreement.messages import microseconds
from tests.model.records import Answer, Explanation, Identifier, Refusal
from utterson.v1.error_reason_pb2 import ErrorReason
from utterson.v1.identifier_pb2 import Demotion as DemotionMessage
from utterson.v1.identifier_pb2 import DemotionReason as ReasonNumber
from utterson.v1.identifier_pb2 import Disposition as DispositionNumber
from utterson.v1.identifier_pb2 import Identifier as IdentifierMessage
from utterson.v1.identifier_pb2 import InvalidReason as InvalidNumber
from utterson.v1.resolution_pb2 import Explanation as ExplanationMessage
from utterson.v1.resolution_pb2 import Outcome as OutcomeNumber
from utterson.v1.resolution_pb2 import Resolution

FOUND_MAX = 100
WATERFALL_RULES = ("I3", "I6", "I8")

Told: TypeAlias = dict[str, Any]
Ordinals: TypeAlias = Callable[[int], int]


def model_told(answer: Answer | Refusal) -> Told:
    """Tell a model's answer; the explanation apart."""
    if isinstance(answer, Refusal):
        return {"refused": answer.reason}
    return {
        "outcome": answer.outcome.name,
        "profile": answer.profile,
        "known": answer.known,
        "source": answer.source_profile,
        "merged": list(answer.merged),
        "identifiers": [
            (r.type, r.value, r.disposition.name, r.reason.name, r.invalid_reason.name, sorted(r.replaced))
            for r in answer.identifiers
        ],
        "demoted": [(d.type, d.value, d.reason.name, d.round) for d in answer.demoted],
        "changes": [(c.type, c.profile, c.now_orphaned) for c in answer.changes],
        "warnings": answer.warnings,
        "event_time_adjusted_us": answer.event_time_adjusted_us,
        "policy_revision": answer.policy_revision,
    }


def told(resolution: Resolution, ordinals: Ordinals) -> Told:
    """Tell the product's answer, profiles by ordinal."""
    return {
        "outcome": short(OutcomeNumber.Name(resolution.outcome), "OUTCOME_"),
        "profile": ordinals(resolution.profile_id),
        "known": resolution.known,
        "source": ordinals(resolution.source_profile_id),
        "merged": [ordinals(profile_id) for profile_id in resolution.merged_profile_ids],
        "identifiers": [
            (
                *pair(result.identifier),
                short(DispositionNumber.Name(result.disposition), "DISPOSITION_"),
                reason_name(result.reason),
                short(InvalidNumber.Name(result.invalid_reason), "INVALID_REASON_"),
                sorted(pair(one) for one in result.replaced),
            )
            for result in resolution.identifiers
        ],
        "demoted": [demotion_told(demotion) for demotion in resolution.demoted],
        "changes": [(one.type, ordinals(one.profile_id), one.now_orphaned) for one in resolution.changes],
        "warnings": len(resolution.warnings),
        "event_time_adjusted_us": time_told(
            resolution.event_time_adjusted, is_there=resolution.HasField("event_time_adjusted")
        ),
        "policy_revision": resolution.policy_revision,
    }


def time_told(time: Timestamp, *, is_there: bool) -> int | None:
    """Give a time that need not be there."""
    return microseconds(time) if is_there else None


def short(name: str, prefix: str) -> str:
    """Give an enum's name as the model has it."""
    return name.removeprefix(prefix)


def pair(identifier: IdentifierMessage) -> tuple[str, str]:
    """Give an identifier as the model has it."""
    return identifier.type, identifier.value


def reason_name(reason: ReasonNumber.ValueType) -> str:
    """Give a reason as the model has it."""
    return short(ReasonNumber.Name(reason), "DEMOTION_REASON_")


def demotion_told(demotion: DemotionMessage) -> tuple[str, str, str, int]:
    """Tell a demotion."""
    return (*pair(demotion.identifier), reason_name(demotion.reason), demotion.round)


def refusal_told(reason: int) -> Told:
    """Tell a refusal."""
    return {"refused": short(ErrorReason.Name(cast("ErrorReason.ValueType", reason)), "ERROR_REASON_")}


def explanation_difference(model: Explanation, core: ExplanationMessage, ordinals: Ordinals) -> str:
    """Compare explanations (C10); checks only where both tell them. Empty means that they agree."""
    decided_by = model.decided_by
    if decided_by != core.decided_by:
        return f"decided_by: {decided_by} | {core.decided_by}"
    model_rounds = [one for one in model.rounds if one.looked_for]  # a Modify looks for nothing
    core_rounds = [one for one in core.rounds if one.looked_for]
    if len(model_rounds) != len(core_rounds):
        return f"{len(model_rounds)} | {len(core_rounds)} rounds"
    for number, (ours, theirs) in enumerate(zip(model_rounds, core_rounds, strict=True), 1):
        demoted = ours.demoted
        expected: Told = {
            "round": number,
            "looked_for": list(ours.looked_for),
            "found": sorted(ours.found),
            "found_count": ours.found_count,
            "demoted": (demoted.type, demoted.value, demoted.reason.name, demoted.round) if demoted else None,
        }
        given: Told = {
            "round": theirs.round,
            "looked_for": [pair(one) for one in theirs.looked_for],
            "found": sorted((ordinals(one.profile_id), pair(one.identifier)) for one in theirs.found),
            "found_count": theirs.found_count,
            "demoted": demotion_told(theirs.demoted) if theirs.HasField("demoted") else None,
        }
        if decided_by in WATERFALL_RULES:
            cut_to(given, ours.looked_for)
            if theirs.found_count > len(theirs.found):  # what was found by each type can be counted no more
                expected["found_count"] = given["found_count"] = FOUND_MAX
        if max(ours.found_count, theirs.found_count) > FOUND_MAX:  # which of them are told is nobody's promise
            expected["found"], given["found"] = FOUND_MAX, min(theirs.found_count, len(theirs.found))
        if expected != given:
            return f"round {number}: {difference(expected, given)}"
        model_checks = verdicts((one.rule, one.passed) for one in ours.checks)
        core_checks = verdicts((one.rule, one.passed) for one in theirs.checks)
        for rule in model_checks.keys() & core_checks.keys():
            if model_checks[rule] != core_checks[rule]:
                return f"round {number}: {rule} passed: {model_checks[rule]} | {core_checks[rule]}"
    return ""


def cut_to(given: Told, looked_for: tuple[Identifier, ...]) -> None:
    """Leave out what a waterfall tells of the types below the one at which a single candidate was left (I2)."""
    if len(given["looked_for"]) > len(looked_for):
        given["looked_for"] = given["looked_for"][: len(looked_for)]
        given["found"] = [one for one in given["found"] if one[1] in looked_for]
        given["found_count"] = len(given["found"])


def verdicts(checks: Iterable[tuple[str, bool]]) -> dict[str, bool]:
    """Tell for each rule whether all its checks passed."""
    passed: dict[str, bool] = {}
    for rule, is_passed in checks:
        passed[rule] = passed.get(rule, True) and is_passed
    return passed


def difference(expected: Any, given: Any, path: str = "") -> str:
    """Name the places where two plain values differ: model | product."""
    if isinstance(expected, dict) and isinstance(given, dict):
        keys = sorted(expected.keys() | given.keys(), key=str)
        differing = [key for key in keys if (key in expected, expected.get(key)) != (key in given, given.get(key))]
        return "; ".join(difference(expected.get(key), given.get(key), f"{path}.{key}") for key in differing)
    if isinstance(expected, list) and isinstance(given, list) and len(expected) == len(given):
        both = enumerate(zip(expected, given, strict=True))
        return "; ".join(difference(a, b, f"{path}[{n}]") for n, (a, b) in both if a != b)
    return f"{path}: {expected!r} | {given!r}"
