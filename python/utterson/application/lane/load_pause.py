"""Lets a workspace rest whose load has failed: its tables and its log disagree, and the next call would read all again.

A load reads all of the workspace, so a workspace that cannot be loaded would keep the database and a thread busy for
as long as anybody calls it. While the pause lasts every call is refused at once, by the refusal of that load.
"""

import asyncio
from typing import Final

from utterson.domain.errors import UttersonError

FIRST_S: Final = 1.0
LONGEST_S: Final = 60.0
# So often at most is the first one doubled: numbers stay small whatever comes.
DOUBLED_MAX: Final = 16


class LoadPause:
    """The pause of one workspace: it doubles with each load that fails, and ends with one that does not."""

    def __init__(self) -> None:
        self._failures = 0
        self._until_s = float("-inf")
        self._fault: UttersonError | None = None

    def check(self) -> None:
        """Refuse while the pause lasts.

        Raises:
            UttersonError: INTERNAL_FAULT, with the id under which the failed load was logged.
        """
        fault = self._fault
        if fault is not None and asyncio.get_running_loop().time() < self._until_s:
            # A new one each time: a raised error keeps the frames that it passed.
            raise UttersonError(fault.reason, fault.message, fault_id=fault.fault_id)

    def next_s(self, load_s: float) -> float:
        """Tell how long the pause after one more failure is, in seconds.

        Args:
            load_s: how long the load took that failed; the pause is no shorter, unless it is the longest.
        """
        return min(max(FIRST_S * 2.0 ** min(self._failures, DOUBLED_MAX), load_s), LONGEST_S)

    def begin(self, pause_s: float, fault: UttersonError) -> None:
        """Begin a pause.

        Args:
            pause_s: how long it lasts.
            fault: what the failed load was told as.
        """
        self._failures += 1
        self._until_s = asyncio.get_running_loop().time() + pause_s
        self._fault = fault

    def end(self) -> None:
        """End it: the workspace was loaded."""
        self._failures = 0
        self._fault = None
