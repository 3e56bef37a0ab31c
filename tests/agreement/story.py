"""One run from its seed, its repetition from its turns, and the search for the shortest turns that still disagree."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from tests.agreement.core_run import CoreRun
from tests.agreement.mismatch import MismatchError
from tests.agreement.steps import Batch, Turn, answer_turn, generate, steps_of
from tests.model.generate import Generator
from tests.model.hits import Hits
from tests.model.model import Model

CHECK_EVERY = 12
SHRINK_SECONDS = 30.0


@dataclass(frozen=True)
class Told:
    """What a run came to; `failure` is empty where model and product agree."""

    seed: int
    calls: int
    hits: Hits
    failure: str = ""
    turns: tuple[Turn, ...] = ()


def run_length(seed: int) -> int:
    """How many steps the run of a seed has: short ones begin often, long ones fill profiles."""
    source = Random(seed)
    return 1500 if source.random() < 0.01 else source.choice((40, 80, 120, 200, 320))


def run(seed: int) -> Told:
    """Run one seed through the extension."""
    model, turns = generate(seed, run_length(seed), may_be_of_0_1=True)
    core = CoreRun(model, Generator(seed, may_be_of_0_1=True).policy, seed)
    taken: list[Turn] = []
    calls = 0
    try:
        for turn, answers in turns:
            taken.append(turn)
            calls += len(steps_of(turn))
            core.take(turn, answers)
            if len(taken) % CHECK_EVERY == 0:
                core.check_state()
        core.finish()
    except Exception as error:
        return Told(seed, calls, model.hits, sentence(error), tuple(taken))
    return Told(seed, calls, model.hits)


def fresh(seed: int) -> tuple[Model, CoreRun]:
    """Make the workspace of a seed, on both sides."""
    generator = Generator(seed, may_be_of_0_1=True)
    model = Model(generator.policy, generator.rules_version)
    return model, CoreRun(model, generator.policy, seed)


def repeat(seed: int, turns: Sequence[Turn]) -> str:
    """Run given turns, comparing the state after each; tell what disagrees, empty where all agrees."""
    model, core = fresh(seed)
    try:
        for turn in turns:
            if not is_callable(turn, model):
                return ""
            core.take(turn, answer_turn(model, turn))
            core.check_state()
        core.finish()
    except Exception as error:
        return sentence(error)
    return ""


def is_callable(turn: Turn, model: Model) -> bool:
    """Whether a caller could send the turn: no call names a profile that an earlier one of its batch makes."""
    made = len(model.state.profiles)
    calls = turn.step.calls if isinstance(turn.step, Batch) else ()
    return not any(made < max(call.profile, call.previous_profile) <= made + len(calls) for call in calls)


def is_same(failure: str, other: str) -> bool:
    """Whether two sentences tell the same kind of disagreement."""
    return failure.partition(":")[0] == other.partition(":")[0]


def sentence(error: Exception) -> str:
    """Tell an error in one line."""
    return str(error) if isinstance(error, MismatchError) else f"{type(error).__name__}: {error}"


def shrink(seed: int, turns: Sequence[Turn], seconds: float = SHRINK_SECONDS) -> tuple[list[Turn], str]:
    """Leave out whatever the disagreement does not need: first the end, then turns, then calls of batches.

    Returns:
        The turns left and what disagrees there; no turns where the disagreement does not come back.
    """
    until = time.monotonic() + seconds
    left, failure = _prefix(seed, list(turns))
    if not failure:
        return [], ""
    size = max(1, len(left) // 2)
    while size >= 1 and time.monotonic() < until:
        at = 0
        while at < len(left) and time.monotonic() < until:
            fewer = left[:at] + left[at + size :]
            found = repeat(seed, fewer)
            if is_same(found, failure):
                left, failure = fewer, found
            else:
                at += size
        size //= 2
    for at in range(len(left) - 1, -1, -1):
        left[at], failure = _fewer_calls(seed, left, at, failure, until)
    return left, failure


def _prefix(seed: int, turns: list[Turn]) -> tuple[list[Turn], str]:
    """Find the shortest prefix that disagrees, comparing after each turn."""
    model, core = fresh(seed)
    for count, turn in enumerate(turns, 1):
        try:
            core.take(turn, answer_turn(model, turn))
            core.check_state()
        except Exception as error:
            return turns[:count], sentence(error)
    try:
        core.finish()
    except Exception as error:
        return turns, sentence(error)
    return turns, ""


def _fewer_calls(seed: int, turns: list[Turn], at: int, failure: str, until: float) -> tuple[Turn, str]:
    turn = turns[at]
    place = 0
    while isinstance(turn.step, Batch) and len(turn.step.calls) > 1 and place < len(turn.step.calls):
        if time.monotonic() > until:
            break
        fewer = replace(turn, step=Batch(turn.step.calls[:place] + turn.step.calls[place + 1 :]))
        found = repeat(seed, [*turns[:at], fewer, *turns[at + 1 :]])
        if is_same(found, failure):
            turn, failure = fewer, found
        else:
            place += 1
    return turn, failure
