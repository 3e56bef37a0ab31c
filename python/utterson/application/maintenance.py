"""Tidies in small steps: makes partitions for the days to come, drops old payload and request ids."""

import asyncio

from utterson.application.lane.context import LaneContext
from utterson.application.refusals import logger
from utterson.domain.chain import StoreFailureError

TEND_EVERY_S = 600.0
# Between two batches, so that commits hardly notice.
BATCH_PAUSE_S = 0.1


async def prepare(context: LaneContext) -> None:
    """Make the partitions of today and the days ahead before the first commit; what fails is tried again later."""
    try:
        await context.store.maintenance.tend_partitions(context.clock_us())
    except StoreFailureError as failure:
        logger.warning("the log's partitions will be made later: %s", failure)


async def tidy(context: LaneContext) -> None:
    """Tidy until cancelled; what fails is tried again next time."""
    while True:
        try:
            await tidy_once(context)
        except StoreFailureError as failure:
            logger.warning("tidying was broken off and will be tried again: %s", failure)
        await asyncio.sleep(TEND_EVERY_S)


async def tidy_once(context: LaneContext) -> None:
    """Tidy everything that is due.

    Raises:
        StoreFailureError: a step failed; the others may be done.
    """
    maintenance = context.store.maintenance
    await maintenance.tend_partitions(context.clock_us())
    while await maintenance.expire_requests(context.clock_us()):
        await asyncio.sleep(BATCH_PAUSE_S)
    while await maintenance.expire_default_payload(context.clock_us()):
        await asyncio.sleep(BATCH_PAUSE_S)
