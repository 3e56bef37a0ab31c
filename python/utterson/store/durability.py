"""What an acknowledged write rests on: looked at before anything is written, and again on every new connection."""

from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from utterson.domain.startup import StartupError
from utterson.store.statements import Statement

VERSION_MIN = 150_000
AnyConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"


class UnfitDatabaseError(StartupError):
    """The database does not keep what the service promises. The message names every fault and its remedy."""


async def refuse_unfit(connection: AnyConnection) -> None:
    """Refuse a database that may lose acknowledged writes or mangle text, or that shows the past.

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
