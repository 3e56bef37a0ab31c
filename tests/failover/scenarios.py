"""What is done to a pair under load, one fault a round."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import ClassVar, Final

from tests.agreement.mismatch import require
from tests.failover.pair import Pair
from tests.histories.faults import Struck

# So much is committed on a primary that sends nothing to its standby any more.
HELD_S: Final = 2.0
# How long commits wait for a standby that is sent nothing, and how long Postgres is read between its two deaths.
TWICE_HELD_S: Final = 0.5
TWICE_READ_S: Final = 3.0


class Scenario(ABC):
    """One fault. `run` strikes, and ends when the pair is whole again.

    Args:
        pair: the victim.
    """

    name: ClassVar[str]
    synchronous: ClassVar[bool] = True
    strict: ClassVar[bool] = False
    # Whether commits may be lost: where it says so, some must be, else the fault was none.
    loses: ClassVar[bool] = False

    def __init__(self, pair: Pair) -> None:
        self.struck: list[Struck] = []
        self.pair = pair

    async def prepare(self) -> None:
        """Bring the pair into the mode that the scenario is about."""
        await self.pair.choose(synchronous=self.synchronous, strict=self.strict)

    async def run(self, _stop: asyncio.Event) -> None:
        """Strike once, under load that goes on."""
        loop = asyncio.get_running_loop()
        began_s = await self.strike()
        await self.pair.whole()
        self.struck.append(Struck(self.name, began_s, loop.time()))

    @abstractmethod
    async def strike(self) -> float:
        """Do it, and wait until there is a primary; tells when it began, in loop time."""


class PostmasterKilled(Scenario):
    """The primary's Postgres dies, and Patroni starts it again."""

    name = "Postgres killed"

    async def strike(self) -> float:
        """Kill it."""
        node = await self.pair.primary()
        began_s = asyncio.get_running_loop().time()
        node.kill_postmaster()
        await asyncio.sleep(1)
        await self.pair.primary()
        return began_s


class NodeKilled(Scenario):
    """The primary's machine dies, the standby takes over, and later the machine comes back."""

    name = "node killed"

    async def strike(self) -> float:
        """Kill it."""
        node = await self.pair.primary()
        began_s = asyncio.get_running_loop().time()
        await asyncio.to_thread(node.kill)
        await self.pair.primary(but=node)
        await asyncio.sleep(2)
        node.start()
        return began_s


class NodeKilledStrictly(NodeKilled):
    """The same where commits wait until there is a standby again."""

    name = "node killed, strict"
    strict = True


class NodeFrozen(Scenario):
    """The primary's machine is paused: its connections stay, nobody refuses, and it wakes as if it were the primary."""

    name = "node frozen"

    async def strike(self) -> float:
        """Freeze it."""
        node = await self.pair.primary()
        began_s = asyncio.get_running_loop().time()
        node.freeze()
        await self.pair.primary(but=node)
        await asyncio.sleep(8)
        node.thaw()
        return began_s


class Switchover(Scenario):
    """The operator has the standby take over."""

    name = "switchover"

    async def strike(self) -> float:
        """Ask Patroni for it."""
        node = await self.pair.primary()
        candidate = self.pair.other(node)
        began_s = asyncio.get_running_loop().time()
        told = await node.ask("switchover", "POST", {"leader": node.name, "candidate": candidate.name})
        require(told is not None, "the switchover was refused")
        await self.pair.primary(but=node)
        return began_s


class KilledTwice(Scenario):
    """A commit reaches the primary's disk only; Postgres dies and is started again, and then its machine dies.

    Patroni must not look in between, which it does within a fraction of a second: it would strike the standby off, and
    nobody could take over.
    """

    name = "killed twice"

    async def strike(self) -> float:
        """Hold the replication back, kill Postgres, and, as soon as it is there again, its node."""
        node = await self.pair.primary()
        standby = self.pair.other(node)
        began_s = asyncio.get_running_loop().time()
        node.hold_replication()
        await asyncio.sleep(TWICE_HELD_S)
        # Nothing of it runs: it cannot ask the new life of the primary for what it missed.
        standby.freeze()
        before = node.postmaster()
        node.kill_postgres()
        while node.postmaster() in (before, None):
            await asyncio.sleep(0.01)
        node.freeze_patroni()
        await self.pair.answers(node)
        await asyncio.sleep(TWICE_READ_S)
        await asyncio.to_thread(node.kill)
        standby.thaw()
        await self.pair.primary(but=node)
        await asyncio.sleep(2)
        node.start()
        return began_s


class CommitsLost(Scenario):
    """Commits wait for no standby, replication is behind, and the primary's machine dies."""

    name = "asynchronous, node killed"
    synchronous = False
    loses = True

    async def strike(self) -> float:
        """Hold the replication back, and kill the node."""
        node = await self.pair.primary()
        node.hold_replication()
        await asyncio.sleep(HELD_S)
        began_s = asyncio.get_running_loop().time()
        await asyncio.to_thread(node.kill)
        await self.pair.lose(node)
        await self.pair.primary(but=node)
        await asyncio.sleep(2)
        node.start()
        return began_s


SCENARIOS: Final[tuple[type[Scenario], ...]] = (
    PostmasterKilled, NodeKilled, NodeKilledStrictly, NodeFrozen, Switchover, KilledTwice, CommitsLost,
)  # fmt: skip
