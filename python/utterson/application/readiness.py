"""Whether calls can be served: followed all the time, told to health, and to the lanes while nobody can be.

Liveness is another thing: whether the process should be ended. A database that is away is no reason for that
(docs/decisions/0025-liveness-and-readiness.md).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from utterson.application.lane.context import LaneContext
from utterson.application.lane.lanes import Lanes
from utterson.application.refusals import logger, store_unavailable
from utterson.domain.chain import StoreFailureError

# A database that goes away is noticed within LOOK_EVERY_S and TRIES times TIMEOUT_S: less than two seconds.
LOOK_EVERY_S: Final = 0.3
TIMEOUT_S: Final = 0.6
# One connection that broke is no database that is away. While it is away, one try tells whether it is back.
TRIES: Final = 2


class Readiness:
    """Looks at the database again and again.

    Args:
        context: the database.
        lanes: whose waiting calls are refused while it is away.
        tell: is told what became of readiness, each time that it changes. At first calls are served.
    """

    def __init__(self, context: LaneContext, lanes: Lanes, tell: Callable[[bool], Awaitable[None]]) -> None:
        self._fitness = context.store.fitness
        self._lanes = lanes
        self._tell = tell
        self._ready = True

    async def follow(self) -> None:
        """Follow until cancelled."""
        while True:
            failure = await self._look()
            if (failure is None) is not self._ready:
                self._ready = failure is None
                if failure is None:
                    logger.info("ready: the database is back")
                else:
                    logger.error("not ready, because of the database: %s", failure)
                await self._tell(self._ready)
            if failure is not None:
                for lane in list(self._lanes.open_lanes):
                    if lane.is_waiting:
                        lane.refuse_waiting(store_unavailable(failure, lane.keys.workspace))
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> StoreFailureError | None:
        """Ask whether the database is there; tell what the last try failed of."""
        failure = None
        for _ in range(TRIES if self._ready else 1):
            try:
                await self._fitness.check(TIMEOUT_S)
            except StoreFailureError as error:
                failure = error
            else:
                return None
        return failure
