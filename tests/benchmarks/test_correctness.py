"""The checks of a run notice what is wrong: a benchmark of wrong answers must fail."""

from pathlib import Path

import pytest
from benchmarks.harness import frames
from benchmarks.harness.correctness import WrongAnswerError
from benchmarks.harness.correctness.comparing import Comparison
from benchmarks.harness.correctness.log_order import write_tracked
from benchmarks.harness.correctness.model_calls import model_call
from google.rpc.status_pb2 import Status

from tests.model.records import Call, ImportMessage, Kind
from utterson.v1.identifier_pb2 import Disposition, Identifier, IdentifierResult
from utterson.v1.identity_service_pb2 import IdentifyRequest, ModifyRequest, TrackRequest
from utterson.v1.resolution_pb2 import Outcome, Resolution

POPULATION = [ImportMessage((("email", "a"),)), ImportMessage((("email", "b"),))]
IDS = [101, 102]


def resolution(profile_id: int, outcome: "Outcome.ValueType", *identifiers: tuple[str, str]) -> Resolution:
    made = Resolution(profile_id=profile_id, outcome=outcome, policy_revision=1)
    for type_name, value in identifiers:
        identifier = Identifier(type=type_name, value=value)
        made.identifiers.append(IdentifierResult(identifier=identifier, disposition=Disposition.DISPOSITION_MATCHED))
    return made


def hit(value: str) -> Call:
    return Call(Kind.IDENTIFY, (("email", value),))


def test_a_right_answer_passes() -> None:
    comparison = Comparison("identity_graph_rules", POPULATION, IDS)
    comparison.call(0, hit("a"), resolution(101, Outcome.OUTCOME_MATCHED, ("email", "a")))
    comparison.call(1, hit("b"), None)
    assert comparison.compared == 1


@pytest.mark.parametrize(
    "told",
    [
        resolution(102, Outcome.OUTCOME_MATCHED, ("email", "a")),
        resolution(103, Outcome.OUTCOME_MATCHED, ("email", "a")),
        resolution(101, Outcome.OUTCOME_MERGED, ("email", "a")),
        resolution(101, Outcome.OUTCOME_MATCHED),
        Status(code=9),
    ],
)
def test_a_wrong_answer_is_noticed(told: Resolution | Status) -> None:
    comparison = Comparison("identity_graph_rules", POPULATION, IDS)
    with pytest.raises(WrongAnswerError, match="call 5"):
        comparison.call(5, hit("a"), told)


def test_two_new_profiles_are_not_one() -> None:
    comparison = Comparison("identity_graph_rules", POPULATION, IDS)
    first = Call(Kind.IDENTIFY, (("email", "new"),))
    made = resolution(200, Outcome.OUTCOME_CREATED, ("email", "new"))
    made.identifiers[0].disposition = Disposition.DISPOSITION_ATTACHED
    comparison.call(0, first, made)
    second = Call(Kind.IDENTIFY, (("email", "newer"),))
    made.identifiers[0].identifier.value = "newer"
    with pytest.raises(WrongAnswerError):
        comparison.call(1, second, made)


def test_requests_become_calls_of_the_model() -> None:
    modify = ModifyRequest(workspace="w", profile_id=3)
    modify.changes.add(type="email", old_value="a", new_value="b")
    call = model_call(5, modify.SerializeToString(), 7)
    assert (call.kind, call.profile, call.changes, call.now_us) == (Kind.MODIFY, 3, (("email", "a", "b"),), 7_000_000)


def test_tracked_calls_carry_their_place(tmp_path: Path) -> None:
    source, target = tmp_path / "calls.bin", tmp_path / "tracked.bin"
    request = IdentifyRequest(workspace="w", identifiers=[Identifier(type="email", value="a")])
    frames.write_calls(source, iter([(1, request.SerializeToString())] * 4))
    assert write_tracked(source, target, 1, 2) == 2
    tracks = [TrackRequest.FromString(encoded) for _, encoded in frames.calls(target)]
    assert [track.event.message_id for track in tracks] == ["1", "2"]
    assert tracks[0].identifiers == request.identifiers
