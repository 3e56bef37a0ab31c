"""The bytes that a server keeps for its callers: requests, uploads, and answers that are not taken.

As in the front, whoever calls may hold a part of what is left: the more are greedy, the less each gets, and something
is always left for whoever comes new. Belongs to the event loop.
"""

from typing import Final
from weakref import WeakValueDictionary

from utterson.domain.errors import Reason, UttersonError
from utterson.trimming import trimmer

# A call that held less leaves nothing that is worth giving back to the system.
LARGE_BYTES: Final = 256 * 1024
# What a caller may hold even if nothing is left: ordinary calls. Of a small budget it is that part.
FLOOR_BYTES: Final = 128 * 1024
FLOOR_PART: Final = 1024
# A caller may hold so many times what it leaves: one alone three quarters of all. A large upload is an honest thing.
SHARE_OF_LEFT: Final = 3


class ByteBudget:
    """What all callers share.

    Args:
        bytes_max: what they may hold together.
    """

    def __init__(self, bytes_max: int) -> None:
        self.held_bytes = 0
        self.floor_bytes = min(FLOOR_BYTES, bytes_max // FLOOR_PART)
        self._bytes_max = bytes_max
        # Each lives as long as a call of its caller.
        self._shares: WeakValueDictionary[str, Share] = WeakValueDictionary()

    def begin(self, caller: str) -> "Held":
        """Begin a call, which holds nothing yet.

        Args:
            caller: names a connection; empty where nobody knows whose the call is.
        """
        share = self._shares.get(caller) if caller else None
        if share is None:
            share = Share()
            if caller:
                self._shares[caller] = share
        return Held(self, share)

    @property
    def left_bytes(self) -> int:
        """How much nobody holds."""
        return max(self._bytes_max - self.held_bytes, 0)


class Share:
    """What one caller holds."""

    __slots__ = ("__weakref__", "held_bytes")

    def __init__(self) -> None:
        self.held_bytes = 0


class Held:
    """What one call holds, until it is closed."""

    __slots__ = ("_budget", "_closed", "_share", "held_bytes")

    def __init__(self, budget: ByteBudget, share: Share) -> None:
        self.held_bytes = 0
        self._budget = budget
        self._share = share
        self._closed = False

    def add(self, size_bytes: int) -> None:
        """Hold more.

        Raises:
            UttersonError: QUEUE_FULL; the caller would hold more than is left for others. Nothing was added.
        """
        share_bytes = SHARE_OF_LEFT * (self._budget.left_bytes - size_bytes)
        if self._share.held_bytes + size_bytes > max(share_bytes, self._budget.floor_bytes):
            raise UttersonError(
                Reason.QUEUE_FULL, "too many bytes of requests and answers wait in this server; try again later"
            )
        self.add_anyway(size_bytes)

    def add_anyway(self, size_bytes: int) -> None:
        """Hold more even if that is too much: what is there already cannot be refused, only what comes after it."""
        if not self._closed:
            self.held_bytes += size_bytes
            self._share.held_bytes += size_bytes
            self._budget.held_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """Give back a part, of what is held at most."""
        self.add_anyway(-min(size_bytes, self.held_bytes))

    def close(self) -> None:
        """Give back all; what is added after that does not count."""
        if self.held_bytes >= LARGE_BYTES:
            trimmer.freed(self.held_bytes)
        self.release(self.held_bytes)
        self._closed = True
