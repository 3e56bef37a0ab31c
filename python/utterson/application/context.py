"""What every lane shares: the engine, the store, the clock and the source of randomness."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from utterson.application.engine_port import Engine
from utterson.application.failpoints import Failpoints
from utterson.application.heads import HeadReader
from utterson.application.limits import Limits
from utterson.application.store_port import Store


@dataclass(frozen=True, slots=True)
class LaneContext:
    """Shared by all lanes of a process.

    Args:
        engine: parses, decides, encodes.
        store: the database.
        clock_us: the time of day in microseconds since 1970; only ever an input of decisions.
        entropy: gives that many random bytes, for entry ids and fault ids.
        limits: the bounds.
        heads: reads heads, one query for all who ask together.
        load_slots: how many indexes load at once.
        failpoints: where a test makes the process break off.
    """

    engine: Engine
    store: Store
    clock_us: Callable[[], int]
    entropy: Callable[[int], bytes]
    limits: Limits
    heads: HeadReader
    load_slots: asyncio.Semaphore
    failpoints: Failpoints = field(default_factory=Failpoints)
