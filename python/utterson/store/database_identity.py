"""Which database this is: looked at on every new connection, for behind each may be an older state of it, or a copy.

What shows a restore: another cluster, another timeline of its log, another database within the cluster, an id that it
had and does not know any more, a log that is shorter than it was; or a lane, whose state stands at an entry that the
log does not have. Then the database gets a new id, and profile ids a new era:
docs/decisions/0027-a-workspace-proves-itself.md.
"""

import logging
from typing import Final

from utterson.store.durability import AnyConnection
from utterson.store.pool import ConnectionPool
from utterson.store.statements import Statement

logger = logging.getLogger("utterson.store")

# Nobody has looked at this database before.
NEW_SIGN: Final = "new"
SHORTER_SIGN: Final = "a log that went back"


class DatabaseWatch:
    """What this process knows of its database; all of its connections share one."""

    def __init__(self) -> None:
        self._known_id: bytes | None = None
        # How many bytes of the database's log were safe on its disk when it was looked at last.
        self._wal_bytes = 0

    async def look(self, connection: AnyConnection) -> None:
        """Look which database is behind a connection; where it lost a part of its history, give it a new id."""
        # Looks may overtake one another: the answer is held against what was known when it was asked for.
        written_bytes = self._wal_bytes
        row = await connection.fetchrow(Statement.DATABASE_LOOK.text, self._known_id)
        if row is None or row["wal_bytes"] is None:
            # A standby; it is refused for that.
            return
        sign = row["sign"] or (SHORTER_SIGN if row["wal_bytes"] < written_bytes else "")
        if not sign:
            self._known_id = row["id"]
            self._wal_bytes = max(self._wal_bytes, row["wal_bytes"])
            return
        if sign == NEW_SIGN:
            await self.renew(connection, None, lost=False)
        else:
            logger.warning("the database was restored or failed over: it shows %s", sign)
            await self.renew(connection, self._known_id, lost=sign == SHORTER_SIGN)
        self._wal_bytes = row["wal_bytes"]

    async def renew(self, connection: AnyConnection, seen_id: bytes | None, *, lost: bool) -> None:
        """Have the database decide whether it lost a part of its history, and get a new id if it did."""
        async with connection.transaction():
            # It writes a row for each workspace.
            await connection.execute("SET LOCAL statement_timeout = 0")
            found: bytes = await connection.fetchval(Statement.DATABASE_RENEW.text, seen_id, lost)
        if self._known_id is not None and found != self._known_id:
            logger.warning("a part of the database's history was lost: profile ids are of a new era from here on")
        self._known_id = found


class DatabaseIdentityStore:
    """Tells the database what lanes found out about it."""

    def __init__(self, pool: ConnectionPool, watch: DatabaseWatch) -> None:
        self._pool = pool
        self._watch = watch

    async def look(self) -> None:
        """Look which database this is, also on a connection that is not new: how much is written is noted.

        Raises:
            StoreFailureError: it cannot be asked.
        """
        await self._pool.run(self._watch.look)

    async def settle(self, seen_id: bytes, *, lost: bool) -> None:
        """Give the database a new id where it lost a part of its history and no other server did it since `seen_id`.

        Args:
            seen_id: the database's id when the caller's state was loaded.
            lost: whether the caller saw the loss; else only signs count, and that the database does not know the id.

        Raises:
            StoreFailureError: it is not settled; try again before profiles are made.
        """
        await self._pool.run(lambda connection: self._watch.renew(connection, seen_id, lost=lost))
