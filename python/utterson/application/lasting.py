"""What lasts as long as the process: begun together, begun anew where a bug breaks it off, ended together."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from utterson.application.refusals import describe, logger

AGAIN_AFTER_S: Final = 1.0


@asynccontextmanager
async def lasting(works: Mapping[str, Callable[[], Awaitable[None]]]) -> AsyncIterator[None]:
    """Do works beside one another while the context lasts.

    Args:
        works: by name, for the log: what begins each. One that returns is over.
    """
    tasks = [asyncio.create_task(_kept_up(name, begin), name=name) for name, begin in works.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _kept_up(name: str, begin: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await begin()
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            logger.error("%s broke off by a fault and begins anew: %s", name, describe(error))
            await asyncio.sleep(AGAIN_AFTER_S)
        else:
            return
