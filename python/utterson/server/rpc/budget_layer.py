"""Holds what every call keeps in memory against the budget, and ends uploads that take too long."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final

from utterson.domain.errors import Reason, UttersonError
from utterson.server.byte_budget import ByteBudget, Held
from utterson.server.listening import UNIX_PREFIX
from utterson.server.rpc.layers import Context, Method, StreamBehaviour, UnaryBehaviour

# While a stream holds so much of messages and answers, no further message is read: flow control stops its caller.
STREAM_BYTES: Final = 4 * 1024 * 1024
# What only reads can be refused when its answer is known.
_READS: Final = "/utterson.v1.ProfileService/"


class BudgetLayer:
    """Counts requests, uploads and answers from when they are there until their call is over.

    Args:
        budget: what all calls share.
        upload_timeout_s: how long an upload may take until its last message is there.
    """

    name = "budget"

    def __init__(self, budget: ByteBudget, upload_timeout_s: float) -> None:
        self._budget = budget
        self._upload_timeout_s = upload_timeout_s

    def around_unary(self, method: Method, behaviour: UnaryBehaviour) -> UnaryBehaviour:
        """Wrap a behaviour that answers once."""
        reads = method.path.startswith(_READS)

        async def counted(request: Any, context: Context) -> Any:
            held = self._begin(context)
            if method.request_streaming:
                return await behaviour(self._uploaded(request, held), context)
            held.add(len(request))
            answer = await behaviour(request, context)
            (held.add if reads else held.add_anyway)(_size_bytes(answer))
            return answer

        return counted

    def around_stream(self, method: Method, behaviour: StreamBehaviour) -> StreamBehaviour:
        """Wrap a behaviour that answers with a stream."""

        async def counted(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            flow = _Flow(self._begin(context))
            requests = flow.read(request) if method.request_streaming else request
            async with aclosing(behaviour(requests, context)) as answers:
                async for answer in answers:
                    with_answer = _size_bytes(answer)
                    flow.answered(with_answer)
                    yield answer
                    flow.taken(with_answer)

        return counted

    def _begin(self, context: Context) -> Held:
        peer = context.peer()
        # Behind a front all calls come from one peer: it has counted by connection what it takes itself.
        held = self._budget.begin("" if peer.startswith(UNIX_PREFIX) else peer)

        # grpc calls a function, whatever its stubs say.
        context.add_done_callback(lambda _: held.close())  # type: ignore[arg-type]
        return held

    async def _uploaded(self, messages: AsyncIterator[bytes], held: Held) -> AsyncGenerator[bytes, None]:
        """Read an upload, all of which is kept until its call is over."""
        until_s = asyncio.get_running_loop().time() + self._upload_timeout_s
        while True:
            try:
                async with asyncio.timeout_at(until_s):
                    message = await anext(messages, None)
            except TimeoutError:
                raise UttersonError(
                    Reason.QUOTA_EXCEEDED,
                    f"an upload may take {self._upload_timeout_s:g} s at the most; send several smaller ones",
                ) from None
            if message is None:
                return
            held.add(len(message))
            yield message


class _Flow:
    """What one stream has under way: messages that are not answered, and answers that are not taken."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._unanswered: deque[int] = deque()
        self._less = asyncio.Event()

    async def read(self, messages: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        """Read messages, no further one while too much is under way."""
        async for message in messages:
            self._held.add(len(message))
            self._unanswered.append(len(message))
            yield message
            while self._unanswered and self._held.held_bytes >= STREAM_BYTES:
                self._less.clear()
                await self._less.wait()

    def answered(self, answer_bytes: int) -> None:
        """Take note of the answer to the oldest message."""
        if self._unanswered:
            self._held.release(self._unanswered.popleft())
        self._held.add_anyway(answer_bytes)

    def taken(self, answer_bytes: int) -> None:
        """Take note that an answer has left."""
        self._held.release(answer_bytes)
        self._less.set()


def _size_bytes(answer: Any) -> int:
    """Tell how much an answer takes on its way: bytes, or a message."""
    return len(answer) if isinstance(answer, bytes) else int(answer.ByteSize())
