"""The take-over of an existing graph: gathered whole, decided and committed at once, in the lane's order."""

from collections.abc import AsyncIterator

from utterson.application.context import LaneContext
from utterson.application.import_progress import ImportCall
from utterson.application.lane import Lane
from utterson.application.operations import ImportOperation
from utterson.application.repeats import recorded_bytes
from utterson.domain.errors import FieldViolation, Reason, UttersonError

MESSAGES_MAX = 100_000
# What one import may hold in memory; larger graphs come in several.
IMPORT_BYTES_MAX = 256 * 1024 * 1024


async def import_graph(lane: Lane, context: LaneContext, messages: AsyncIterator[bytes], call: ImportCall) -> bytes:
    """Take over a graph, all or nothing; answers an encoded `ImportProfilesResponse`.

    Args:
        lane: the workspace's.
        context: the engine and the store.
        messages: encoded `ImportProfilesRequest`s.
        call: is told how far it is.

    Raises:
        UttersonError: FIELD_INVALID with the first faulty message named, REQUEST_ID_REUSED, QUOTA_EXCEEDED, …
    """

    async def counted() -> AsyncIterator[bytes]:
        async for message in messages:
            call.receive(context.engine.imported_count(message))
            yield message

    operation = ImportOperation(await _gather(counted()))
    await lane.run(operation, context.limits.import_timeout_ms)
    if operation.refusal is not None:
        raise operation.refusal
    call.take_over()
    if operation.repeated is not None:
        (answer,) = await recorded_bytes(context, lane.keys, [operation.repeated])
        return _sent(answer)
    if operation.plan is None:
        raise RuntimeError("the import was not decided")
    answer_of_plan = operation.plan.answers(0)[0]
    return _sent(answer_of_plan)


def _sent(answer: object) -> bytes:
    if isinstance(answer, bytes):
        return answer
    raise answer if isinstance(answer, UttersonError) else TypeError("an import has no such answer")


async def _gather(messages: AsyncIterator[bytes]) -> list[bytes]:
    gathered: list[bytes] = []
    size_bytes = 0
    async for message in messages:
        if len(gathered) == MESSAGES_MAX:
            raise UttersonError(
                Reason.FIELD_INVALID,
                f"an import takes {MESSAGES_MAX} profiles at the most; send the rest in another one",
                violations=(FieldViolation(f"messages[{MESSAGES_MAX}]", "is one too many"),),
            )
        size_bytes += len(message)
        if size_bytes > IMPORT_BYTES_MAX:
            raise UttersonError(
                Reason.QUOTA_EXCEEDED, f"an import takes {IMPORT_BYTES_MAX} bytes at the most; send several"
            )
        gathered.append(message)
    return gathered
