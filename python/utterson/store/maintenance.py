"""What time leaves behind: payload partitions made ahead and dropped by age, request ids forgotten."""

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
        today = now_us // DAY_US

        async def send(connection: Connection) -> None:
            await connection.fetchval(Statement.PARTITIONS_PREPARE.text, today, today + PARTITION_DAYS_AHEAD)
            await connection.fetchval(Statement.PARTITIONS_DROP.text, today - self._log_retention_days)

        await self._pool.run(send)

    async def expire_requests(self, now_us: int) -> int:
        """Forget one small batch of old request ids; tells how many went."""
        return await self._delete(Statement.REQUESTS_EXPIRE, now_us - self._request_kept_us)

    async def expire_default_payload(self, now_us: int) -> int:
        """Drop one small batch of old payload that found no partition of its day."""
        before_us = (now_us // DAY_US - self._log_retention_days) * DAY_US
        return await self._delete(Statement.PAYLOAD_DEFAULT_EXPIRE, before_us)

    async def _delete(self, statement: Statement, before_us: int) -> int:
        status = await self._pool.run(lambda connection: connection.execute(statement.text, before_us, EXPIRE_ROWS_MAX))
        return int(status.removeprefix("DELETE "))
