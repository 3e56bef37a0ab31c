"""Changes the key of a table of an older database while calls are served, and tells how far that is."""

import asyncio

from utterson.application.lane.context import LaneContext
from utterson.application.progress import TELL_EVERY_S, tell
from utterson.application.refusals import logger
from utterson.domain.chain import FailureKind, StoreFailureError
from utterson.domain.rekeying import RekeyProgress

AGAIN_AFTER_S = 30.0


async def rekey(context: LaneContext, tell_every_s: float = TELL_EVERY_S, again_after_s: float = AGAIN_AFTER_S) -> None:
    """Change the key, if that is due. What fails is tried again, but for rows that the new key does not allow."""
    while not await _is_over(context, tell_every_s):
        await asyncio.sleep(again_after_s)


async def _is_over(context: LaneContext, tell_every_s: float) -> bool:
    try:
        if await context.store.rekeying.is_due():
            await _change(context, tell_every_s)
    except StoreFailureError as failure:
        if failure.kind is FailureKind.DIVERGENCE:
            logger.error("identifiers keep their old key, which serves as well: rows are in its way: %s", failure)
            return True
        logger.warning("changing the key of identifiers was broken off and will be tried again: %s", failure)
        return False
    return True


async def _change(context: LaneContext, tell_every_s: float) -> None:
    rekeying = context.store.rekeying
    logger.info("the key of identifiers is changed while calls are served (migration 8)")
    began_s = asyncio.get_running_loop().time()
    telling = asyncio.create_task(tell(lambda passed_s: _line(rekeying.progress, passed_s), tell_every_s))
    try:
        await rekeying.run()
    finally:
        telling.cancel()
    logger.info("the key of identifiers is changed, in %.1f s", asyncio.get_running_loop().time() - began_s)


def _line(progress: RekeyProgress, passed_s: float) -> str:
    how_far = f", {progress.done / progress.expected:.0%}" if progress.expected else ""
    return f"changing the key of identifiers since {passed_s:,.0f} s: {progress.step}{how_far}"
