"""Spares the calls that change nothing where the database refuses a batch: it reads, though it does not write."""

import asyncio
from collections.abc import Sequence
from typing import Final

from utterson.application.lane.operation import Batch, MakeBatch
from utterson.application.lane.turn_runner import TurnRunner
from utterson.application.refusals import WriteRefusedError, describe, logger
from utterson.domain.decisions import ParsedGroup
from utterson.domain.errors import UttersonError
from utterson.logs import once_a_second

# Groups that are decided in one round of the loop.
AT_ONCE: Final = 16


async def unwritten(
    runner: TurnRunner, make_batch: MakeBatch, groups: Sequence[ParsedGroup], refusal: UttersonError
) -> list[Batch | None]:
    """Decide each group by itself, in the turn of the lane whose batch was refused.

    Args:
        runner: the lane's.
        make_batch: makes the operation that decides groups.
        groups: what was refused together; none of it was written.
        refusal: why. Where it does not say that the database answers, nothing is tried; nor where there is no state.

    Returns:
        The decided operation of each group that changes nothing, None for each that would have to be written.
    """
    if not (isinstance(refusal, WriteRefusedError) and runner.is_loaded):
        return [None] * len(groups)
    found: list[Batch | None] = []
    for group in groups:
        if len(found) % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(0)
        alone = make_batch([group])
        try:
            found.append(None if await runner.writes(alone) else alone)
        except Exception as error:
            # The database cannot be read either; or what is wrong with the group is told when writing is possible.
            told = "calls that change nothing are refused too: %s"
            logger.warning(told, describe(error), extra=once_a_second("not spared"))
            return found + [None] * (len(groups) - len(found))
    return found
