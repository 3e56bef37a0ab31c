"""Reading the heads of logs: one query for all lanes that ask while the query before is on its way."""

import asyncio

from utterson.application.ports.store import Log
from utterson.domain.chain import Head, WorkspaceKeys


class HeadReader:
    """Confirms heads with the database. A query starts only after the asking: its answer is never older."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._waiting: list[tuple[WorkspaceKeys, asyncio.Future[Head | None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def read(self, keys: WorkspaceKeys) -> Head | None:
        """Tell a workspace's head as of now or later; None where the workspace is gone, or is another one by now.

        Raises:
            StoreFailureError: the database cannot be read.
        """
        future: asyncio.Future[Head | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((keys, future))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                await self._answer(waiting)
        finally:
            self._task = None

    async def _answer(self, waiting: list[tuple[WorkspaceKeys, asyncio.Future[Head | None]]]) -> None:
        try:
            heads = await self._log.heads(list({keys for keys, _ in waiting}))
        except BaseException as error:
            for _, future in waiting:
                if not future.done():
                    future.set_exception(
                        error if isinstance(error, Exception) else RuntimeError("the head reader was stopped")
                    )
            if not isinstance(error, Exception):
                raise
            return
        for keys, future in waiting:
            if not future.done():
                future.set_result(heads.get(keys))
