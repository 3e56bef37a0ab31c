"""Reading the heads of logs: one query for all lanes that ask while the queries before are on their way."""

import asyncio
from collections.abc import Iterable
from typing import Protocol

from utterson.application.ports.store import Log
from utterson.domain.chain import Head, WorkspaceKeys

# So many queries at once. Two made no more calls a second, and cost the database twice as much for each.
QUERIES_MAX = 1


class Asker(Protocol):
    """Who asks for a head without a task of its own."""

    def leaves(self) -> None:
        """Take note that the query is sent now: its answer is as of now or later."""

    def told(self, head: Head | Exception | None, asked_at_s: float) -> None:
        """Take the head, None where the workspace is gone or another one, or why it could not be read; must not raise.

        Args:
            head: the answer.
            asked_at_s: when the query was sent, in loop time.
        """


class _Reading:
    """Somebody who waits for a future."""

    def __init__(self, future: "asyncio.Future[Head | None]") -> None:
        self._future = future

    def leaves(self) -> None:
        """Nothing to note."""

    def told(self, head: Head | Exception | None, asked_at_s: float) -> None:
        """Hand it on to whoever waits."""
        del asked_at_s
        if self._future.done():
            return
        if isinstance(head, Exception):
            self._future.set_exception(head)
        else:
            self._future.set_result(head)


class HeadReader:
    """Confirms heads with the database. A query starts only after the asking: its answer is never older."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._waiting: list[tuple[WorkspaceKeys, Asker]] = []
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def read(self, keys: WorkspaceKeys) -> Head | None:
        """Tell a workspace's head as of now or later; None where the workspace is gone, or is another one by now.

        Raises:
            StoreFailureError: the database cannot be read.
        """
        future: asyncio.Future[Head | None] = asyncio.get_running_loop().create_future()
        self.ask(keys, _Reading(future))
        return await future

    def ask(self, keys: WorkspaceKeys, asker: Asker) -> None:
        """Ask for a workspace's head as of now or later.

        Whoever asks this way waits for some rounds of the loop less than a task: under load they take longer than the
        query.
        """
        self._waiting.append((keys, asker))
        # Where somebody waits already, a query is about to leave, or the next that comes back makes another.
        if len(self._waiting) == 1 and self._under_way < QUERIES_MAX:
            self._under_way += 1
            task = asyncio.create_task(self._run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                await self._answer(waiting)
        finally:
            # Not when the task is told to be done, which is later: whoever asks in between would wait for nobody.
            self._under_way -= 1

    async def _answer(self, waiting: list[tuple[WorkspaceKeys, Asker]]) -> None:
        asked_at_s = asyncio.get_running_loop().time()
        for _, asker in waiting:
            asker.leaves()
        try:
            heads = await self._log.heads(list({keys for keys, _ in waiting}))
        except BaseException as error:
            told = error if isinstance(error, Exception) else RuntimeError("the head reader was stopped")
            _tell(((asker, told) for _, asker in waiting), asked_at_s)
            if not isinstance(error, Exception):
                raise
            return
        _tell(((asker, heads.get(keys)) for keys, asker in waiting), asked_at_s)


def _tell(answers: Iterable[tuple[Asker, Head | Exception | None]], asked_at_s: float) -> None:
    for asker, head in answers:
        asker.told(head, asked_at_s)
