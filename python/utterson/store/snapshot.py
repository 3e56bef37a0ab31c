"""Loading: a workspace's tables, with its head, in one snapshot, streamed as binary COPY."""

from collections.abc import Callable
from typing import TypeVar

from utterson.domain.chain import LOG_FORMAT_VERSION, FormatUnknownError, Head, SnapshotHead, SnapshotSink
from utterson.store.pool import Connection, ConnectionPool
from utterson.store.statements import Statement

Sink = TypeVar("Sink", bound=SnapshotSink)

# Request ids older than this, by the log's time, are forgotten (rule C7).
REQUEST_RETENTION_US = 24 * 3600 * 1_000_000


class SnapshotStore:
    """Reads whole workspaces."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def load(
        self, workspace_key: int, begin: Callable[[SnapshotHead], Sink], timeout_s: float
    ) -> tuple[SnapshotHead, Sink] | None:
        """Feed a workspace's rows to the sink that `begin` makes; None where the workspace has no log.

        Everything comes from one REPEATABLE READ READ ONLY snapshot, the head included.

        Raises:
            StoreFailureError: the database cannot be read.
            FormatUnknownError: the log's newest entry was written by a later build.
        """

        async def read(connection: Connection) -> tuple[SnapshotHead, Sink] | None:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await connection.execute("SET LOCAL statement_timeout = 0")
                await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '60s'")
                head = await _read_head(connection, workspace_key)
                if head is None:
                    return None
                sink = begin(head)
                await _copy(connection, Statement.LOAD_PROFILES, sink.profiles, workspace_key)
                await _copy(connection, Statement.LOAD_IDENTIFIERS, sink.identifiers, workspace_key)
                await _copy(connection, Statement.LOAD_TRAITS, sink.traits, workspace_key)
                since_us = head.commit_time_us - REQUEST_RETENTION_US
                await _copy(connection, Statement.LOAD_REQUESTS, sink.requests, workspace_key, since_us)
                return head, sink

        return await self._pool.run(read, timeout_s)


async def _read_head(connection: Connection, workspace_key: int) -> SnapshotHead | None:
    row = await connection.fetchrow(Statement.SNAPSHOT_HEAD.text, workspace_key)
    if row is None:
        return None
    if row["format_version"] > LOG_FORMAT_VERSION:
        raise FormatUnknownError(f"log format {row['format_version']} is newer than {LOG_FORMAT_VERSION}")
    return SnapshotHead(
        Head(row["seq"], row["id"]),
        row["commit_time_us"],
        row["state_hash"],
        row["policy_revision"],
        row["policy"],
    )


async def _copy(connection: Connection, statement: Statement, take: Callable[[bytes], None], *arguments: int) -> None:
    failure: BaseException | None = None

    async def output(chunk: bytes) -> None:
        nonlocal failure
        if failure is None:
            try:
                take(bytes(chunk))  # the driver hands out bytearrays
            except BaseException as error:  # the driver hangs on an exception in here
                failure = error

    await connection.copy_from_query(statement.text, *arguments, output=output, format="binary")
    if failure is not None:
        raise failure
