"""A server that stops reads no more of what its callers go on sending: an idle stream must not hold up its end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Final, TypeVar

from utterson.application.refusals import shutting_down

Answer = TypeVar("Answer")
Request = TypeVar("Request")

# How long a server that stops waits for a request's next message.
UNSENT_GRACE_S: Final = 1.0


class Drain:
    """Knows whether the server stops, and everything that then is not waited for any more."""

    def __init__(self) -> None:
        self._began = False
        self._waits: set[asyncio.Timeout] = set()

    @property
    def has_begun(self) -> bool:
        """Whether the server stops."""
        return self._began

    def begin(self) -> None:
        """Begin to stop: what does not come within `UNSENT_GRACE_S` is not waited for any more."""
        if self._began:
            return
        self._began = True
        until_s = asyncio.get_running_loop().time() + UNSENT_GRACE_S
        for wait in self._waits:
            if not wait.expired():
                wait.reschedule(until_s)

    async def limited(self, answer: Awaitable[Answer], timeout_s: float | None = None) -> Answer:
        """Wait for something that need not come, such as a caller's next message.

        Args:
            answer: what is waited for.
            timeout_s: how long, in seconds, also where the server goes on; None is for as long as it takes.

        Raises:
            UttersonError: SHUTTING_DOWN, where the server stops and it has not come for a while.
            TimeoutError: it has not come in time.
        """
        try:
            async with asyncio.timeout(UNSENT_GRACE_S if self._began else timeout_s) as wait:
                self._waits.add(wait)
                try:
                    return await answer
                finally:
                    self._waits.discard(wait)
        except TimeoutError:
            if self._began and wait.expired():
                raise shutting_down() from None
            raise

    async def read(self, requests: AsyncIterator[Request]) -> AsyncIterator[Request]:
        """Give the messages of a request that streams.

        Raises:
            UttersonError: SHUTTING_DOWN, as in `limited`.
        """
        messages = aiter(requests)
        while True:
            try:
                request = await self.limited(anext(messages))
            except StopAsyncIteration:
                return
            yield request
