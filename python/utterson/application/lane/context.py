"""What every lane shares: the engine, the store, the clock and the source of randomness."""

import asyncio
from dataclasses import dataclass, field

from utterson.application.lane.failpoints import Failpoints
from utterson.application.lane.heads import HeadReader
from utterson.application.lane.sharing import Sharing
from utterson.application.ports.engine import Engine
from utterson.application.ports.process import Clock, Entropy
from utterson.application.ports.store import Store
from utterson.settings.lanes import LaneSettings


@dataclass(frozen=True, slots=True)
class LaneContext:
    """Shared by all lanes of a process.

    Args:
        engine: parses, decides, encodes.
        store: the database.
        clock_us: the time of day.
        entropy: gives that many random bytes, for entry ids and fault ids.
        limits: the bounds.
        heads: reads heads, one query for all who ask together.
        load_slots: how many states load at once.
        failpoints: where a test makes the process break off.
        sharing: how much of the event loop a turn may take while several workspaces are called.
    """

    engine: Engine
    store: Store
    clock_us: Clock
    entropy: Entropy
    limits: LaneSettings
    heads: HeadReader
    load_slots: asyncio.Semaphore
    failpoints: Failpoints = field(default_factory=Failpoints)
    sharing: Sharing = field(default_factory=Sharing)
