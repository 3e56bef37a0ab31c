"""Compares what the server answered with what a scenario expects."""

from collections.abc import Iterator

from utterson.cli.policy_json import short_name
from utterson.cli.scenarios.records import Expect, Pair, State
from utterson.cli.scenarios.results import Answer
from utterson.cli.scenarios.symbols import Symbols
from utterson.client import CallRefused
from utterson.v1 import identifier_pb2
from utterson.v1.resolution_pb2 import OUTCOME_UNRESOLVED, Outcome, Resolution


def answer_differences(expect: Expect, answer: Answer, symbols: Symbols) -> Iterator[str]:
    """Tell where an answer differs, the most telling first; what the file leaves free is not compared."""
    if isinstance(answer, CallRefused):
        if expect.error is None or answer.code.name != expect.error.value:
            yield f"refused with {answer}, expected {expect.error or expect.outcome}"
        return
    if expect.error is not None:
        yield f"outcome is {outcome_name(answer)}, expected a refusal with {expect.error}"
        return
    if expect.outcome is not None:
        yield from _unless_equal("outcome", outcome_name(answer), expect.outcome.value)
    if expect.profile is not None or answer.outcome == OUTCOME_UNRESOLVED:
        yield from _unless_equal("profile", symbols.name_of(answer.profile_id), expect.profile or "none")
    if expect.known is not None:
        yield from _unless_equal("known", answer.known, expect.known)
    if expect.source_profile is not None:
        source = symbols.name_of(answer.source_profile_id)
        yield from _unless_equal("source_profile", source, expect.source_profile or "none")
    merged = tuple(symbols.name_of(profile_id) for profile_id in answer.merged_profile_ids)
    yield from _unless_equal("merged", merged, expect.merged)
    yield from _unless_equal("demoted", _demoted(answer), tuple(map(_plain, expect.demoted)))
    blocked = _set_aside(answer, identifier_pb2.DISPOSITION_BLOCKED)
    yield from _unless_equal("blocked", blocked, expect.blocked)
    invalid = _set_aside(answer, identifier_pb2.DISPOSITION_INVALID)
    yield from _unless_equal("invalid", invalid, expect.invalid)
    if expect.changed is not None:
        changed = tuple((change.type, symbols.name_of(change.profile_id)) for change in answer.changes)
        yield from _unless_equal("changed", changed, expect.changed)


def state_differences(expected: State | None, found: State) -> Iterator[str]:
    """Tell where the live profiles differ; nothing is compared where the file leaves the state free."""
    if expected is None:
        return
    for symbol in sorted({*expected, *found}, key=lambda symbol: int(symbol.removeprefix("P"))):
        if symbol not in found:
            yield f"{symbol} is no live profile, expected {expected[symbol]}"
        elif symbol not in expected:
            yield f"{symbol} is a live profile with {found[symbol]}, expected none"
        else:
            wanted = {name: sorted(values) for name, values in expected[symbol].items() if values}
            yield from _unless_equal(symbol, found[symbol], wanted)


def outcome_name(answer: Resolution) -> str:
    """Tell the short name of an answer's outcome."""
    return short_name(Outcome.DESCRIPTOR, answer.outcome)


def _unless_equal(what: str, found: object, expected: object) -> Iterator[str]:
    if found != expected:
        yield f"{what} is {_told(found)}, expected {_told(expected)}"


def _told(value: object) -> str:
    return "empty" if value in ((), {}) else str(value)


def _demoted(answer: Resolution) -> tuple[tuple[str, ...], ...]:
    reasons = identifier_pb2.DemotionReason.DESCRIPTOR
    return tuple(
        (demotion.identifier.type, demotion.identifier.value, short_name(reasons, demotion.reason))
        for demotion in answer.demoted
    )


def _plain(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(text) for text in texts)


def _set_aside(answer: Resolution, disposition: identifier_pb2.Disposition.ValueType) -> tuple[Pair, ...]:
    return tuple(
        (result.identifier.type, result.identifier.value)
        for result in answer.identifiers
        if result.disposition == disposition
    )
