"""Each bad call alone, in a batch and in a stream: the same refusal, and its neighbours are answered."""

import pytest

from tests.bad_input.calls import CASES
from tests.bad_input.refusals import Case
from tests.bad_input.target import ISOLATION, Target, neighbours
from utterson.v1 import identity_service_pb2 as pb

EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def check_results(case: Case, results: list[pb.CallResult]) -> None:
    """The one in the middle is refused."""
    assert [result.WhichOneof("result") for result in results] == ["resolution", "error", "resolution"]
    case.refusal.check(results[1].error)
    assert results[0].resolution.profile_id > 0


@EACH
async def test_alone(target: Target, case: Case) -> None:
    kind = case.call.WhichOneof("call")
    assert kind is not None
    request = case.encoded(getattr(case.call, kind).SerializeToString())
    case.refusal.check(await target.unary(kind, request))


@EACH
async def test_in_a_batch(target: Target, case: Case) -> None:
    before, after = neighbours(ISOLATION)
    request = pb.BatchResolveRequest(workspace=ISOLATION, calls=[before, case.call, after])
    check_results(case, await target.batch(case.encoded(request.SerializeToString())))


@EACH
async def test_a_result_has_the_status_of_the_call_alone(target: Target, case: Case) -> None:
    """The core writes the one, the server the other: the same bytes, but for the name of what cannot be read."""
    kind = case.call.WhichOneof("call")
    assert kind is not None
    alone = await target.unary(kind, case.encoded(getattr(case.call, kind).SerializeToString()))
    request = pb.BatchResolveRequest(workspace=ISOLATION, calls=[case.call])
    (result,) = await target.batch(case.encoded(request.SerializeToString()))
    if case.refusal.reason != "MALFORMED_REQUEST":
        assert result.error.SerializeToString() == alone.SerializeToString()


@EACH
async def test_in_a_stream(target: Target, case: Case) -> None:
    before, after = neighbours(ISOLATION)
    message = pb.StreamResolveRequest(sequence=7, workspace=ISOLATION, calls=[before, case.call, after])
    good = pb.StreamResolveRequest(sequence=8, workspace=ISOLATION, calls=[before])
    answers = await target.stream([case.encoded(message.SerializeToString()), good.SerializeToString()])
    assert [answer.sequence for answer in answers] == [7, 8]
    check_results(case, list(answers[0].results))
    assert answers[1].results[0].HasField("resolution")
