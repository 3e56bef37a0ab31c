"""What the use cases need of the process: the time, chance, and the server's form of a refusal."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from utterson.domain.errors import UttersonError

# Tells the time of day in microseconds since 1970; only ever an input of decisions.
Clock: TypeAlias = Callable[[], int]

# Gives that many random bytes, for the ids of entries, faults and keys.
Entropy: TypeAlias = Callable[[int], bytes]


class StatusEncoder(Protocol):
    """Turns a refusal into an encoded `google.rpc.Status`, for the results of a batch. The server has it."""

    def __call__(self, error: UttersonError) -> bytes:
        """Encode the status."""
        ...
