"""The take-over of an existing graph: gathered whole, decided and committed at once, in the lane's order."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from utterson.application.lane.context import LaneContext
from utterson.application.lane.lane import Lane
from utterson.application.lane.lanes import Lanes
from utterson.application.lane.operation import Operation
from utterson.application.lane.repeats import recorded_bytes
from utterson.application.ports.engine import Plan, State
from utterson.application.progress import ImportCall, ImportProgress
from utterson.domain.decisions import RepeatedCall
from utterson.domain.errors import FieldViolation, Reason, UttersonError
from utterson.domain.imports import WHOLE_IMPORT, ImportPart

MESSAGES_MAX = 100_000
# What one import may hold in memory; larger graphs come in several.
IMPORT_BYTES_MAX = 256 * 1024 * 1024
# `already_taken_over` of an `ImportProfilesResponse`, encoded: field 2, true.
_ALREADY_TAKEN_OVER = b"\x10\x01"


class GraphImport(Operation):
    """The take-over of a graph, as a turn of the lane. Long: decided in a thread of its own.

    Args:
        messages: encoded `ImportProfilesRequest`s, all of one import.
    """

    threaded = True

    def __init__(self, messages: Sequence[bytes]) -> None:
        self.refusal: UttersonError | None = None
        self.repeated: RepeatedCall | None = None
        self.plan: Plan | None = None
        self._messages = messages

    async def decide(self, state: State, now_us: int, entry_id: bytes) -> Plan | None:
        """Decide the whole graph."""
        self.refusal = self.repeated = self.plan = None
        decided = await asyncio.to_thread(state.decide_import, self._messages, now_us, entry_id)
        if isinstance(decided, UttersonError):
            self.refusal = decided
        elif isinstance(decided, RepeatedCall):
            self.repeated = decided
        else:
            self.plan = decided
        return self.plan

    def needs_confirmation(self, *, default_strong: bool) -> bool:
        """Always: a refusal must not come from an old state."""
        del default_strong
        return True


class ImportService:
    """Takes over graphs, and tells the log how each import gets on."""

    def __init__(self, lanes: Lanes, context: LaneContext) -> None:
        self._lanes = lanes
        self._context = context
        self._progress = ImportProgress()

    def workspace_of(self, message: bytes) -> str | None:
        """Tell the workspace that an encoded `ImportProfilesRequest` names; None if it is no such message."""
        return self._context.engine.imported_workspace(message)

    async def import_profiles(
        self, workspace: str, messages: AsyncIterator[bytes], part: ImportPart = WHOLE_IMPORT
    ) -> bytes:
        """Take over an existing graph, all or nothing.

        Args:
            workspace: the workspace of the first message; every message must name the same.
            messages: encoded `ImportProfilesRequest`s.
            part: which import of several calls this is one of, for the log.

        Returns:
            An encoded `ImportProfilesResponse`.

        Raises:
            UttersonError: FIELD_INVALID with the first faulty message named, REQUEST_ID_REUSED, QUOTA_EXCEEDED, …
        """
        lane = await self._lanes.lane(workspace)
        with self._progress.call(workspace, part) as call:
            return await self._import(lane, messages, call)

    async def _import(self, lane: Lane, messages: AsyncIterator[bytes], call: ImportCall) -> bytes:
        async def counted() -> AsyncIterator[bytes]:
            async for message in messages:
                call.receive(self._context.engine.imported_count(message))
                yield message

        operation = GraphImport(await _gather(counted()))
        await lane.run(operation, self._context.limits.import_timeout_ms)
        if operation.refusal is not None:
            raise operation.refusal
        call.take_over()
        if operation.repeated is not None:
            (answer,) = await recorded_bytes(self._context, lane.keys, [operation.repeated])
            # A field behind the recorded answer: who repeats an import is told that it is no first time.
            return _sent(answer) + _ALREADY_TAKEN_OVER
        if operation.plan is None:
            raise RuntimeError("the import was not decided")
        return _sent(operation.plan.answers(0)[0])


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
