"""Workspaces and their policies."""

from collections.abc import Sequence

import asyncpg

from utterson.domain.chain import (
    GENESIS_PREV,
    GENESIS_STATE_HASH,
    LOG_FORMAT_VERSION,
    FailureKind,
    NewWorkspace,
    StoredPolicy,
    StoredWorkspace,
    StoreFailureError,
    WorkspaceKeys,
)
from utterson.domain.records import ANSWER_BYTES_MAX
from utterson.store.pool import Connection, ConnectionPool
from utterson.store.statements import Statement


def read_keys(row: "asyncpg.Record") -> WorkspaceKeys:
    """Tell who a workspace is by its row."""
    return WorkspaceKeys(
        row["workspace"],
        row["workspace_key"],
        row["digest_key"],
        row["id_key"],
        row["create_time_us"],
        row["genesis_id"],
        row["database_id"],
        tuple(row["id_eras"]),
    )


def _stored(row: "asyncpg.Record") -> StoredWorkspace:
    return StoredWorkspace(
        read_keys(row),
        StoredPolicy(row["policy_revision"], row["policy"], row["policy_create_time_us"]),
    )


class WorkspaceStore:
    """Makes and tells workspaces; a changed policy is a commit like any other and goes through `CommitStore`."""

    def __init__(self, pool: ConnectionPool, clock_skew_us_max: int) -> None:
        self._pool = pool
        self._clock_skew_us_max = clock_skew_us_max

    async def create(self, new: NewWorkspace) -> bool:
        """Make a workspace with its first policy and genesis entry; False where the id is taken.

        Raises:
            StoreFailureError: UNKNOWN means that it may have been made; `get` and compare the keys. CLOCKS_APART
                means that its time is too far from the database's.
        """

        async def send(connection: Connection) -> bool:
            made = await connection.fetchrow(
                Statement.CREATE_WORKSPACE.text,
                new.workspace,
                new.digest_key,
                new.id_key,
                new.create_time_us,
                new.policy,
                new.genesis_id,
                GENESIS_PREV,
                GENESIS_STATE_HASH,
                LOG_FORMAT_VERSION,
                new.workspace_key,
                self._clock_skew_us_max,
            )
            if made is None or not made["agrees"]:
                raise StoreFailureError(FailureKind.CLOCKS_APART, "clock")
            return made["workspace_key"] is not None

        return await self._pool.run(send)

    async def get(self, workspace: str) -> StoredWorkspace | None:
        """Tell a workspace and its newest policy."""
        return (await self.named([workspace])).get(workspace)

    async def named(self, workspaces: Sequence[str]) -> dict[str, StoredWorkspace]:
        """Tell those of some names that are workspaces, each with its newest policy, in one query."""
        rows = await self._pool.run(lambda connection: connection.fetch(Statement.WORKSPACE.text, workspaces))
        return {row["workspace"]: _stored(row) for row in rows}

    async def count(self, limit: int) -> int:
        """Count the workspaces, up to a limit."""
        counted = await self._pool.run(lambda connection: connection.fetchval(Statement.WORKSPACES_COUNT.text, limit))
        return int(counted)

    async def page(self, after: str, limit: int) -> list[StoredWorkspace]:
        """List workspaces by id, after one: so many, fewer where their policies are large, but two at the least."""
        rows = await self._pool.run(
            lambda connection: connection.fetch(Statement.WORKSPACES_PAGE.text, after, limit, ANSWER_BYTES_MAX)
        )
        return [_stored(row) for row in rows]

    async def policies_page(self, keys: WorkspaceKeys, before_revision: int, limit: int) -> list[StoredPolicy]:
        """List a workspace's policies, newest first, before one: so many, fewer where they are large, but two."""
        rows = await self._pool.run(
            lambda connection: connection.fetch(
                Statement.POLICIES_PAGE.text,
                keys.workspace_key,
                before_revision,
                limit,
                ANSWER_BYTES_MAX,
                keys.identity,
            )
        )
        return [StoredPolicy(row["policy_revision"], row["policy"], row["create_time_us"]) for row in rows]
