"""Answers of the server held against those of the reference model, call by call, in the log's order."""

from pathlib import Path
from struct import iter_unpack
from typing import TypeAlias

from google.rpc.status_pb2 import Status
from tests.model.model import Model
from tests.model.records import Answer, Call, ImportMessage, Refusal

from benchmarks.harness.correctness import WrongAnswerError
from utterson.v1.identifier_pb2 import Disposition
from utterson.v1.resolution_pb2 import Outcome, Resolution

Told: TypeAlias = Resolution | Status


class Comparison:
    """A model that is told the same calls, and which of its profiles is which of the server's."""

    def __init__(self, preset: str, population: list[ImportMessage], profile_ids: list[int]) -> None:
        self.model = Model(preset)
        self._ids = dict(enumerate(profile_ids, start=1))
        self._ordinals = {profile_id: ordinal for ordinal, profile_id in self._ids.items()}
        self.compared = 0
        if population:
            told = self.model.import_profiles(population, 0)
            if isinstance(told, Refusal):
                raise WrongAnswerError(f"the model refuses the population: {told}")

    def call(self, place: int, call: Call, told: Told | None) -> None:
        """Let the model answer, and compare where the server's answer was kept.

        Raises:
            WrongAnswerError: they differ.
        """
        answer = self.model.call(call)
        if told is None:
            return
        self.compared += 1
        difference = self._difference(answer, told)
        if difference:
            raise WrongAnswerError(f"call {place}, {call.identifiers}: {difference}")

    def _difference(self, answer: Answer | Refusal, told: Told) -> str:
        if isinstance(answer, Refusal) or isinstance(told, Status):
            both_refuse = isinstance(answer, Refusal) and isinstance(told, Status)
            return "" if both_refuse else f"the model says {answer}, the server {told}"
        if not self._is_same(answer.profile, told.profile_id):
            return f"the model's profile is {answer.profile}, the server's {told.profile_id}"
        if any(not self._is_same(*pair) for pair in zip(answer.merged, told.merged_profile_ids, strict=False)) or len(
            answer.merged
        ) != len(told.merged_profile_ids):
            return f"the model merged {answer.merged}, the server {list(told.merged_profile_ids)}"
        ours, models = server_form(told), model_form(answer)
        return "" if ours == models else f"the model says {models}, the server {ours}"

    def _is_same(self, ordinal: int, profile_id: int) -> bool:
        """Tell whether a profile of the model is one of the server's; the first time it is taken as said."""
        if not ordinal or not profile_id:
            return ordinal == profile_id
        known = self._ids.setdefault(ordinal, profile_id)
        return known == profile_id and self._ordinals.setdefault(profile_id, ordinal) == ordinal


def server_form(told: Resolution) -> list[object]:
    """Write an answer of the server so that it can be compared."""
    return [
        Outcome.Name(told.outcome).removeprefix("OUTCOME_"),
        told.known,
        [
            (one.identifier.type, Disposition.Name(one.disposition).removeprefix("DISPOSITION_"))
            for one in told.identifiers
        ],
        [(one.identifier.type, one.identifier.value, one.round) for one in told.demoted],
    ]


def model_form(answer: Answer) -> list[object]:
    """Write an answer of the model so that it can be compared."""
    return [
        answer.outcome.name,
        answer.known,
        [(one.type, one.disposition.name) for one in answer.identifiers],
        [(one.type, one.value, one.round) for one in answer.demoted],
    ]


def read_profile_ids(file: Path) -> list[int]:
    """Read the ids of a loaded population, in its order."""
    return [number for (number,) in iter_unpack("<q", file.read_bytes())]
