"""Writing: one statement a commit, and the fallback transaction that queues for the workspace first."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from utterson.domain.chain import Commit, CommitOutcome, LogRow, WorkspaceKeys
from utterson.store.log_reads import read_tail
from utterson.store.pool import Connection, ConnectionPool
from utterson.store.statements import Statement


async def _commit_batch(connection: Connection, commit: Commit, clock_skew_us_max: int) -> CommitOutcome:
    outcome: int = await connection.fetchval(
        Statement.COMMIT_BATCH.text,
        commit.keys.workspace_key,
        commit.seq,
        commit.id,
        commit.prev,
        commit.policy_revision,
        commit.commit_time_us,
        commit.state_hash,
        commit.format_version,
        commit.payload,
        *commit.columns,
        commit.keys.identity,
        clock_skew_us_max,
    )
    return CommitOutcome(outcome)


class LockedTail:
    """Reads the log within the transaction that holds the workspace's row: nobody else commits meanwhile."""

    def __init__(self, connection: Connection, keys: WorkspaceKeys) -> None:
        self._connection = connection
        self._keys = keys

    async def __call__(self, after_seq: int, limit: int) -> list[LogRow]:
        """Read at most `limit` entries after one, oldest first."""
        return await read_tail(self._connection, self._keys, after_seq, limit)


class CommitStore:
    """Commits. Every call is one transaction; a call that does not end well loses its connection.

    Args:
        pool: the connections.
        clock_skew_us_max: how far an entry's time may be from the database's clock.
    """

    def __init__(self, pool: ConnectionPool, clock_skew_us_max: int) -> None:
        self._pool = pool
        self._clock_skew_us_max = clock_skew_us_max

    async def commit(self, commit: Commit, timeout_s: float) -> CommitOutcome:
        """Append one entry and write its effects, all or nothing, in one statement of its own transaction.

        Raises:
            StoreFailureError: UNKNOWN means that the entry may be there; find out by its id.
        """

        async def send(connection: Connection) -> CommitOutcome:
            return await _commit_batch(connection, commit, self._clock_skew_us_max)

        return await self._pool.run(send, timeout_s)

    async def commit_locked(
        self,
        keys: WorkspaceKeys,
        decide: Callable[[LockedTail], Awaitable[Commit | None]],
        timeout_s: float,
    ) -> CommitOutcome:
        """Take the workspace's row first, then let `decide` catch up and decide, and append what it answers.

        Where `decide` answers None nothing is written, and the outcome is OK.

        Raises:
            StoreFailureError: UNKNOWN means that the entry may be there; find out by its id.
        """

        async def send(connection: Connection) -> CommitOutcome:
            async with _transaction(connection):
                locked = await connection.fetchval(Statement.LOCK_WORKSPACE.text, keys.workspace_key, keys.identity)
                if locked is None:
                    return CommitOutcome.GONE
                commit = await decide(LockedTail(connection, keys))
                if commit is None:
                    return CommitOutcome.OK
                return await _commit_batch(connection, commit, self._clock_skew_us_max)

        return await self._pool.run(send, timeout_s)


@asynccontextmanager
async def _transaction(connection: Connection) -> AsyncIterator[None]:
    """Begin and commit; on an error leave the transaction open: the pool's rule terminates the connection."""
    transaction = connection.transaction(isolation="read_committed")
    await transaction.start()
    yield
    await transaction.commit()
