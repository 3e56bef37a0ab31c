"""Reading the log: heads, tails, who is at a place, and recorded answers."""

from collections.abc import Sequence

from utterson.domain.chain import Head, LogRow
from utterson.store.pool import Connection, ConnectionPool
from utterson.store.statements import Statement


async def read_tail(connection: Connection, workspace_key: int, after_seq: int, limit: int) -> list[LogRow]:
    """Read at most `limit` entries after one, oldest first."""
    rows = await connection.fetch(Statement.TAIL.text, workspace_key, after_seq, limit)
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

    async def heads(self, workspace_keys: Sequence[int]) -> dict[int, Head]:
        """Tell the heads of some workspaces, in one query; a workspace that is gone is absent."""
        keys = list(workspace_keys)
        rows = await self._pool.run_here(lambda connection: connection.fetch(Statement.HEADS.text, keys))
        return {row["workspace_key"]: Head(row["seq"], row["id"]) for row in rows}

    async def tail(self, workspace_key: int, after_seq: int, limit: int) -> list[LogRow]:
        """Read at most `limit` entries after one, oldest first."""
        return await self._pool.run(lambda connection: read_tail(connection, workspace_key, after_seq, limit))

    async def entry_id(self, workspace_key: int, seq: int) -> bytes | None:
        """Tell the id of the entry at a place of the chain, None where there is none."""
        found: bytes | None = await self._pool.run(
            lambda connection: connection.fetchval(Statement.ENTRY_ID.text, workspace_key, seq)
        )
        return found

    async def request_answers(self, workspace_key: int, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """Read what was answered to accepted calls, by the digest of their request or message id."""
        wanted = list(digests)
        rows = await self._pool.run(
            lambda connection: connection.fetch(Statement.REQUEST_ANSWERS.text, workspace_key, wanted)
        )
        return {row["digest"]: row["answer"] for row in rows}
