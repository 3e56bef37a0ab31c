"""A stream of calls from the front: the use case reads its messages and answers them in their order."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Protocol

from utterson.application.calls.identity import IdentityService
from utterson.server.front.pacing import Pacing
from utterson.server.front.ports import Token
from utterson.server.request_id import request_id_of_call


class Answering(Protocol):
    """Who brings answers to the front."""

    def respond(self, token: Token, response: bytes, made_request_id: str = "") -> None:
        """Answer a message."""
        ...

    def refuse(self, token: Token, path: str, request_id: str | None, error: BaseException) -> None:
        """Refuse a message, and with it the stream."""
        ...


class FrontStream:
    """One stream under way: a task that runs the use case, and the messages that it has not read yet.

    The front sends no more of them than may be under way, so nothing here has to be bounded.

    Args:
        answering: who brings the answers.
        identity: the use case.
        pacing: bounds what one round of the loop does.
        path: the method, for the log.
        request_id: the request id of the stream.
    """

    def __init__(
        self, answering: Answering, identity: IdentityService, pacing: Pacing, path: str, request_id: str | None
    ) -> None:
        self._answering = answering
        self._identity = identity
        self._pacing = pacing
        self._path = path
        self._request_id = request_id
        self._unread: deque[bytes | None] = deque()
        self._arrived = asyncio.Event()
        # Each answer belongs to the oldest message that has none.
        self._unanswered: deque[Token] = deque()
        self._task = asyncio.create_task(self._run())

    def take(self, token: Token, message: bytes | None) -> None:
        """Take the next message; None is the end."""
        self._unanswered.append(token)
        self._unread.append(message)
        self._arrived.set()

    def cancel(self) -> None:
        """Give up: nobody waits for answers any more."""
        self._task.cancel()

    async def _run(self) -> None:
        request_id_of_call.set(self._request_id or "")
        try:
            async for response in self._identity.resolve_stream(self._messages()):
                self._answering.respond(self._unanswered.popleft(), response)
            # What is left is the token of the end.
            self._answering.respond(self._unanswered.popleft(), b"")
        except BaseException as error:
            if self._unanswered:
                self._answering.refuse(self._unanswered[0], self._path, self._request_id, error)

    async def _messages(self) -> AsyncIterator[bytes]:
        while True:
            while not self._unread:
                self._arrived.clear()
                await self._arrived.wait()
            message = self._unread.popleft()
            if message is None:
                return
            await self._pacing.begin()
            yield message
