"""The store as a whole: two pools, so that reads never keep a commit waiting."""

from dataclasses import dataclass
from typing import Final

from utterson.settings.database import DatabaseSettings
from utterson.store.audits import AuditStore
from utterson.store.commits import CommitStore
from utterson.store.connecting import connect_faults
from utterson.store.database_identity import DatabaseIdentityStore, DatabaseWatch
from utterson.store.durability import check_durability
from utterson.store.log_reads import LogStore
from utterson.store.maintenance import MaintenanceStore
from utterson.store.pool import ConnectionPool, PoolSettings
from utterson.store.profiles import ProfileStore
from utterson.store.rekeying import RekeyingStore
from utterson.store.snapshot import SnapshotStore
from utterson.store.workspaces import WorkspaceStore

# Of each of the two pools.
CONNECTIONS_MAX: Final = 8
READ_TIMEOUT_MS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Store:
    """Everything that the use cases ask of the database."""

    commits: CommitStore
    log: LogStore
    workspaces: WorkspaceStore
    snapshots: SnapshotStore
    profiles: ProfileStore
    maintenance: MaintenanceStore
    audits: AuditStore
    identity: DatabaseIdentityStore
    rekeying: RekeyingStore
    pools: tuple[ConnectionPool, ...]

    async def close(self) -> None:
        """Close every connection."""
        for pool in self.pools:
            await pool.close()


async def open_store(
    database_url: str,
    settings: DatabaseSettings,
    request_retention_us: int,
    connections_max: int = CONNECTIONS_MAX,
) -> Store:
    """Open the pools of a migrated database and check what it promises.

    Args:
        database_url: where it is.
        settings: how long commits may take and what is kept for how long.
        request_retention_us: how long the engine knows a request id.
        connections_max: of each of the two pools.

    Raises:
        UnfitDatabaseError: the database may lose acknowledged writes.
        StartupError: it cannot be reached.
    """
    watch = DatabaseWatch()
    with connect_faults():
        # A commit is bounded by its caller, who cuts the connection: an import may take longer than other commits.
        commit_pool = await ConnectionPool.open(
            database_url,
            PoolSettings(connections_max, settings.commit_timeout_ms, 0, for_commits=True),
            watch.look,
        )
        read_pool = await ConnectionPool.open(
            database_url,
            PoolSettings(connections_max, READ_TIMEOUT_MS, READ_TIMEOUT_MS),
            watch.look,
        )
    try:
        await check_durability(commit_pool)
    except BaseException:
        await commit_pool.close()
        await read_pool.close()
        raise
    return Store(
        CommitStore(commit_pool, settings.clock_skew_ms_max * 1000),
        LogStore(read_pool),
        WorkspaceStore(commit_pool, settings.clock_skew_ms_max * 1000),
        SnapshotStore(read_pool, request_retention_us),
        ProfileStore(read_pool),
        MaintenanceStore(read_pool, settings.log_retention_days, request_retention_us),
        AuditStore(read_pool),
        DatabaseIdentityStore(read_pool, watch),
        RekeyingStore(database_url),
        (commit_pool, read_pool),
    )
