"""Scrubs the states in memory: walks each from end to end, again and again, in steps that hardly anybody waits for.

What is found wrong is told, and the state is dropped and loaded anew
(docs/decisions/0020-a-scrub-instead-of-a-key.md). A step runs between two turns, on the loop: nobody else works on the
state meanwhile, and a call that arrives waits less long than for another call's decision.
"""

import asyncio
import time
import weakref
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from utterson.application.lane.context import LaneContext
from utterson.application.lane.lane import Lane
from utterson.application.lane.lanes import Lanes
from utterson.application.ports.engine import State
from utterson.application.refusals import logger
from utterson.domain.chain import EnginePanicError, StateDivergedError
from utterson.domain.soundness import ScrubFinding, ScrubStep
from utterson.settings.soundness import SoundnessSettings

# How long a step should hold the loop: a part of what a turn does.
STEP_S = 0.000_2
# A round of a workspace begins so long after the one before, or when that is over.
ROUND_EVERY_S = 300.0
# How long nothing is looked at while nothing is due.
IDLE_S = 1.0
ROWS_MIN = 16
ROWS_MAX = 65_536


@dataclass(slots=True)
class ScrubRecord:
    """What became of scrubbing one workspace, to be read at any time.

    `rows` counts the round under way, the others the last whole round; `at_us` is the time of day.
    """

    rounds: int = 0
    rows: int = 0
    round_rows: int = 0
    round_duration_s: float = 0.0
    round_work_s: float = 0.0
    round_ended_at_us: int = 0
    findings: Counter[ScrubFinding] = field(default_factory=Counter)
    last_finding: ScrubFinding | None = None
    last_finding_at_us: int = 0


class _Walk:
    """One workspace's scrub: its record, and what its next step needs to know."""

    def __init__(self) -> None:
        self.record = ScrubRecord()
        self.due_at_s = 0.0
        self.began_at_s = 0.0
        self.work_s = 0.0
        self.step_rows = ROWS_MIN
        # A state that was dropped is not kept for this.
        self._state: weakref.ref[State] | None = None

    def follow(self, state: State, now_s: float) -> None:
        """Begin a round anew where the state is another one."""
        if self._state is None or self._state() is not state:
            self._state = weakref.ref(state)
            self.record.rows = 0
        if self.record.rows == 0:
            self.began_at_s = now_s
            self.work_s = 0.0

    def forget(self) -> None:
        """Take note that the state is gone."""
        self._state = None
        self.record.rows = 0


class Scrubber:
    """The scrub of a process.

    Args:
        lanes: where the states are.
        context: tells the time of day.
        settings: how much of a core it may take.
    """

    def __init__(self, lanes: Lanes, context: LaneContext, settings: SoundnessSettings) -> None:
        self._lanes = lanes
        self._context = context
        self._percent = settings.scrub_percent
        self._walks: dict[str, _Walk] = {}

    @property
    def records(self) -> Mapping[str, ScrubRecord]:
        """What became of it so far, by workspace."""
        return {workspace: walk.record for workspace, walk in self._walks.items()}

    async def run(self) -> None:
        """Scrub until cancelled, a step of each workspace in turn."""
        loop = asyncio.get_running_loop()
        while self._percent:
            worked = False
            lanes = list(self._lanes.open_lanes)
            self._forget_all_but({lane.keys.workspace for lane in lanes})
            for lane in lanes:
                spent_s = self._step(lane, loop.time())
                if spent_s > 0:
                    worked = True
                    await asyncio.sleep(spent_s * (100 / self._percent - 1))
            if not worked:
                await asyncio.sleep(IDLE_S)

    def _forget_all_but(self, workspaces: set[str]) -> None:
        """Forget the walks of lanes that rest; a state that is loaded anew begins a round anew."""
        for workspace in self._walks.keys() - workspaces:
            del self._walks[workspace]

    def _step(self, lane: Lane, now_s: float) -> float:
        """Take one workspace's scrub on, if it is due; tells how long that took."""
        state = lane.state
        walk = self._walks.setdefault(lane.keys.workspace, _Walk())
        if state is None or now_s < walk.due_at_s:
            return 0.0
        walk.follow(state, now_s)
        began_s = time.perf_counter()
        try:
            step = state.scrub(walk.step_rows)
        except EnginePanicError:
            step = ScrubStep(0, round_over=False, finding=ScrubFinding.BROKEN)
        spent_s = time.perf_counter() - began_s
        walk.work_s += spent_s
        walk.step_rows = _rows_for_next(walk.step_rows, spent_s)
        walk.record.rows += step.rows
        if step.finding is not None:
            self._found(lane, walk, step.finding)
        elif step.round_over:
            self._end_round(lane, walk, now_s + spent_s)
        return spent_s

    def _found(self, lane: Lane, walk: _Walk, finding: ScrubFinding) -> None:
        record = walk.record
        record.findings[finding] += 1
        record.last_finding = finding
        record.last_finding_at_us = self._context.clock_us()
        logger.error("workspace %s: the scrub found the state broken: %s", lane.keys.workspace, finding.value)
        lane.distrust(StateDivergedError(f"the scrub found {finding.value}"))
        walk.forget()

    def _end_round(self, lane: Lane, walk: _Walk, now_s: float) -> None:
        record = walk.record
        record.rounds += 1
        record.round_rows, record.rows = record.rows, 0
        record.round_duration_s = now_s - walk.began_at_s
        record.round_work_s = walk.work_s
        record.round_ended_at_us = self._context.clock_us()
        walk.due_at_s = walk.began_at_s + ROUND_EVERY_S
        logger.info(
            "workspace %s: scrub: round %d over %d rows took %.1f s and %.3f s of a core; nothing is wrong",
            lane.keys.workspace,
            record.rounds,
            record.round_rows,
            record.round_duration_s,
            record.round_work_s,
        )


def _rows_for_next(rows: int, spent_s: float) -> int:
    """Choose the next step's rows by how long these took, changing at most by half: one step tells little."""
    wanted = rows * STEP_S / max(spent_s, 1e-6)
    return int(min(max(wanted, rows / 2, ROWS_MIN), rows * 1.5, ROWS_MAX))
