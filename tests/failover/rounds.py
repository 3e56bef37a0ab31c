"""One round: load, one fault, load; judged as recorded histories are, and measured."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import grpc

from tests.agreement.mismatch import require
from tests.failover.pair import Pair
from tests.failover.scenarios import Scenario
from tests.histories.remote import RemoteReplica, refused
from tests.histories.rounds import Figures, Round
from tests.simulation.clients import Told
from utterson.domain.errors import Reason, UttersonError
from utterson.v1.profile_service_pb2 import GetProfileRequest
from utterson.v1.profile_service_pb2_grpc import ProfileServiceStub

# How long calls go on once the pair is whole again.
AFTERWARDS_S: Final = 3.0
TOLD_TIMEOUT_S: Final = 30.0
# What a server logs, once a workspace, when it finds that the log lacks what it had.
LOSS: Final = "history was lost"


@dataclass(frozen=True)
class Measured:
    """What a fault came to.

    Attributes:
        name: of the fault.
        silent_s: the longest time in which no write was acknowledged, from shortly before the fault on.
        acknowledged: calls.
        unknown: calls of which some try ended without anybody knowing what became of it.
        lost: acknowledged calls that the database does not have any more.
        told: how often a server told its log that a workspace's history was lost.
    """

    name: str
    silent_s: float
    acknowledged: int
    unknown: int
    lost: int
    told: int


class FailoverRound(Round):
    """Callers of both servers, and one fault.

    Args:
        pair: nodes and servers.
        make: the fault.
        seed: decides workspaces and calls.
    """

    def __init__(self, pair: Pair, make: Callable[[Pair], Scenario], seed: int) -> None:
        self._scenario = make(pair)
        self._pair = pair
        super().__init__(pair, self._scenario, seed)

    async def measured(self) -> Measured:
        """Run, judge and measure.

        Raises:
            MismatchError: a promise was broken, or the fault was none.
        """
        await self._scenario.prepare()
        told_before = self._times_told()
        figures = await self.run(0)
        loses = self._scenario.loses
        require(loses or not self.lost, f"{len(self.lost)} acknowledged calls are lost")
        require(bool(self.lost) or not loses, "no commit was lost: the fault was none")
        told = self._times_told() - told_before
        if self.lost:
            require(told > 0, "history was lost, and no server says so")
            await self._is_told_by_revision()
        return self._summed_up(figures, told)

    async def _strike(self, stop: asyncio.Event, seconds: float) -> None:
        """Strike once; then calls go on for a while."""
        await self._scenario.run(stop)
        await asyncio.sleep(AFTERWARDS_S + seconds)
        stop.set()

    def _summed_up(self, figures: Figures, told: int) -> Measured:
        (struck,) = self._scenario.struck
        written = [one.ended_s for one in self._notebook.calls if one.resolution is not None and one.writes]
        before = max((at for at in written if at <= struck.began_s), default=struck.began_s)
        times = [before, *sorted(at for at in written if at > struck.began_s)]
        silent_s = max((later - at for at, later in pairwise(times)), default=0.0)
        return Measured(struck.name, silent_s, figures.acknowledged, figures.unknown, len(self.lost), told)

    def _times_told(self) -> int:
        return sum(log.read_text().count(LOSS) for log in self._pair.server_logs)

    async def _is_told_by_revision(self) -> None:
        """Whoever asks for a state behind a revision that was lost is told so, by each server."""
        first: dict[str, Told] = {}
        for lost in sorted(self.lost, key=lambda one: one.ended_s):
            first.setdefault(lost.workspace, lost)
        for lost in first.values():
            for replica in self._pair.replicas:
                reason = await _asked_at_least(replica, lost)
                require(reason is Reason.HISTORY_DIVERGED, f"asked for a lost revision, told {reason}: {lost.line()}")


async def _asked_at_least(replica: RemoteReplica, lost: Told) -> Reason | None:
    """Ask for a profile as new as an answer; tells why it is refused."""
    assert lost.resolution is not None
    request = GetProfileRequest(
        workspace=lost.workspace, profile_id=lost.resolution.profile_id or 1, at_least=lost.resolution.revision
    )
    async with grpc.aio.insecure_channel(replica.address) as channel:
        try:
            await ProfileServiceStub(channel).GetProfile(request, timeout=TOLD_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            why = refused(error)
            return why.reason if isinstance(why, UttersonError) else None
    return None
