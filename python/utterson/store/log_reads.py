"""Reading the log: heads, tails, who is at a place, and recorded answers.

Each statement proves the workspace: one that is gone, or is another one by now, is never read by its number.
"""

from collections.abc import Sequence

from utterson.domain.chain import Head, LogRow, WorkspaceKeys
from utterson.store.pool import Connection, ConnectionPool
from utterson.store.statements import Statement


async def read_tail(connection: Connection, keys: WorkspaceKeys, after_seq: int, limit: int) -> list[LogRow]:
    """Read at most `limit` entries after one, oldest first."""
    rows = await connection.fetch(Statement.TAIL.text, keys.workspace_key, after_seq, limit, keys.identity)
    return [
        LogRow(
            row["seq"],
            row["id"],
            row["prev"],
            row["policy_revision"],
            row["commit_time_us"],
            row["state_hash"],
            row["format_version"],
            row["payload"],
        )
        for row in rows
    ]


class LogStore:
    """The log's readers."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def heads(self, workspaces: Sequence[WorkspaceKeys]) -> dict[WorkspaceKeys, Head]:
        """Tell the heads of some workspaces, in one query; one that is gone, or is another one by now, is absent."""
        numbers = [keys.workspace_key for keys in workspaces]
        identities = [keys.identity for keys in workspaces]
        rows = await self._pool.run_here(lambda connection: connection.fetch(Statement.HEADS.text, numbers, identities))
        return {workspaces[row["place"] - 1]: Head(row["seq"], row["id"]) for row in rows}

    async def tail(self, keys: WorkspaceKeys, after_seq: int, limit: int) -> list[LogRow]:
        """Read at most `limit` entries after one, oldest first."""
        return await self._pool.run(lambda connection: read_tail(connection, keys, after_seq, limit))

    async def entry_id(self, keys: WorkspaceKeys, seq: int) -> bytes | None:
        """Tell the id of the entry at a place of the chain, None where there is none.

        By the genesis alone: an entry is known by its id, also where the database got another id meanwhile.
        """
        found: bytes | None = await self._pool.run(
            lambda connection: connection.fetchval(Statement.ENTRY_ID.text, keys.workspace_key, seq, keys.genesis_id)
        )
        return found

    async def request_answers(self, keys: WorkspaceKeys, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """Read what was answered to accepted calls, by the digest of their request or message id."""
        wanted = list(digests)
        rows = await self._pool.run(
            lambda connection: connection.fetch(
                Statement.REQUEST_ANSWERS.text, keys.workspace_key, wanted, keys.identity
            )
        )
        return {row["digest"]: row["answer"] for row in rows}
