"""Looks at the processes: the server's, and those of Postgres."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from tests.embedded.processes import postmasters_of

_PROC = Path("/proc")
_ESTABLISHED = "01"
# A count of rows that costs nothing: Postgres keeps it itself, and tells it about a second late.
_ROWS = "SELECT relname, n_live_tup FROM pg_stat_user_tables WHERE relname = ANY($1)"
_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@dataclass(frozen=True, slots=True)
class Process:
    """What the system tells of one process."""

    memory_bytes: int
    threads: int
    descriptors: int


def process(process_id: int) -> Process:
    """Look at a process: the memory that it shares with nobody, its threads and its descriptors."""
    status = dict(_status(process_id))
    descriptors = len(os.listdir(_PROC / str(process_id) / "fd"))  # noqa: PTH208 - only how many
    return Process(int(status["RssAnon"].split()[0]) * 1024, int(status["Threads"]), descriptors)


def _status(process_id: int) -> Iterator[tuple[str, str]]:
    for line in (_PROC / str(process_id) / "status").read_text().splitlines():
        name, _, value = line.partition(":")
        yield name, value.strip()


def connections_to(port: int) -> int:
    """Count the established connections to a port of this machine."""
    lines = (_PROC / "net" / "tcp").read_text().splitlines()[1:]
    sockets = (line.split() for line in lines)
    wanted = f"{port:04X}"
    return sum(columns[1].endswith(f":{wanted}") and columns[3] == _ESTABLISHED for columns in sockets)


def database(data_dir: Path) -> tuple[int, int]:
    """Tell the private memory of all processes of a Postgres, in bytes, and how many they are."""
    postmasters = postmasters_of(data_dir)
    total = count = 0
    for entry in _PROC.iterdir():
        # A backend may end meanwhile.
        with suppress(OSError, KeyError, ValueError):
            process_id = int(entry.name)
            status = dict(_status(process_id))
            if process_id in postmasters or int(status["PPid"]) in postmasters:
                total += int(status["RssAnon"].split()[0]) * 1024
                count += 1
    return total, count


async def rows(connection: "asyncpg.Connection[asyncpg.Record]", tables: list[str]) -> dict[str, int]:
    """Tell about how many rows some tables have."""
    return {row["relname"]: row["n_live_tup"] for row in await connection.fetch(_ROWS, tables)}


async def database_connections(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """Count the connections to the database, but for this one."""
    count: int = await connection.fetchval(_CONNECTIONS)
    return count
