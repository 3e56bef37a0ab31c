"""The hot path: single calls, batch requests and streams, each workspace's calls through its lane."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final

from utterson.application.calls.submission import Submission, answered
from utterson.application.lane.context import LaneContext
from utterson.application.lane.lanes import Lanes
from utterson.application.lane.receiver import Receiver
from utterson.application.ports.process import StatusEncoder
from utterson.application.refusals import internal_fault, workspace_not_found
from utterson.domain.calls import CallKind
from utterson.domain.decisions import Answer, ParsedGroup, ParsedMessage, Reply
from utterson.domain.errors import Reason, UttersonError

# Requests of more bytes are read in a thread; no batch of ordinary calls is so large.
PARSE_BYTES_MAX: Final = 256 * 1024


async def _read(parse: Callable[[bytes], ParsedMessage], request: bytes) -> ParsedMessage:
    """Read a message; a large one in a thread, for others would wait for it."""
    return parse(request) if len(request) <= PARSE_BYTES_MAX else await asyncio.to_thread(parse, request)


def unary_response(reply: Reply) -> bytes:
    """Give the response of a unary call.

    Raises:
        UttersonError: the call was refused.
    """
    if isinstance(reply, bytes):
        return reply
    refusal = reply[0]
    raise refusal if isinstance(refusal, UttersonError) else TypeError("an accepted call was not answered whole")


class IdentityService:
    """Answers the calls of IdentityService: bytes in, bytes out."""

    def __init__(self, lanes: Lanes, context: LaneContext, encode_status: StatusEncoder) -> None:
        self._lanes = lanes
        self._context = context
        self._engine = context.engine
        self._encode_status = encode_status
        # Kept until they are done: the event loop does not.
        self._openings: set[asyncio.Task[None]] = set()

    async def resolve(self, kind: CallKind, request: bytes) -> bytes:
        """Answer one unary call.

        Raises:
            UttersonError: the call's own refusal.
        """
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        response = self.begin(kind, request, future)
        return unary_response(await future) if response is None else response

    def begin(self, kind: CallKind, request: bytes, receiver: Receiver) -> bytes | None:
        """Begin to answer one unary call.

        Returns:
            The response where it is at hand; else None, and the reply goes to the receiver: see `unary_response`.

        Raises:
            UttersonError: the call is refused at once.
        """
        if len(request) > PARSE_BYTES_MAX:
            self._keep(self._begin_large(kind, request, receiver))
            return None
        group = self._engine.parse_call(kind, request)
        lane = self._lanes.open_lane(group.workspace)
        if lane is None:
            self._keep(self._offer_when_open(group, receiver))
            return None
        hit = lane.answer_hit(group)
        if hit is None:
            lane.offer(group, receiver)
        return hit

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that a call waits for."""
        opening = asyncio.create_task(work)
        self._openings.add(opening)
        opening.add_done_callback(self._openings.discard)

    async def _begin_large(self, kind: CallKind, request: bytes, receiver: Receiver) -> None:
        """Begin to answer a call that takes long to read; never raises."""
        try:
            group = await asyncio.to_thread(self._engine.parse_call, kind, request)
        except Exception as error:
            if not receiver.done():
                known = isinstance(error, UttersonError)
                receiver.set_exception(error if known else internal_fault(error, self._context.entropy))
            return
        await self._offer_when_open(group, receiver)

    async def _offer_when_open(self, group: ParsedGroup, receiver: Receiver) -> None:
        """Put a call into its workspace's lane as soon as that is open; never raises."""
        try:
            lane = await self._lanes.lane(group.workspace)
            if not receiver.done():
                lane.offer(group, receiver)
        except BaseException as error:
            if not receiver.done():
                self._refuse(group, receiver, error)
            if not isinstance(error, Exception):
                raise

    def _refuse(self, group: ParsedGroup, receiver: Receiver, error: BaseException) -> None:
        if not isinstance(error, UttersonError):
            receiver.set_exception(internal_fault(error, self._context.entropy))
        elif error.reason is Reason.WORKSPACE_NOT_FOUND:
            receiver.set_result(self._without_workspace(group))
        else:
            receiver.set_exception(error)

    async def resolve_batch(self, request: bytes) -> bytes:
        """Answer a batch; each call has its own result."""
        message = await _read(self._engine.parse_batch, request)
        submission = await self._submit_message(message, wait_for_space=False)
        reply = await submission.reply(self._encode_status)
        return reply if isinstance(reply, bytes) else self._engine.encode_batch(reply)

    async def resolve_stream(self, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Answer a stream's messages in order; several may wait in their lanes at once.

        The window is bounded: beyond it, and while a queue is full, no further message is read.
        """
        slots = asyncio.Semaphore(self._context.limits.stream_messages_max)
        submissions: asyncio.Queue[Submission | UttersonError | None] = asyncio.Queue()
        reader = asyncio.create_task(self._read_stream(requests, submissions, slots))
        try:
            while (submission := await submissions.get()) is not None:
                if isinstance(submission, UttersonError):
                    raise submission
                reply = await submission.reply(self._encode_status)
                if not isinstance(reply, bytes):
                    reply = self._engine.encode_stream_message(submission.sequence, reply)
                yield reply
                slots.release()
            # Whatever ended the reading, such as the caller's going away, ends the answering too.
            await reader
        finally:
            reader.cancel()
            while not submissions.empty():
                left = submissions.get_nowait()
                if isinstance(left, Submission):
                    left.cancel()

    async def _read_stream(
        self,
        requests: AsyncIterator[bytes],
        submissions: "asyncio.Queue[Submission | UttersonError | None]",
        slots: asyncio.Semaphore,
    ) -> None:
        """Put each message into its lanes, in order, before the next one is read."""
        try:
            async for request in requests:
                await slots.acquire()
                message = await _read(self._engine.parse_stream_message, request)
                submissions.put_nowait(await self._submit_message(message, wait_for_space=True))
        except UttersonError as error:
            submissions.put_nowait(error)
        finally:
            submissions.put_nowait(None)

    async def _submit_message(self, message: ParsedMessage, *, wait_for_space: bool) -> Submission:
        futures = [await self._submit_all(group, wait_for_space=wait_for_space) for group in message.groups]
        return Submission(message, futures, self._context.entropy)

    async def _submit_all(self, group: ParsedGroup, *, wait_for_space: bool) -> asyncio.Future[Reply]:
        """Put a group into its lane; a refusal becomes the answer to each of its calls."""
        try:
            return await self._submit(group, wait_for_space=wait_for_space)
        except UttersonError as error:
            return answered([error] * group.size)

    async def _submit(self, group: ParsedGroup, *, wait_for_space: bool) -> asyncio.Future[Reply]:
        try:
            lane = await self._lanes.lane(group.workspace)
        except UttersonError as error:
            if error.reason is not Reason.WORKSPACE_NOT_FOUND:
                raise
            return answered(self._without_workspace(group))
        return await lane.submit(group, wait_for_space=wait_for_space)

    def _without_workspace(self, group: ParsedGroup) -> list[Answer]:
        """Answer calls to an unknown workspace: a fault of the call's own fields comes first."""
        missing = workspace_not_found(group.workspace)
        return [missing if fault is None else fault for fault in self._engine.group_faults(group)]
