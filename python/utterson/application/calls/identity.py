"""The hot path: single calls, batch requests and streams, each workspace's calls through its lane."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final

from utterson.application.calls.submission import Submission, answered
from utterson.application.lane.context import LaneContext
from utterson.application.lane.lane import Lane
from utterson.application.lane.lanes import Lanes
from utterson.application.lane.receiver import Receiver
from utterson.application.ports.process import StatusEncoder
from utterson.application.refusals import internal_fault, workspace_not_found
from utterson.domain.calls import CallKind
from utterson.domain.decisions import Answer, ParsedGroup, ParsedMessage, Reply
from utterson.domain.errors import Reason, UttersonError

# Requests of more bytes are read in a thread where several workspaces share the loop: some hundred calls.
LARGE_BYTES: Final = 16 * 1024
# Requests of more bytes are read in a thread always; no batch of ordinary calls is so large.
PARSE_BYTES_MAX: Final = 256 * 1024


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
        if hit is None and not lane.hold_hit(group, receiver):
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
        """Answer a batch; each call has its own result.

        Raises:
            UttersonError: no call of it was taken, because of overload or because the server stops. One refusal says
                so at a fraction of what one a call costs, and the batch can be sent again as it is.
        """
        message = await self._parsed(self._engine.parse_batch, request)
        opened = [await self._opened(group.workspace) for group in message.groups]
        # Nothing awaits from here on until all are offered, so what is admitted is taken.
        for lane, group in zip(opened, message.groups, strict=True):
            if isinstance(lane, Lane):
                lane.admit(group.size)
        futures = [self._offered(lane, group) for lane, group in zip(opened, message.groups, strict=True)]
        submission = Submission(message, futures, self._context.entropy)
        reply = await submission.reply(self._encode_status)
        return reply if isinstance(reply, bytes) else self._engine.encode_batch(reply)

    async def resolve_stream(self, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Answer a stream's messages in order; several may wait in their lanes at once.

        The window is bounded: beyond it, and while a queue is full, no further message is read.
        """
        slots = asyncio.Semaphore(self._context.limits.stream_messages_max)
        submissions: asyncio.Queue[Submission | UttersonError | None] = asyncio.Queue()
        reader = asyncio.create_task(self._read_stream(requests, submissions, slots))
        # Where the answering ends first, nobody awaits the reading.
        reader.add_done_callback(lambda done: done.cancelled() or done.exception())
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
                message = await self._parsed(self._engine.parse_stream_message, request)
                submissions.put_nowait(await self._submit_message(message))
        except UttersonError as error:
            submissions.put_nowait(error)
        finally:
            submissions.put_nowait(None)

    async def _parsed(self, parse: Callable[[bytes], ParsedMessage], request: bytes) -> ParsedMessage:
        """Parse a message; one that takes long, beside the event loop: the sooner where other workspaces share that."""
        is_shared = self._context.sharing.is_shared(asyncio.get_running_loop().time())
        if len(request) > (LARGE_BYTES if is_shared else PARSE_BYTES_MAX):
            return await asyncio.to_thread(parse, request)
        return parse(request)

    async def _opened(self, workspace: str) -> Lane | UttersonError:
        """Give a workspace's lane, or why each call to it is refused.

        Raises:
            UttersonError: SHUTTING_DOWN.
        """
        try:
            return await self._lanes.lane(workspace)
        except UttersonError as error:
            if error.reason is Reason.SHUTTING_DOWN:
                raise
            return error

    def _offered(self, lane: Lane | UttersonError, group: ParsedGroup) -> asyncio.Future[Reply]:
        """Put a group into its lane, where there is one; else each of its calls is refused."""
        if isinstance(lane, UttersonError):
            return self._refused(group, lane)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        lane.offer(group, future)
        return future

    async def _submit_message(self, message: ParsedMessage) -> Submission:
        """Put a stream's message into its lanes; while one is full, wait."""
        futures = [await self._submit(group) for group in message.groups]
        return Submission(message, futures, self._context.entropy)

    async def _submit(self, group: ParsedGroup) -> asyncio.Future[Reply]:
        """Put a group into its lane; a refusal becomes the answer to each of its calls."""
        try:
            lane = await self._lanes.lane(group.workspace)
            return await lane.submit(group, wait_for_space=True)
        except UttersonError as error:
            return self._refused(group, error)

    def _refused(self, group: ParsedGroup, error: UttersonError) -> asyncio.Future[Reply]:
        if error.reason is Reason.WORKSPACE_NOT_FOUND:
            return answered(self._without_workspace(group))
        return answered([error] * group.size)

    def _without_workspace(self, group: ParsedGroup) -> list[Answer]:
        """Answer calls to an unknown workspace: a fault of the call's own fields comes first."""
        missing = workspace_not_found(group.workspace)
        return [missing if fault is None else fault for fault in self._engine.group_faults(group)]
