"""Tells the log how long work gets on: how much, how fast, and how long it will take."""

import asyncio
import logging
from collections.abc import Callable

logger = logging.getLogger("utterson.application")

TELL_EVERY_S = 5.0


async def tell(line: Callable[[float], str | None], every_s: float = TELL_EVERY_S) -> None:
    """Log a line now and then, until it is None; an empty one is not worth telling.

    Args:
        line: makes it, of the seconds since the beginning.
        every_s: the time between two lines.
    """
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    while True:
        await asyncio.sleep(every_s)
        told = line(loop.time() - began_s)
        if told is None:
            return
        if told:
            logger.info("%s", told)


def how_far(things: str, count: int, expected: int, passed_s: float) -> str:
    """Say how far it is: count, rate and, where that can be known, the time left.

    Args:
        things: what is counted.
        count: how many there were so far.
        expected: about how many there will be; 0 means that nobody knows, and what is past it says nothing either.
        passed_s: for how long it lasts already.
    """
    rate = count / max(passed_s, 1e-9)
    if not count or count >= expected:
        return f"{count:,} {things}, {rate:,.0f} a second"
    left_s = (expected - count) / rate
    return f"{count:,} of about {expected:,} {things}, {rate:,.0f} a second, about {left_s:,.0f} s left"
