"""Makes the process break off where a test asks for it: between two steps that a crash must be able to part."""

import asyncio
import os
import signal

from utterson.application.refusals import logger
from utterson.domain.failpoints import FailpointBehaviour, FailpointChoice, FailpointPlace


class Failpoints:
    """The process's failpoint, if it has one; costs a comparison where it has none."""

    def __init__(self, choice: FailpointChoice | None = None) -> None:
        self._choice = choice or FailpointChoice()
        self._passes_left = self._choice.passes

    async def reach(self, place: FailpointPlace) -> None:
        """Break off here if this is the place, and it was passed often enough."""
        if place is not self._choice.place:
            return
        if self._passes_left > 0:
            self._passes_left -= 1
            return
        logger.warning("failpoint %s: %s", place.value, self._choice.behaviour.value)
        if self._choice.behaviour is FailpointBehaviour.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.Event().wait()
