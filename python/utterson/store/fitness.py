"""Whether the database is there, and keeps what it acknowledges: asked over and over while the server runs."""

from utterson.logs import once_a_second
from utterson.store.durability import UnfitDatabaseError, refuse_unfit
from utterson.store.pool import ConnectionPool, logger
from utterson.store.sqlstate import UNFIT_CODE, unfit


class FitnessStore:
    """Asks by a connection of its own.

    Args:
        pool: where that comes from.
        pools: all pools of the process. Where a setting was changed for the worse, their connections are made anew,
            which is refused until it is put right.
    """

    def __init__(self, pool: ConnectionPool, pools: tuple[ConnectionPool, ...]) -> None:
        self._pool = pool
        self._pools = pools

    async def check(self, timeout_s: float) -> None:
        """Ask once, for `timeout_s` seconds at most.

        Raises:
            StoreFailureError: nobody answers, or a database that would not keep what it acknowledges.
        """
        try:
            await self._pool.run(refuse_unfit, timeout_s)
        except UnfitDatabaseError as error:
            logger.error("the database is not used any more: %s", error, extra=once_a_second(UNFIT_CODE))
            for pool in self._pools:
                await pool.expire()
            raise unfit() from None
