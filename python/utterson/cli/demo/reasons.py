"""Why a call was decided as it was, in lines for people: from the explanation of the answer."""

from collections.abc import Iterator
from typing import Final

from utterson.cli.demo.names import with_names
from utterson.cli.demo.rules import counted_by, decision_of
from utterson.cli.policy_json import short_name
from utterson.cli.scenarios.comparing import outcome_name
from utterson.cli.scenarios.results import StepResult
from utterson.cli.scenarios.symbols import Symbols
from utterson.v1.identifier_pb2 import DemotionReason
from utterson.v1.resolution_pb2 import ExplanationRound, Resolution, RuleCheck

_SEVERAL: Final = 2


def reasons(result: StepResult, symbols: Symbols) -> Iterator[str]:
    """Tell the deciding rule, then each round: who was looked for and found, what was checked and demoted."""
    answer = result.answer
    if not isinstance(answer, Resolution):
        yield str(answer)
        return
    explanation = answer.explanation
    decision = decision_of(answer)
    yield f"{outcome_name(answer)} by rule {explanation.decided_by}{f': {decision}' if decision else ''}"
    for round_ in explanation.rounds:
        told = _round(round_, symbols)
        yield f"round {round_.round}: {told}" if len(explanation.rounds) >= _SEVERAL else told
    yield from answer.warnings


def _round(round_: ExplanationRound, symbols: Symbols) -> str:
    looked_for = ", ".join(dict.fromkeys(identifier.type for identifier in round_.looked_for)) or "nothing"
    parts = [f"looked for {looked_for}", f"found {_found(round_, symbols)}"]
    parts += [_check(check, counted) for check in round_.checks if (counted := counted_by(check.rule)) is not None]
    line = "; ".join(parts)
    if round_.HasField("demoted"):
        reason = short_name(DemotionReason.DESCRIPTOR, round_.demoted.reason)
        line += f" → {round_.demoted.identifier.type} demoted ({reason})"
    return line


def _found(round_: ExplanationRound, symbols: Symbols) -> str:
    types_by_name: dict[str, list[str]] = {}
    for hit in round_.found:
        types_by_name.setdefault(with_names(symbols.name_of(hit.profile_id)), []).append(hit.identifier.type)
    return ", ".join(f"{name} by {' and '.join(types)}" for name, types in types_by_name.items()) or "no profile"


def _check(check: RuleCheck, counted: str) -> str:
    limit = f"of {check.limit}" if check.limit else "(no limit)"
    return f"{check.rule} {counted} {check.figure} {limit} {'✓' if check.passed else '✗'}"
