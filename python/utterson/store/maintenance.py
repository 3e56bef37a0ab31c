"""What time leaves behind: payload partitions made ahead and dropped by age, request ids forgotten."""

from collections.abc import Callable

from utterson.store.pool import Connection, ConnectionPool
from utterson.store.statements import Statement

DAY_US = 86_400_000_000
PARTITION_DAYS_AHEAD = 7
# A request id's row stays a little longer than the core knows the id, for answers that are being read.
REQUEST_EXTRA_US = 2 * 3_600_000_000
EXPIRE_ROWS_MAX = 1_000


class MaintenanceStore:
    """Small, repeatable steps; each gives up on a lock that it cannot have soon and is tried again next time."""

    def __init__(self, pool: ConnectionPool, log_retention_days: int, request_retention_us: int) -> None:
        self._pool = pool
        self._request_kept_us = request_retention_us + REQUEST_EXTRA_US
        self._log_retention_days = log_retention_days

    async def tend_partitions(self, now_us: int) -> None:
        """Make the payload's partitions of the days ahead, and drop those past the retention."""

        async def send(connection: Connection) -> None:
            today = await _by_either_clock(connection, now_us) // DAY_US
            await connection.fetchval(Statement.PARTITIONS_PREPARE.text, today, today + PARTITION_DAYS_AHEAD)
            await connection.fetchval(Statement.PARTITIONS_DROP.text, today - self._log_retention_days)

        await self._pool.run(send)

    async def expire_requests(self, now_us: int) -> int:
        """Forget one small batch of old request ids; tells how many went."""
        return await self._delete(Statement.REQUESTS_EXPIRE, now_us, lambda time_us: time_us - self._request_kept_us)

    async def expire_default_payload(self, now_us: int) -> int:
        """Drop one small batch of old payload that found no partition of its day."""
        return await self._delete(
            Statement.PAYLOAD_DEFAULT_EXPIRE,
            now_us,
            lambda time_us: (time_us // DAY_US - self._log_retention_days) * DAY_US,
        )

    async def _delete(self, statement: Statement, now_us: int, oldest_us: Callable[[int], int]) -> int:
        async def send(connection: Connection) -> str:
            before_us = oldest_us(await _by_either_clock(connection, now_us))
            return await connection.execute(statement.text, before_us, EXPIRE_ROWS_MAX)

        return int((await self._pool.run(send)).removeprefix("DELETE "))


async def _by_either_clock(connection: Connection, now_us: int) -> int:
    """Tell the earlier of this server's time and the database's: a clock that is ahead must not drop what is young."""
    database_us: int = await connection.fetchval(Statement.CLOCK.text)
    return min(now_us, database_us)
