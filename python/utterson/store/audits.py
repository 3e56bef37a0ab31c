"""Reading whole workspaces for the audit: every row of the graph, of traits and of events, and checks by SQL alone."""

from collections.abc import Callable
from typing import Final, TypeVar

from utterson.domain.chain import SnapshotHead, WorkspaceKeys
from utterson.domain.soundness import AuditFinding, AuditSink
from utterson.store.pool import Connection, ConnectionPool
from utterson.store.snapshot import copy_rows, read_head, whole_snapshot
from utterson.store.statements import Statement

Sink = TypeVar("Sink", bound=AuditSink)

# What counts rows that no hash tells of: part of each audit.
ALWAYS: Final = {
    AuditFinding.ENTRIES: Statement.AUDIT_ENTRIES,
    AuditFinding.PAYLOADS: Statement.AUDIT_PAYLOADS,
    AuditFinding.POLICIES: Statement.AUDIT_POLICIES,
    AuditFinding.REQUESTS: Statement.AUDIT_REQUESTS,
}
# What counts rows where a hash says that something is wrong.
WHERE_WRONG: Final = {
    AuditFinding.STRAYS: Statement.AUDIT_STRAYS,
    AuditFinding.OWNERS: Statement.AUDIT_OWNERS,
    AuditFinding.REDIRECTS: Statement.AUDIT_REDIRECTS,
    AuditFinding.GAPS: Statement.AUDIT_GAPS,
}


class AuditStore:
    """Reads what an audit needs, each time from one snapshot."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def read(
        self, keys: WorkspaceKeys, begin: Callable[[SnapshotHead], Sink], timeout_s: float
    ) -> tuple[SnapshotHead, Sink] | None:
        """Feed a workspace's rows to the sink that `begin` makes; None where the workspace has no log.

        Raises:
            StoreFailureError: the database cannot be read.
            FormatUnknownError: the log's newest entry was written by a later build.
        """

        async def send(connection: Connection) -> tuple[SnapshotHead, Sink] | None:
            async with whole_snapshot(connection):
                head = await read_head(connection, keys)
                workspace_key = keys.workspace_key
                if head is None:
                    return None
                await connection.execute("SET LOCAL enable_seqscan = on")
                sink = begin(head)
                await copy_rows(connection, Statement.LOAD_PROFILES, sink.profiles, workspace_key)
                await copy_rows(connection, Statement.AUDIT_IDENTIFIERS, sink.identifiers, workspace_key)
                await copy_rows(connection, Statement.LOAD_TRAITS, sink.traits, workspace_key)
                await copy_rows(connection, Statement.AUDIT_EVENTS, sink.events, workspace_key)
                return head, sink

        return await self._pool.run(send, timeout_s)

    async def check(self, keys: WorkspaceKeys, timeout_s: float, *, thorough: bool = True) -> dict[AuditFinding, int]:
        """Count the rows of a workspace that contradict one another; needs no key and no engine.

        Args:
            keys: the workspace.
            timeout_s: bound on all of it, in seconds.
            thorough: whether rows that the hashes prove are held against one another as well.

        Raises:
            StoreFailureError: the database cannot be read; GONE where the workspace is another one by now.
        """
        checks = ALWAYS | (WHERE_WRONG if thorough else {})

        async def send(connection: Connection) -> dict[AuditFinding, int]:
            async with whole_snapshot(connection):
                await connection.execute(Statement.PROVE_WORKSPACE.text, keys.workspace_key, keys.identity)
                await connection.execute("SET LOCAL enable_seqscan = on")
                counts = {
                    finding: await connection.fetchval(statement.text, keys.workspace_key)
                    for finding, statement in checks.items()
                }
                return {finding: count for finding, count in counts.items() if count}

        return await self._pool.run(send, timeout_s)
