"""How many calls one turn may hold while several workspaces are called: their lanes share one event loop.

Deciding, writing out, applying and answering a turn's calls each hold the loop for some microseconds a call. A thousand
of them are right for a workspace that is alone, and too long for whoever waits beside it.
"""

from collections.abc import Sequence
from typing import Final

from utterson.domain.decisions import ParsedGroup

# Calls that hold the loop for about a millisecond at a time.
CALLS_SHARED: Final = 128
# So long after another workspace was called it counts as called still.
SHARED_S: Final = 10.0


class Sharing:
    """Knows whether more than one workspace is called."""

    def __init__(self) -> None:
        self._newest = ""
        self._switched_at_s = float("-inf")

    def used(self, workspace: str, now_s: float) -> None:
        """Take note of a call.

        Args:
            workspace: whose.
            now_s: loop time.
        """
        if workspace != self._newest:
            # The first workspace of all is not another one.
            if self._newest:
                self._switched_at_s = now_s
            self._newest = workspace

    def is_shared(self, now_s: float) -> bool:
        """Tell whether several workspaces are called, in loop time."""
        return now_s - self._switched_at_s < SHARED_S

    def calls_max(self, alone: int, now_s: float) -> int:
        """Tell how many calls a turn may hold.

        Args:
            alone: how many where nobody else calls.
            now_s: loop time.
        """
        return min(alone, CALLS_SHARED) if self.is_shared(now_s) else alone

    def goes_beside(self, groups: Sequence[ParsedGroup], now_s: float) -> bool:
        """Tell whether calls are decided beside the loop: a group is decided whole, so one may be more than a slice.

        Args:
            groups: the calls of a turn.
            now_s: loop time.
        """
        return self.is_shared(now_s) and any(group.size > CALLS_SHARED for group in groups)
