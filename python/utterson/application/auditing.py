"""Audits tables: holds every row of a workspace against the state hash that its log tells.

A load proves the graph and the traits; the audit proves the events and the values as well, and finds what was lost
since the load. `audit` is what an operator's command calls, `Auditor` does it by itself now and then.
"""

import asyncio
from collections.abc import Mapping

from utterson.application.lane.context import LaneContext
from utterson.application.lane.lane import Lane
from utterson.application.lane.lanes import Lanes
from utterson.application.ports.engine import TableAudit
from utterson.application.refusals import logger
from utterson.domain.chain import (
    EnginePanicError,
    FormatUnknownError,
    SnapshotHead,
    StateDivergedError,
    StoreFailureError,
    WorkspaceKeys,
)
from utterson.domain.soundness import AuditFinding, AuditResult
from utterson.settings.soundness import SoundnessSettings

LOOK_EVERY_S = 60.0
HOUR_S = 3600.0
FIRST_AFTER_HOURS = 1


async def audit(context: LaneContext, keys: WorkspaceKeys, *, thorough: bool = False) -> AuditResult | None:
    """Audit a workspace's tables; None where it has no log.

    Reads every row of profiles, identifiers, traits and events once, in one snapshot, and keeps eight bytes a profile.
    Then SQL looks whether the log is whole, and holds its effects, the policies and the request ids against it.

    Args:
        context: the engine, the database, the places for loads, of which this takes one.
        keys: the workspace.
        thorough: whether rows are held against each other by SQL even if the hash finds nothing.

    Raises:
        StoreFailureError: the database cannot be read.
        FormatUnknownError: a later build wrote the log's newest entry.
    """
    timeout_s = context.limits.load_timeout_ms / 1000
    begun: list[tuple[SnapshotHead, TableAudit]] = []

    def begin(snapshot: SnapshotHead) -> TableAudit:
        table_audit = context.engine.table_audit(keys, snapshot)
        begun.append((snapshot, table_audit))
        return table_audit

    async with context.load_slots:
        try:
            if await context.store.audits.read(keys, begin, timeout_s) is None:
                return None
            findings = await asyncio.to_thread(begun[-1][1].finish)
        except StateDivergedError:
            findings = {AuditFinding.UNREADABLE: 1}
        is_thorough = thorough or bool(findings)
        findings |= await context.store.audits.check(keys, timeout_s, thorough=is_thorough)
    snapshot, table_audit = begun[-1]
    if not _is_readable(context, keys, snapshot):
        findings[AuditFinding.POLICIES] = findings.get(AuditFinding.POLICIES, 0) + 1
    return AuditResult(snapshot.head, table_audit.rows, findings)


def _is_readable(context: LaneContext, keys: WorkspaceKeys, snapshot: SnapshotHead) -> bool:
    """Tell whether a load could begin: it reads the policy in force."""
    try:
        context.engine.loader(keys, snapshot)
    except (FormatUnknownError, StateDivergedError, EnginePanicError):
        return False
    return True


class Auditor:
    """Audits the workspaces whose states are in memory.

    Args:
        lanes: where they are.
        context: what an audit needs.
        settings: how often.
    """

    def __init__(self, lanes: Lanes, context: LaneContext, settings: SoundnessSettings) -> None:
        self._lanes = lanes
        self._context = context
        self._every_s = settings.audit_hours * HOUR_S
        self._due_at_s: dict[str, float] = {}
        self._results: dict[str, AuditResult] = {}

    @property
    def results(self) -> Mapping[str, AuditResult]:
        """What the last audit of each workspace came to."""
        return self._results

    async def run(self) -> None:
        """Audit until cancelled, one workspace after another; what fails is tried again next time."""
        while self._every_s:
            await asyncio.sleep(LOOK_EVERY_S)
            for lane in list(self._lanes.open_lanes):
                if self._is_due(lane):
                    await self._audit(lane)

    def _is_due(self, lane: Lane) -> bool:
        if lane.state is None:
            return False
        now_s = asyncio.get_running_loop().time()
        # A load has read nearly all of it just now. Still soon: a server that is restarted every day must audit, too.
        first_at_s = now_s + min(self._every_s, FIRST_AFTER_HOURS * HOUR_S)
        return self._due_at_s.setdefault(lane.keys.workspace, first_at_s) <= now_s

    async def _audit(self, lane: Lane) -> None:
        workspace = lane.keys.workspace
        try:
            result = await audit(self._context, lane.keys)
        except (StoreFailureError, FormatUnknownError) as failure:
            logger.warning("workspace %s: its audit was broken off and will be tried again: %s", workspace, failure)
            return
        self._due_at_s[workspace] = asyncio.get_running_loop().time() + self._every_s
        if result is None:
            return
        self._results[workspace] = result
        if not result.findings:
            logger.info(
                "workspace %s: audit: %d rows are as the log tells at %d", workspace, result.rows, result.head.seq
            )
            return
        told = ", ".join(f"{finding.value} {count}" for finding, count in result.findings.items())
        logger.error("workspace %s: the audit found the tables wrong at %d: %s", workspace, result.head.seq, told)
        if any(finding.stops_loading for finding in result.findings):
            lane.distrust(StateDivergedError(f"the audit found {told}"))
