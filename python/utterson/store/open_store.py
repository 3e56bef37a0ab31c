"""The store as a whole: pools of their own for commits and reads, so that reads never keep a commit waiting."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from utterson.settings.database import DatabaseSettings
from utterson.store.audits import AuditStore
from utterson.store.commits import CommitStore
from utterson.store.connecting import connect_faults
from utterson.store.database_identity import DatabaseIdentityStore, DatabaseWatch
from utterson.store.fitness import FitnessStore
from utterson.store.log_reads import LogStore
from utterson.store.maintenance import MaintenanceStore
from utterson.store.pool import ConnectionPool, PoolSettings
from utterson.store.profiles import ProfileStore
from utterson.store.rekeying import RekeyingStore
from utterson.store.snapshot import SnapshotStore
from utterson.store.workspaces import WorkspaceStore

# Of the pool of commits, and of that of reads.
CONNECTIONS_MAX: Final = 8
READ_TIMEOUT_MS: Final = 5_000
# A server has one connection more, which only asks whether the database is there: it waits for nobody.
FITNESS_CONNECTIONS_MAX: Final = 1


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
    fitness: FitnessStore
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
        connections_max: of the pool of commits, and of that of reads.

    Raises:
        UnfitDatabaseError: the database may lose acknowledged writes.
        StartupError: it cannot be reached.
    """
    watch = DatabaseWatch()
    async with AsyncExitStack() as on_fault:
        pools: list[ConnectionPool] = []
        for pool_settings in _wanted(settings, connections_max):
            # Whoever asks whether the database is there gets no answer of it that could be of another one, and must not
            # wait for a new era.
            look = watch.look if pool_settings.tries_again else None
            with connect_faults():
                pool = await ConnectionPool.open(database_url, pool_settings, look)
            on_fault.push_async_callback(pool.close)
            pools.append(pool)
        on_fault.pop_all()
    commit_pool, read_pool, fitness_pool = pools
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
        FitnessStore(fitness_pool, tuple(pools)),
        tuple(pools),
    )


def _wanted(settings: DatabaseSettings, connections_max: int) -> tuple[PoolSettings, ...]:
    """Choose how the pools behave: that of commits, that of reads, that which asks whether the database is there."""
    connect_ms = settings.connect_timeout_ms
    return (
        # A commit is bounded by its caller, who cuts the connection: an import may take longer than other commits.
        PoolSettings(connections_max, settings.commit_timeout_ms, 0, connect_timeout_ms=connect_ms, for_commits=True),
        PoolSettings(connections_max, READ_TIMEOUT_MS, READ_TIMEOUT_MS, connect_timeout_ms=connect_ms),
        PoolSettings(
            FITNESS_CONNECTIONS_MAX,
            READ_TIMEOUT_MS,
            READ_TIMEOUT_MS,
            connect_timeout_ms=connect_ms,
            tries_again=False,
        ),
    )
