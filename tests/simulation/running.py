"""One run, from its seed to its verdict."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from tests.agreement.messages import policy_message
from tests.agreement.mismatch import require
from tests.model.generate import START_US, Generator
from tests.simulation.chaos import Chaos, draw_weather
from tests.simulation.clients import NOT_DECIDED, UNKNOWN, Clients, Notebook
from tests.simulation.clockwork import VirtualLoop, run_virtually
from tests.simulation.database import Database, Safeguards
from tests.simulation.judging import Judge
from tests.simulation.replica import Replica
from tests.simulation.truth import Truth
from utterson import _core
from utterson.application.lane import lane
from utterson.domain.chain import NewWorkspace
from utterson.settings.lanes import LaneSettings

REPLICAS = 3
VIRTUAL_S_MAX = 3_000.0
LINES_TOLD = 40


@dataclass
class Verdict:
    """What a run came to; `failure` is empty where every promise was kept."""

    seed: int
    failure: str = ""
    calls: int = 0
    acknowledged: int = 0
    unknown: int = 0
    losses: int = 0
    entries: int = 0
    trace: str = ""
    faults: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)


class Run:
    """One database, three replicas, some callers and much trouble.

    Args:
        seed: decides everything.
        safeguards: what the database's side checks; a test takes one out.
    """

    def __init__(self, seed: int, safeguards: Safeguards | None = None) -> None:
        self.seed = seed
        self.notebook = Notebook()
        self.chance = Random(seed)
        self.database = Database(Random(seed + 1), draw_weather(self.chance), safeguards or Safeguards())
        self.limits = LaneSettings(
            commit_timeout_ms=self.chance.choice((300, 1_000, 5_000)),
            gather_ms_max=self.chance.choice((0, 5)),
            head_poll_ms=self.chance.choice((50, 400, 400, 2_000)),
            batch_calls_max=self.chance.choice((2, 1000)),
            # In every third run a lane rests whenever nobody uses it.
            state_bytes_max=self.chance.choice((0, 0, 1)),
            state_idle_ms_min=0,
        )
        self.replicas = [
            Replica(number, self.database, Random(seed + 10 + number), self.limits, START_US)
            for number in range(REPLICAS)
        ]
        names = [f"w{number}" for number in range(self.chance.choice((1, 1, 2, 4)))]
        self.generators = {name: Generator(self.chance.getrandbits(32)) for name in names}
        self.policies: dict[str, dict[bytes, object]] = {}
        self.verdict = Verdict(seed)

    @property
    def truth(self) -> Truth:
        """What the database holds."""
        return self.database.truth

    def go(self) -> Verdict:
        """Run and judge."""
        verdict = self.verdict
        try:
            run_virtually(self._main, Random(self.seed + 2), VIRTUAL_S_MAX)
            staleness_s = self.limits.staleness_ms / 1000
            for told in self.notebook.policies:
                self.policies[told.workspace][_kept(told.encoded)] = told.policy
            Judge(self.truth.histories(), self.notebook, self.policies, self.truth.stood, staleness_s).run()
        except Exception as error:
            verdict.failure = f"{type(error).__name__}: {error}"
            verdict.lines = [told.line() for told in self.notebook.calls[-LINES_TOLD:]]
        verdict.calls = len(self.notebook.calls)
        verdict.acknowledged = sum(told.resolution is not None for told in self.notebook.calls)
        verdict.unknown = sum(told.was_unknown for told in self.notebook.calls)
        verdict.losses = len(self.truth.losses)
        verdict.entries = len(self.truth.stood)
        verdict.trace = hashlib.sha256(self.notebook.line().encode()).hexdigest()
        return verdict

    async def _main(self, loop: VirtualLoop) -> None:
        del loop
        for key, (name, generator) in enumerate(self.generators.items(), 1):
            policy = _kept(policy_message(generator.policy).SerializeToString())
            self.policies[name] = {policy: generator.policy}
            digest_key, id_key, genesis_id = (self.chance.randbytes(16) for _ in range(3))
            self.truth.make(NewWorkspace(name, key, digest_key, id_key, genesis_id, policy, START_US))
        for replica in self.replicas:
            replica.start()
        chaos = Chaos(self.database, self.replicas, Random(self.seed + 3), len(self.generators))
        chaos.pause_s = self.chance.choice((0.2, 0.5, 2.0))
        chaos.loses_history = self.chance.random() < 0.6
        chaos.shows = self.chance.choice((0.0, 0.0, 0.7, 1.0))
        self.verdict.faults = chaos.done
        trouble = asyncio.ensure_future(chaos.run())
        pause_s = self.chance.choice((0.005, 0.05))
        callers = [
            Clients(
                self.replicas,
                self.generators,
                Random(self.seed + 100 + number),
                self.notebook,
                impatience=self.chance.choice((0.0, 0.1)),
                poison=0.02,
            )
            for number in range(self.chance.choice((3, 8)))
        ]
        await asyncio.gather(*(caller.run(10, pause_s) for caller in callers))
        trouble.cancel()
        chaos.heal()
        await asyncio.sleep(3.0)
        await self._end()

    async def _end(self) -> None:
        """Once all is well again every replica serves, and all stand where the log does."""
        for name in self.generators:
            for replica in self.replicas:
                one = Clients([replica], {name: self.generators[name]}, self.chance, self.notebook)
                told = await one.last_call(name)
                is_decided = told.refusal is None or told.refusal not in NOT_DECIDED | UNKNOWN
                require(is_decided, f"not served though all is well: {told.line()}")
            kept = self.truth.named(name)
            assert kept is not None
            for replica in self.replicas:
                state = await replica.state(name, kept.tables.head.seq)
                require(
                    (state.head.seq, state.head.id) == kept.tables.head[:2],
                    f"replica {replica.name} stands at {state.head}, the log at {kept.tables.head[:2]}",
                )
                found = state._native.state_hash
                require(found == kept.tables.head.state_hash, f"the state of replica {replica.number}")


def _kept(encoded: bytes) -> bytes:
    """Give a policy in the form in which it is kept."""
    return _core.check_policy(encoded).policy or encoded


def run(seed: int, safeguards: Safeguards | None = None) -> Verdict:
    """Run one seed; what is logged meanwhile is left out."""
    with _quiet("utterson"), _quiet("asyncio"):
        made = Run(seed, safeguards)
        # With so few callers hardly anything would be decided ahead.
        calls_ahead = vars(lane)["CALLS_AHEAD"]
        vars(lane)["CALLS_AHEAD"] = made.chance.choice((1, calls_ahead))
        # Nothing of a run is of use after it: it is cheaper to collect all at once.
        gc.disable()
        try:
            return made.go()
        finally:
            gc.enable()
            vars(lane)["CALLS_AHEAD"] = calls_ahead


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
