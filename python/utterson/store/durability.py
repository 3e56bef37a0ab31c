"""What an acknowledged write rests on: looked at before anything is written, and again on every new connection."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from utterson.domain.startup import StartupError
from utterson.store.statements import Statement

VERSION_MIN = 150_000
AnyConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"


class UnfitDatabaseError(StartupError):
    """The database does not keep what the service promises. The message names every fault and its remedy."""


@dataclass(frozen=True, slots=True)
class ServerLife:
    """One life of one server: each start begins another, and so does a failover, since another server answers then.

    Attributes:
        start_time: when it began; no two are taken for the same by that.
        is_replicated: whether its commits wait for a synchronous standby.
    """

    start_time: datetime
    is_replicated: bool


async def refuse_unfit(connection: AnyConnection) -> ServerLife:
    """Refuse a database that may lose acknowledged writes or mangle text, or that shows the past.

    Returns:
        Who was asked.

    Raises:
        UnfitDatabaseError: with every fault found.
    """
    row = await connection.fetchrow(Statement.DURABILITY.text)
    if row is None:
        raise UnfitDatabaseError("the database tells no settings")
    faults = []
    if row["version"] < VERSION_MIN:
        faults.append("Postgres is older than 15: upgrade it")
    if row["in_recovery"]:
        faults.append("this server is a standby: connect to the primary")
    if row["encoding"] != "UTF8":
        faults.append("the database's encoding is not UTF8: create it anew with ENCODING 'UTF8'")
    faults.extend(
        f"{setting} is off: an acknowledged write could be lost; set it to on"
        for setting in ("fsync", "full_page_writes", "synchronous_commit")
        if row[setting] == "off"
    )
    if faults:
        raise UnfitDatabaseError("; ".join(faults))
    return ServerLife(row["start_time"], row["is_replicated"])


class Recovered:
    """What a server recovered when it started is read only once its synchronous standby has it, too.

    A commit that was under way when the server died may have reached its own disk and not the standby's. From its next
    start on everybody sees it, and Postgres does not ask for its replica any more: whoever is told that it stands could
    lose it in a failover. A commit of our own, however small, waits for a replica of all that was written before it.
    """

    def __init__(self) -> None:
        self._proven: ServerLife | None = None

    async def prove(self, connection: AnyConnection, life: ServerLife) -> None:
        """Wait for it, once in a server's life.

        Raises:
            PostgresError: the server takes no commit.
        """
        if life.is_replicated and life != self._proven:
            # Of a commit whose wait for the standby is cut short Postgres says that it ended well: no timeout of its
            # own. Not the driver's transaction, which would have the last word: whoever gives up closes the connection.
            for statement in ("BEGIN", "SET LOCAL statement_timeout = 0", Statement.PROVE_RECOVERED.text, "COMMIT"):
                await connection.execute(statement)
        self._proven = life
