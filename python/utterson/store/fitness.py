"""Whether the database is there, and keeps what it acknowledges: asked over and over while the server runs."""

from utterson.logs import once_a_second
from utterson.store.durability import ServerLife, UnfitDatabaseError, refuse_unfit
from utterson.store.pool import ConnectionPool, logger
from utterson.store.sqlstate import UNFIT_CODE, unfit


class FitnessStore:
    """Asks by a connection of its own.

    Args:
        pool: where that comes from.
        pools: all pools of the process. Where a setting was changed for the worse, their connections are made anew,
            which is refused until it is put right. Where another server answers than before, those to the one before
            are given up: it may never answer again, or, once it wakes, tell of a time when it was the primary.
    """

    def __init__(self, pool: ConnectionPool, pools: tuple[ConnectionPool, ...]) -> None:
        self._pool = pool
        self._pools = pools
        self._life: ServerLife | None = None

    async def check(self, timeout_s: float) -> None:
        """Ask once, for `timeout_s` seconds at most.

        Raises:
            StoreFailureError: nobody answers, or a database that would not keep what it acknowledges.
        """
        try:
            life = await self._pool.run(refuse_unfit, timeout_s)
        except UnfitDatabaseError as error:
            logger.error("the database is not used any more: %s", error, extra=once_a_second(UNFIT_CODE))
            for pool in self._pools:
                await pool.expire()
            raise unfit() from None
        if self._life is not None and life.start_time != self._life.start_time:
            logger.warning("another server of the database answers: connections to the one before are given up")
            for pool in self._pools:
                if pool is not self._pool:
                    await pool.forsake()
        self._life = life
