"""Answers to repeated calls: what was recorded when the call was accepted (rule C7)."""

from utterson.application.lane.context import LaneContext
from utterson.application.lane.receiver import Receiver
from utterson.application.refusals import internal_fault, store_unavailable
from utterson.domain.chain import StoreFailureError, WorkspaceKeys
from utterson.domain.decisions import Answer, ParsedGroup, RepeatedCall, Reply, ReplyForm
from utterson.domain.errors import Reason, UttersonError


async def recorded_bytes(
    context: LaneContext, keys: WorkspaceKeys, repeated: list[RepeatedCall]
) -> list[bytes | UttersonError]:
    """Read what was recorded for repeated calls, in their order, as it was recorded.

    Raises:
        UttersonError: the database cannot be read.
    """
    try:
        digests = list({call.digest for call in repeated})
        recorded = await context.store.log.request_answers(keys, digests)
    except StoreFailureError as failure:
        raise store_unavailable(failure, keys.workspace) from None
    return [_expired() if (answer := recorded.get(call.digest)) is None else answer for call in repeated]


def _expired() -> UttersonError:
    """Make the refusal where the answer was forgotten between the decision and the reading: its 24 hours are over."""
    return UttersonError(
        Reason.OUTCOME_UNKNOWN, "the recorded answer has just expired; the call took effect when it was first made"
    )


def _told(context: LaneContext, call: RepeatedCall, recorded: bytes | UttersonError) -> bytes | UttersonError:
    return context.engine.repeated_answer(recorded, call.explain) if isinstance(recorded, bytes) else recorded


async def fill_repeated(
    context: LaneContext,
    keys: WorkspaceKeys,
    group: ParsedGroup,
    answers: list[Answer],
    receiver: Receiver,
) -> None:
    """Put the recorded answers of a group in their places and hand them to the receiver; never raises."""
    try:
        repeated = [answer for answer in answers if isinstance(answer, RepeatedCall)]
        recorded = iter(await recorded_bytes(context, keys, repeated))
        filled: list[Answer] = [
            _told(context, answer, next(recorded)) if isinstance(answer, RepeatedCall) else answer for answer in answers
        ]
    except BaseException as error:
        if not receiver.done():
            refusal = error if isinstance(error, UttersonError) else internal_fault(error, context.entropy)
            receiver.set_exception(refusal)
        if not isinstance(error, Exception):
            raise
        return
    if not receiver.done():
        receiver.set_result(_reply(context, group, filled))


def _reply(context: LaneContext, group: ParsedGroup, filled: list[Answer]) -> Reply:
    """Put what was filled into the form that the group asks for, where that is a single answer's."""
    only = filled[0]
    if group.form is ReplyForm.UNARY and isinstance(only, bytes):
        return context.engine.encode_unary(only)
    return filled
