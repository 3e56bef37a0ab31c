"""Loading: a workspace's tables, with its head, in one snapshot, streamed as binary COPY."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from utterson.domain.chain import (
    LOG_FORMAT_VERSION,
    FormatUnknownError,
    Head,
    SnapshotHead,
    SnapshotSink,
    WorkspaceKeys,
)
from utterson.store.pool import Connection, ConnectionPool
from utterson.store.statements import Statement
from utterson.store.workspaces import read_keys

Sink = TypeVar("Sink", bound=SnapshotSink)

# What the sink's thread is given at once: enough that changing threads costs little beside reading it.
GROUP_BYTES = 512 * 1024


class SnapshotStore:
    """Reads whole workspaces; request ids that are older than the retention, by the log's time, are left out."""

    def __init__(self, pool: ConnectionPool, request_retention_us: int) -> None:
        self._pool = pool
        self._request_retention_us = request_retention_us

    async def load(
        self, workspace: str, begin: Callable[[WorkspaceKeys, SnapshotHead], Sink], timeout_s: float
    ) -> tuple[SnapshotHead, Sink] | None:
        """Feed a workspace's rows to the sink that `begin` makes; None where there is no such workspace.

        Everything comes from one REPEATABLE READ READ ONLY snapshot, the head and who the workspace is included.

        Raises:
            StoreFailureError: the database cannot be read.
            FormatUnknownError: the log's newest entry was written by a later build.
        """

        async def read(connection: Connection) -> tuple[SnapshotHead, Sink] | None:
            async with whole_snapshot(connection):
                row = await connection.fetchrow(Statement.WORKSPACE_KEYS.text, workspace)
                if row is None:
                    return None
                keys = read_keys(row)
                head = await read_head(connection, keys)
                if head is None:
                    return None
                workspace_key = keys.workspace_key
                # What follows is planned for this load alone: of a large workspace whole tables are read.
                await connection.execute("SET LOCAL enable_seqscan = on")
                # It compiles the policy, which may take a while.
                sink = await asyncio.to_thread(begin, keys, head)
                await copy_rows(connection, Statement.LOAD_PROFILES, sink.profiles, workspace_key)
                await copy_rows(connection, Statement.LOAD_IDENTIFIERS, sink.identifiers, workspace_key)
                await copy_rows(connection, Statement.LOAD_TRAITS, sink.traits, workspace_key)
                since_us = head.commit_time_us - self._request_retention_us
                await copy_rows(connection, Statement.LOAD_REQUESTS, sink.requests, workspace_key, since_us)
                return head, sink

        return await self._pool.run(read, timeout_s)


@asynccontextmanager
async def whole_snapshot(connection: Connection) -> AsyncIterator[None]:
    """Read in one snapshot, for as long as it takes."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SET LOCAL statement_timeout = 0")
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '60s'")
        yield


async def read_head(connection: Connection, keys: WorkspaceKeys) -> SnapshotHead | None:
    """Tell the state that this snapshot shows; None where the workspace has no log.

    Raises:
        FormatUnknownError: the log's newest entry was written by a later build.
    """
    row = await connection.fetchrow(Statement.SNAPSHOT_HEAD.text, keys.workspace_key, keys.identity)
    if row is None:
        return None
    if row["format_version"] > LOG_FORMAT_VERSION:
        raise FormatUnknownError(f"log format {row['format_version']} is newer than {LOG_FORMAT_VERSION}")
    rows_expected = await connection.fetchval(Statement.ROWS_EXPECTED.text, keys.workspace_key)
    return SnapshotHead(
        Head(row["seq"], row["id"]),
        row["commit_time_us"],
        row["state_hash"],
        row["policy_revision"],
        row["policy"],
        rows_expected or 0,
    )


async def copy_rows(
    connection: Connection, statement: Statement, take: Callable[[bytes], None], *arguments: int
) -> None:
    """Stream a statement's rows to a sink, on a thread of its own."""
    feed = _Feed(take)
    try:
        await connection.copy_from_query(statement.text, *arguments, output=feed.output, format="binary")
    finally:
        await feed.end()
    if feed.failure is not None:
        raise feed.failure


class _Feed:
    """Hands rows to a sink on another thread while the next ones arrive: groups of chunks, one at a time, in order."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self.failure: BaseException | None = None
        self._take = take
        self._chunks: list[bytes] = []
        self._size_bytes = 0
        self._taking: asyncio.Future[None] | None = None

    async def output(self, chunk: bytes) -> None:
        """Take a chunk; never raises, since the driver hangs on an exception in here."""
        self._chunks.append(chunk)
        self._size_bytes += len(chunk)
        if self._size_bytes >= GROUP_BYTES:
            await self._hand_over()

    async def end(self) -> None:
        """Hand over what is left and wait until the sink has taken it, or has failed."""
        await self._hand_over()
        await self._taken()

    async def _hand_over(self) -> None:
        """Begin with the next group once the one before is done; while that lasts the database waits, too."""
        group = b"".join(self._chunks)
        self._chunks.clear()
        self._size_bytes = 0
        await self._taken()
        if group and self.failure is None:
            self._taking = asyncio.get_running_loop().run_in_executor(None, self._take, group)
            # Where the database breaks off meanwhile, nobody awaits it.
            self._taking.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _taken(self) -> None:
        taking, self._taking = self._taking, None
        if taking is not None:
            try:
                await taking
            except BaseException as error:
                self.failure = error
