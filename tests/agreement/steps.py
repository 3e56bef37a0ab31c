"""What a run is made of: turns, each one batch of calls, one change of the policy or one import."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import TypeAlias

from tests.model.generate import GeneratedStep, Generator, Import, PolicyUpdate, StepAnswer, answer_step
from tests.model.model import Model
from tests.model.records import Call, Kind

__all__ = ["Batch", "Import", "PolicyUpdate", "Turn", "answer_turn", "generate", "steps_of"]

BATCH_CALLS_MAX = 20


@dataclass(frozen=True)
class Batch:
    """Calls decided together, at one time."""

    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Turn:
    """One batch, change of the policy or import; `salt` seeds the choices that must not change any answer."""

    step: Batch | PolicyUpdate | Import
    salt: int


Answers: TypeAlias = list[StepAnswer]


def steps_of(turn: Turn) -> tuple[GeneratedStep, ...]:
    """Return what the model answers one by one."""
    return turn.step.calls if isinstance(turn.step, Batch) else (turn.step,)


def answer_turn(model: Model, turn: Turn) -> Answers:
    """Let the model answer a turn."""
    return [answer_step(model, step) for step in steps_of(turn)]


def names_new_profile(call: Call, count_before: int, model: Model) -> bool:
    """Whether a call names a profile that the same batch made: no caller can know its id yet."""
    return any(count_before < ordinal <= len(model.state.profiles) for ordinal in (call.profile, call.previous_profile))


def generate(
    seed: int, steps: int, *, searches_alone: bool = False, may_be_of_0_1: bool = False
) -> tuple[Model, Iterator[tuple[Turn, Answers]]]:
    """Return a model, and the turns of a run with the model's answers; the model stands where the last turn ended.

    Args:
        seed: the same seed gives the same run.
        steps: how many steps the run has, about.
        searches_alone: no Search stands in a batch with other calls.
        may_be_of_0_1: the workspace may be one that 0.1 made.
    """
    generator = Generator(seed, may_be_of_0_1=may_be_of_0_1)
    model = Model(generator.policy, generator.rules_version)
    return model, _turns(generator, model, Random(seed ^ 0x5EED), steps, searches_alone)


def _turns(
    generator: Generator, model: Model, choices: Random, steps: int, searches_alone: bool
) -> Iterator[tuple[Turn, Answers]]:
    calls: list[Call] = []
    answers: Answers = []
    size, count_before = 1, 0
    while steps > 0 or calls:
        step = generator.next_step(model)
        full = len(calls) >= size or steps <= 0
        if isinstance(step, Call):
            has_search = any(call.kind is Kind.SEARCH for call in (step, *calls))
            full |= names_new_profile(step, count_before, model) or (searches_alone and has_search)
        if calls and (full or not isinstance(step, Call)):
            yield Turn(Batch(tuple(calls)), choices.getrandbits(32)), answers
            calls, answers = [], []
        if steps <= 0:
            return
        steps -= 1
        if not isinstance(step, Call):
            yield (turn := Turn(step, choices.getrandbits(32))), answer_turn(model, turn)
            continue
        if not calls:
            size = choices.choice((1, 1, 2, 3, choices.randint(1, BATCH_CALLS_MAX)))
            count_before = len(model.state.profiles)
        if calls:  # a batch is decided at one time
            step = replace(step, now_us=calls[0].now_us)
        calls.append(step)
        answers.append(answer_step(model, step))
