"""The time of day for decisions: the system's, but for its jumps."""

import logging
from collections.abc import Callable
from typing import Final

logger = logging.getLogger("utterson.clock")

TELL_EVERY_US: Final = 60_000_000
# The clock is looked at for each call. What moved by no more than this since the last look cannot have jumped far.
LOOK_EVERY_US: Final = 1_000


class SteadyClock:
    """Tells the time of day in microseconds since 1970; where the system's clock jumps, it goes on as it was.

    The database may be on the same machine, and its clock the same: then nobody else would notice. A clock that was set
    right by a jump is taken when the process is started anew.

    Args:
        jump_us_max: what the system's clock may move at once, against the time since the machine started.
        wall_us: the system's time of day.
        steady_us: the time since some moment, which nobody sets; it goes on while the machine sleeps, or a machine that
            slept looks as if its clock had jumped.
    """

    def __init__(
        self,
        jump_us_max: int,
        wall_us: Callable[[], int],
        steady_us: Callable[[], int],
    ) -> None:
        self._jump_us_max = jump_us_max
        self._wall_us = wall_us
        self._steady_us = steady_us
        self._offset_us = wall_us() - steady_us()
        self._told_at_us: int | None = None
        self._looked_at_us = 0

    def __call__(self) -> int:
        """Tell the time of day."""
        wall_us = self._wall_us()
        if 0 <= wall_us - self._looked_at_us <= LOOK_EVERY_US:
            return wall_us
        steady_us = self._steady_us()
        expected_us = self._offset_us + steady_us
        jump_us = wall_us - expected_us
        if abs(jump_us) > self._jump_us_max:
            self._tell(jump_us, steady_us)
            return expected_us
        # Small steps are followed: that is how a clock is kept right.
        self._looked_at_us = wall_us
        self._offset_us = wall_us - steady_us
        if self._told_at_us is not None:
            self._told_at_us = None
            logger.warning("the system's clock is back")
        return wall_us

    def _tell(self, jump_us: int, steady_us: int) -> None:
        if self._told_at_us is None or steady_us - self._told_at_us > TELL_EVERY_US:
            self._told_at_us = steady_us
            logger.error(
                "the system's clock jumped by %.0f s; this server goes on without the jump: set the clock right, or, if"
                " it is right now, start the server anew",
                jump_us / 1_000_000,
            )
