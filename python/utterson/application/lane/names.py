"""Looking workspaces up that this process has not met: one query at a time for all names that wait.

Who calls makes names up at will, and each is a question to the database. A query of its own for each would take all
connections, and every tenant would wait (docs/decisions/0034-names-that-nobody-made.md).
"""

import asyncio
from typing import Final

from utterson.application.ports.store import Workspaces
from utterson.application.refusals import names_full
from utterson.domain.chain import StoredWorkspace

# So many names a query: with a policy each, some megabytes at the most.
NAMES_A_QUERY: Final = 256
# So many names wait; a dozen queries answer them.
NAMES_MAX: Final = 4096
# When there should be room again.
RETRY_AFTER_MS: Final = 100

_Waiting = dict[str, "asyncio.Future[StoredWorkspace | None]"]


class NameReader:
    """Tells who has a name. A query starts only after the asking: its answer is never older.

    Nothing is remembered of a name that nobody has: whoever makes it, on any server, is found by the next call.

    Args:
        workspaces: where they are looked up.
    """

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces
        self._waiting: _Waiting = {}
        self._task: asyncio.Task[None] | None = None

    async def read(self, name: str) -> StoredWorkspace | None:
        """Tell a workspace and its newest policy; None where there is none of this name.

        Raises:
            UttersonError: QUEUE_FULL, as too many names wait.
            StoreFailureError: the database cannot be read.
        """
        future = self._waiting.get(name)
        if future is None:
            if len(self._waiting) >= NAMES_MAX:
                raise names_full(RETRY_AFTER_MS)
            future = self._waiting[name] = asyncio.get_running_loop().create_future()
            if self._task is None:
                self._task = asyncio.create_task(self._run())
        return await asyncio.shield(future)

    async def _run(self) -> None:
        try:
            while self._waiting:
                names = list(self._waiting)[:NAMES_A_QUERY]
                await self._answer({name: self._waiting.pop(name) for name in names})
        finally:
            # Not when the task is told to be done, which is later: whoever asks in between would wait for nobody.
            self._task = None

    async def _answer(self, waiting: _Waiting) -> None:
        try:
            found = await self._workspaces.named(list(waiting))
        except BaseException as error:
            told = error if isinstance(error, Exception) else RuntimeError("the name reader was stopped")
            for future in waiting.values():
                future.set_exception(told)
                # Nobody may be left who asks.
                future.exception()
            if not isinstance(error, Exception):
                raise
            return
        for name, future in waiting.items():
            future.set_result(found.get(name))
